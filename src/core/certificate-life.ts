import { certificatesIn } from './pem.ts'

/** The lifetime of a client certificate: when its expiry is reported, and when it is renewed. Times in ms since the epoch. */
export interface Life {
  readonly from: number
  readonly to: number
}

/** How close the expiry is; undefined while there is nothing to report. */
export type LifeStage = 'not-begun' | 'half' | 'month' | 'week' | 'day' | 'ended'

const day = 86_400_000
const hour = 3_600_000
const minute = 60_000
const stages = [
  { stage: 'day', before: day },
  { stage: 'week', before: 7 * day },
  { stage: 'month', before: 30 * day },
] as const

/** A certificate that lives for less than two months has no month before its end to speak of, and so on. */
export function stageOf({ from, to }: Life, now: number): LifeStage | undefined {
  if (now >= to) return 'ended'
  if (now < from) return 'not-begun'
  const half = (to - from) / 2
  const left = to - now
  const near = stages.find(({ before }) => before < half && left <= before)
  if (near) return near.stage
  return left <= half ? 'half' : undefined
}

const words: Readonly<Record<LifeStage, (days: { from: string; to: string }) => string>> = {
  'not-begun': ({ from }) => `is not valid before ${from}: check the clock of this machine`,
  half: ({ to }) => `is past half of its lifetime, and expires on ${to}`,
  month: ({ to }) => `expires on ${to}, in less than a month`,
  week: ({ to }) => `expires on ${to}, in less than a week`,
  day: ({ to }) => `expires on ${to}, in less than a day`,
  ended: ({ to }) => `expired on ${to}`,
}

/** `the client certificate in FILE expires on 2027-01-01, in less than a month`: one text for each stage. */
export function describeLife(what: string, life: Life, stage: LifeStage): string {
  return `${what} ${words[stage]({ from: dayOf(life.from), to: dayOf(life.to) })}`
}

export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

/** Roles or groups: the organizations of a certificate's subject as Node writes it. Go may put several into one part. */
export function organizationsOf(subject: string | undefined): readonly string[] {
  const parts = (subject ?? '').split(/\n| \+ /)
  return parts.flatMap((part) => (part.startsWith('O=') ? [part.slice(2)] : []))
}

/** What became of renewing it so far. */
export interface RenewalTries {
  /** In a row. */
  readonly failures: number
  readonly lastAt: number | undefined
}

/** However long it lives, this is early enough. */
const earliest = 120 * day
/** Between two tries after the end, and at least between any two. */
const longestWaitAfterEnd = 10 * minute

/**
 * When it is to be renewed next: in the last third of its life, and after a failure again within hours at first, then
 * daily, and more often when little is left.
 */
export function renewalAt({ from, to }: Life, { failures, lastAt }: RenewalTries, now: number): number {
  const begins = to - Math.min((to - from) / 3, earliest)
  if (failures === 0 || lastAt === undefined) return begins
  const left = to - now
  const wait = left <= 0 ? longestWaitAfterEnd : Math.max(minute, Math.min(day, hour * 2 ** (failures - 1), left / 8))
  return Math.max(begins, lastAt + wait)
}

/** A client certificate, as far as two are compared. */
export interface ClientCertificate extends Life {
  /** Of its authority, PEM. */
  readonly ca: string
}

/**
 * Whether a renewed copy is used instead of the file that it was made from: it was made from just this certificate,
 * so that a file that its owner has changed since always wins; it is of the same authority, and lives longer.
 */
export function prefersCopy(
  file: ClientCertificate & { readonly fingerprint: string },
  copy: ClientCertificate & { readonly replaces: string },
): boolean {
  return copy.replaces === file.fingerprint && copy.ca.trim() === file.ca.trim() && copy.to > file.to
}

/** Whether every certificate of one authority is among those of the other: a file may trust several in a rotation. */
function isAmong(some: string, all: string): boolean {
  const certificates = (pem: string) => {
    const blocks = certificatesIn(pem)
    return blocks.length === 0 ? [pem.trim()] : blocks
  }
  const known = new Set(certificates(all).map((one) => one.replaceAll(/\s/g, '')))
  return certificates(some).every((one) => known.has(one.replaceAll(/\s/g, '')))
}

/**
 * Why the new certificate can't replace the old one; undefined if it can. `names` are its roles or groups.
 */
export function renewalFault(
  before: ClientCertificate & { readonly names: readonly string[] },
  fresh: ClientCertificate & { readonly names: readonly string[] },
  now: number,
): string | undefined {
  if (!isAmong(fresh.ca, before.ca))
    return 'the cluster has a different CA than the file, because it was or is being rotated: provide a new file'
  if (fresh.names.toSorted().join() !== before.names.toSorted().join())
    return `the new certificate is for ${fresh.names.join(', ') || 'no one'}, not for ${before.names.join(', ')}`
  if (now < fresh.from || now >= fresh.to)
    return `the new certificate is valid from ${dayOf(fresh.from)} to ${dayOf(fresh.to)}, not now: check the clocks of this machine and of the node`
  if (fresh.to <= before.to)
    return `the new certificate is valid no longer than the old one: it expires on ${dayOf(fresh.to)}`
  return undefined
}
