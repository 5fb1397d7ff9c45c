/**
 * A certificate authority of our own for one name. What it may vouch for is that name alone: machines trust it for everything
 * they ask, also for images.
 */
export interface Authority {
  /** Its certificate, PEM. */
  readonly certificate: string
  /** A server's certificate for its name, with a new key. PEM texts. */
  issue(now: Date): { readonly cert: string; readonly key: string }
}
