import type { ConfigQuestion } from './question.ts'
import type { Machine } from './machine.ts'

/**
 * Where what speaks with machines (the delivery by HTTP, the maintenance API) asks what a machine may have. It decides by
 * the records alone; callers hold connections and know nothing of approvals.
 */
export interface ProvisionDesk {
  /** Takes note of a question, and says what to answer now. The same question again gives the same answer until something changes. */
  ask(question: ConfigQuestion): ConfigAnswer
  /** Resolves when what `ask` would say to this machine may have changed. @throws AgentError when the signal aborts */
  changed(id: string, signal: AbortSignal): Promise<void>
  /**
   * Takes the configuration for delivery: that it was taken is on the disk before this resolves, and by one approval it
   * is taken once, also after a crash. `booted`: the release that it runs while it asks, where that is known; `isGone`: it has hung
   * up.
   *
   * @throws AgentError `rejected` where it may not have it (any more). The approval stands with `misconfigured`, where it can't be
   *   rendered, and with `not-now`, where it can't be written down, or where it has hung up meanwhile
   */
  take(
    question: ConfigQuestion,
    of?: { readonly booted?: string | undefined; readonly isGone?: () => boolean },
  ): Promise<TakenConfig>
  /** It answers on the Talos API of the cluster with this UUID, from this address. */
  verified(id: string, seen: { readonly address: string; readonly uuid: string }): void
  /** Its node is ready in Kubernetes, or it runs its installed system: it has joined. */
  joined(id: string): void
  /** What went wrong with it, as a clause; undefined where that is over. */
  trouble(id: string, why: string | undefined): void
  /** All that are known, those that asked last first. */
  machines(): readonly Machine[]
}

export type ConfigAnswer =
  /**
   * A person has to decide: to be held, and then answered by 503 with this text, 32 bytes at most. `isKnown`: it is written in
   * machines.yaml, or was seen booting.
   */
  | {
      readonly kind: 'wait'
      readonly id: string
      readonly text: string
      readonly code: string
      readonly isKnown: boolean
    }
  /** It may have it: see `take`. */
  | { readonly kind: 'deliver'; readonly id: string; readonly code: string }
  /** A person has chosen that it waits in maintenance: it gets a configuration that is incomplete, and holds no secret. */
  | { readonly kind: 'introduce'; readonly id: string; readonly code: string; readonly hostname: string | undefined }
  /** It gets nothing: 503 with this text. Without `id` it is nobody. */
  | { readonly kind: 'refuse'; readonly id?: string; readonly text: string }

export interface TakenConfig {
  /** The documents, with their secrets: never to be logged, kept or shown. */
  readonly text: string
  readonly id: string
  /** Every byte has left. */
  sent(): void
  /**
   * It was cut off, and why, as a clause: also in the machine's own words, which are kept without what is secret. What was
   * approved is used up all the same.
   */
  cut(why: string): void
}
