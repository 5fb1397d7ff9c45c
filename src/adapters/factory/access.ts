/** What a Factory asks of its users: each counts at its own origin alone. */
export interface FactoryAccess {
  /** The header `Authorization`. */
  readonly authorization?: string | undefined
  /** Sent as `?token=` with the question for an image (Image Factory Enterprise). */
  readonly token?: string | undefined
  /** PEM: nobody else vouches for the Factory. Where it redirects to, the public CAs do as well. */
  readonly ca?: string | undefined
}
