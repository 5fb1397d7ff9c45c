import { counted } from '../count.ts'

/**
 * | verdict | means                                                                           |
 * |---------|---------------------------------------------------------------------------------|
 * | ok      | it was tried as it will be used, and works                                      |
 * | warning | it works, and something about it will not for ever, or not in every case        |
 * | failed  | it would not work                                                               |
 * | skipped | it could not be looked at, or there is nothing to look at; `reason` says why    |
 */
export type Verdict = 'ok' | 'warning' | 'failed' | 'skipped'

/** What looking at one thing came to. */
export interface Finding {
  readonly verdict: Verdict
  /** What is so, as a sentence in the present tense, without a full stop. */
  readonly reason: string
  /** What to do about it, as a sentence in the imperative, without a full stop; absent where nothing is to be done. */
  readonly next?: string
}

/** A finding about one thing. */
export interface Found extends Finding {
  /** What is looked at, from the wide to the narrow, and of which thing: `node.role:cp-1`. The same in every report. */
  readonly id: string
  /** The thing: `cp-1`, `rack`, `share`. */
  readonly subject: string
}

/** One thing that was looked at. */
export interface Check extends Found {
  /** How long looking took, in ms. */
  readonly tookMs: number
}

/** Everything that was looked at, in the order of the homelab: from the Factory to this machine. */
export interface DoctorReport {
  /** ISO 8601: when it began. */
  readonly at: string
  readonly tookMs: number
  readonly checks: readonly Check[]
  /** What was fixed, a sentence each. */
  readonly fixed: readonly string[]
  /** Only these were looked at; absent where all were. */
  readonly only?: readonly string[]
}

export const ok = (reason: string): Finding => ({ verdict: 'ok', reason })
export const skipped = (reason: string, next?: string): Finding => finding('skipped', reason, next)
export const warning = (reason: string, next?: string): Finding => finding('warning', reason, next)
export const failed = (reason: string, next?: string): Finding => finding('failed', reason, next)

function finding(verdict: Verdict, reason: string, next: string | undefined): Finding {
  return next === undefined ? { verdict, reason } : { verdict, reason, next }
}

/** The finding about one thing. */
export function about(id: string, subject: string, one: Finding): Found {
  return { id, subject, ...one }
}

/** Whether a check is among those that are asked for: by its id, the first words of it, or its subject. */
export function isAmong({ id, subject }: Pick<Check, 'id' | 'subject'>, only: readonly string[]): boolean {
  return only.some((one) => one === subject || one === id || id.startsWith(`${one}.`) || id.startsWith(`${one}:`))
}

/** What a check looks at, in one word: `node` of `node.role:cp-1`. */
export function areaOf({ id }: Pick<Check, 'id'>): string {
  return id.split(/[.:]/, 1)[0]!
}

/** How many checks came to each verdict. */
export function countVerdicts(checks: readonly Pick<Check, 'verdict'>[]): Readonly<Record<Verdict, number>> {
  const counts = { ok: 0, warning: 0, failed: 0, skipped: 0 }
  for (const { verdict } of checks) counts[verdict] += 1
  return counts
}

/** `24 checks: 22 ok, 1 warning, 1 failed, 0 skipped`. */
export function describeCounts(checks: readonly Pick<Check, 'verdict'>[]): string {
  const { ok: well, warning: warnings, failed: failures, skipped: left } = countVerdicts(checks)
  return `${counted(checks.length, 'check')}: ${well} ok, ${counted(warnings, 'warning')}, ${failures} failed, ${left} skipped`
}
