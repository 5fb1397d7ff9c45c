import type { Alerts } from '../core/alert.ts'
import { AgentError } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import {
  acceptanceOf,
  acceptHeld,
  describeHeld,
  type HeldImage,
  type KnownBytes,
  knownBytesKind,
} from '../core/release/known-bytes.ts'

/** What URLs of the Factory have answered, as the journal keeps it. */
export function knownBytesIn(journal: Journal) {
  const records = journal.records(knownBytesKind)
  return {
    recall: (source: string): KnownBytes | undefined => records.get(source),
    remember: (known: KnownBytes): void => records.save(known),
  }
}

/** Images that are kept apart, because their bytes are not those of before. */
export function heldImages(journal: Journal): readonly HeldImage[] {
  return journal
    .records(knownBytesKind)
    .open()
    .filter((known): known is HeldImage => known.held !== undefined)
}

/** In ms: the image itself is taken away after that. */
const toldFor = 31 * 86_400_000

/** Opens an alert where images are kept apart. */
export function reportHeld(alerts: Alerts, journal: Journal, now: Date): void {
  const waiting = heldImages(journal).filter(({ held }) => now.getTime() - Date.parse(held.at) < toldFor)
  const [first] = waiting
  alerts.report(
    'image.held',
    first && {
      severity: 'warning',
      subject: 'factory',
      text: waiting.map(describeHeld).join('; '),
      action: acceptanceOf(first),
    },
  )
}

/**
 * Takes what a person accepts, by the beginning of its digest, for what its URL answers from now on.
 *
 * @throws AgentError `not-found`, `misconfigured` where it may be several
 */
export function acceptBytes(journal: Journal, start: string, now: Date): HeldImage {
  const held = heldImages(journal)
  const [known, another] = held.filter((one) => one.held.sha256.startsWith(start.toLowerCase()))
  if (known === undefined) {
    const others = held.map((one) => one.held.sha256.slice(0, 16)).join(', ')
    const have = others === '' ? 'no image is kept apart' : `what is kept apart begins with ${others}`
    throw new AgentError('not-found', `no image that is kept apart has a SHA-256 that begins with ${start}: ${have}`)
  }
  if (another && another.held.sha256 !== known.held.sha256)
    throw new AgentError('misconfigured', `several images begin with ${start}: give more digits`)
  for (const one of held)
    if (one.held.sha256 === known.held.sha256) knownBytesIn(journal).remember(acceptHeld(one, now))
  return known
}
