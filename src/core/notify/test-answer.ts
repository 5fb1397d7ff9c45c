/** How a test message fared. */
export interface TestAnswer {
  readonly channel: string
  readonly sent: boolean
  /** Why it was not sent; or what the channel says of it. */
  readonly detail: string
  readonly tookMs: number
}
