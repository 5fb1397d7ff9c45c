/** How much it matters. `critical`: the power is unguarded, or data is at stake. `warning`: something waits for a person. */
export type Severity = 'info' | 'warning' | 'critical'

/** What an alert says, as long as it is open. */
export interface AlertContent {
  readonly severity: Severity
  /** What it is about: a node, a UPS, a job, or `cluster`. */
  readonly subject: string
  /** What is so, as a sentence in the present tense. */
  readonly text: string
  /** What to do about it, as a sentence in the imperative; absent where it settles by itself. */
  readonly action?: string
}

/** Something that a person should know: opened once, settled once, and kept over restarts. */
export interface Alert extends AlertContent {
  /** Its kind, and what of it where there are several: `rollout.stuck`, `ups.silent:rack`. */
  readonly id: string
  /** ISO 8601: when it was opened. */
  readonly since: string
  /** ISO 8601; absent as long as it is open. */
  readonly settledAt?: string
}

export interface Alerts {
  /** Opens an alert; of one that is open what it says is brought up to date. Answers whether people hear something new. */
  open(id: string, content: AlertContent): boolean
  /** Settles an alert. Answers whether it was open. */
  settle(id: string): boolean
  /** Opens the alert, or settles it where there is nothing to say. Answers as `open`. */
  report(id: string, content: AlertContent | undefined): boolean
  /** Those that are open: the most severe first, then the oldest. */
  readonly all: readonly Alert[]
  /** Called with each alert that opens, changes what it says, or is settled. */
  subscribe(listener: (alert: Alert) => void): Disposable
}
