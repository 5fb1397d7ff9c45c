/** A release of Talos that the Image Factory offers, or has offered. */
export interface ReleaseAnswer {
  readonly version: string
  /** An alpha, a beta or a release candidate. */
  readonly isPrerelease: boolean
  /** The Factory marks it as one that is not to be used. */
  readonly isWithdrawn: boolean
}
