import type { Logger } from '../core/log.ts'
import type { Progress } from '../core/activity.ts'
import type { CarryOutChoices, Step } from '../core/plan.ts'
import type { Wording } from '../core/wording.ts'
import type { Inventory } from './observe.ts'

export interface CarryOutOptions extends CarryOutChoices {
  readonly inventory: Inventory
  readonly log: Logger
  readonly wording: Wording
  readonly signal: AbortSignal
  /** Poll interval of a wait, in ms. */
  readonly pollEvery: number
  /** Called with what a node says that it does, while it is waited for. */
  readonly onHint?: (node: string, text: string) => void
  /** Called with how far a step is, where that is known. */
  readonly onProgress?: (step: Step, progress: Progress) => void
}

export type StepOf<Do extends Step['do']> = Extract<Step, { do: Do }>
