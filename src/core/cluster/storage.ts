import type { AcceptedWarning, StorageFacts, StorageWarning } from './cluster.ts'

/**
 * The warnings that keep a further node from being taken away. What endangers nothing does not, nor does a lack of
 * copies that a person has accepted by name and for a time. Data in danger can't be accepted, and neither can a warning
 * that may be anything.
 */
export function blockingStorage(
  { unwell }: Pick<StorageFacts, 'unwell'>,
  accepted: readonly AcceptedWarning[],
  now: Date,
): readonly StorageWarning[] {
  return unwell.filter(
    (warning) =>
      warning.endangers !== 'nothing' &&
      (warning.endangers !== 'redundancy' || acceptanceOf(warning, accepted, now) === undefined),
  )
}

/** Why storage blocks every upgrade, `storage is not healthy: …`; undefined if it does not. */
export function storageObstacle(
  facts: Pick<StorageFacts, 'unwell'>,
  accepted: readonly AcceptedWarning[],
  now: Date,
): string | undefined {
  const [first, ...others] = blockingStorage(facts, accepted, now)
  if (!first) return undefined
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  return `storage is not healthy: ${first.text}${more}`
}

/**
 * Why this node, drained already, may not be rebooted now. Its own drain takes copies out of reach, so that only what
 * can't be had back counts here: the last copy of something on it, and data in danger anywhere.
 */
export function leavingStorageObstacle({ unwell, lastReplicas }: StorageFacts, node: string): string | undefined {
  const [replica] = lastReplicas.get(node) ?? []
  if (replica !== undefined) return `it holds the last healthy replica of ${replica}`
  const lost = unwell.find(({ endangers }) => endangers === 'data')
  return lost && `storage is not healthy: ${lost.text}`
}

/** For people: what is accepted, until when and why; and which acceptances cover nothing that can be accepted. */
export function describeAccepted(
  { unwell }: Pick<StorageFacts, 'unwell'>,
  accepted: readonly AcceptedWarning[],
  now: Date,
): string[] {
  return unwell.flatMap((warning) => {
    if (warning.endangers === 'nothing') return []
    const named = accepted.filter((one) => names(one, warning))
    const [entry] = named
    if (!entry) return []
    if (warning.endangers !== 'redundancy')
      return [`storage.accept names ${entry.name}, but this can't be accepted: ${warning.text}`]
    const good = acceptanceOf(warning, accepted, now)
    if (!good) return [`${entry.name} is no longer accepted since ${lastMinuteOf(entry.until)}: ${warning.text}`]
    return [
      `accepted until ${lastMinuteOf(good.until)}${good.reason === undefined ? '' : ` (${good.reason})`}: ${warning.text}`,
    ]
  })
}

function acceptanceOf(
  warning: StorageWarning,
  accepted: readonly AcceptedWarning[],
  now: Date,
): AcceptedWarning | undefined {
  return accepted.find((one) => names(one, warning) && now.getTime() < one.until)
}

function names({ name }: AcceptedWarning, warning: StorageWarning): boolean {
  return name === warning.name || name === warning.alias
}

/** `2026-12-31 23:59 UTC`: the last minute of it. */
function lastMinuteOf(until: number): string {
  return `${new Date(until - 1).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
