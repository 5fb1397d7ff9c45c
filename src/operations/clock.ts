import type { Alerts } from '../core/alert.ts'
import {
  type Clock,
  clockMargin,
  type ClockVerdict,
  type Floor,
  judgeClock,
  nextClock,
  startClock,
} from '../core/clock.ts'
import { describeDuration } from '../core/duration.ts'
import type { Journal } from '../core/journal.ts'
import { earliestRelease, firstSeenKind } from '../core/release/first-seen.ts'
import { remembered } from './facts.ts'
import { setClock, type Timekeeper } from './timekeeper.ts'

export interface WatchedClock extends Timekeeper {
  /** `who` has told the time just now, in ms since the epoch. */
  hear(who: string, at: number): void
  /**
   * Looks whether the clock was set since the last look, and reports what is wrong with it. Answers whether what waits
   * for a time should look again: the clock was set, or is trusted after somebody was told that it is not.
   */
  look(): boolean
}

export interface ClockOptions {
  readonly journal: Journal
  readonly alerts: Pick<Alerts, 'report'>
  readonly now: () => Date
  /** In ms. */
  readonly monotonic: () => number
  /** What has passed for certain. */
  readonly floors: readonly Floor[]
}

/** Watches the wall clock of this machine by the times that servers tell and by the monotonic clock. */
export function createClock({ journal, alerts, now, monotonic, floors }: ClockOptions): WatchedClock {
  const read = () => ({ wall: now().getTime(), monotonic: monotonic() })
  let clock: Clock = startClock(read(), floors)
  /** Wall time minus monotonic time at the last look. */
  let lastOffset = clock.offset
  let wasTrusted = false
  let wasWrong = false
  let hasRefused = false
  let trustedSince: number | undefined
  /** What the open alert goes by. */
  let reported: string | undefined
  /** Likewise of the servers whose time differs. */
  let differing: string | undefined
  /** On the monotonic clock: when this process has seen a release for the first time. */
  const noticed = new Map<string, number>()
  const judge = (): ClockVerdict => judgeClock(clock, read())

  function look(): boolean {
    const { wall, monotonic: at } = read()
    const moved = wall - at - lastOffset
    const isMoved = Math.abs(moved) > clockMargin
    lastOffset = wall - at
    if (isMoved) {
      const by = `${moved > 0 ? 'forward' : 'back'} by ${describeDuration(Math.abs(moved))}`
      journal.write({ kind: 'event', subject: 'clock', text: `the clock of this machine was set ${by}` })
      if (moved < 0) moveBack(journal, -moved)
    }
    const verdict = judge()
    if (verdict.kind === 'wrong') wasWrong = true
    const isTrusted = verdict.kind === 'confirmed'
    const isBack = isTrusted && !wasTrusted
    if (isBack && wasWrong) trustedSince = wall
    if (isBack) wasWrong = false
    wasTrusted = isTrusted
    const isAwaited = isBack && hasRefused
    if (isTrusted) hasRefused = false
    const by = verdict.kind === 'wrong' ? verdict.by : undefined
    // Its times go on, and are not reported anew every minute. An alert from before the start stays open until a server confirms the
    // time or contradicts it.
    const isKnown = verdict.kind !== 'unconfirmed' || reported !== undefined
    if (isKnown && (by === undefined || by !== reported || isMoved))
      alerts.report('clock.untrusted', verdict.kind === 'wrong' ? contentOf(verdict.why) : undefined)
    reported = by
    tellOfOthers(verdict, isMoved)
    return isMoved || isAwaited
  }

  function tellOfOthers(verdict: ClockVerdict, isMoved: boolean): void {
    const differs = verdict.kind === 'confirmed' ? verdict.differs : undefined
    const isKnown = verdict.kind !== 'unconfirmed' || differing !== undefined
    if (isKnown && (differs === undefined || differs.by !== differing || isMoved))
      alerts.report('clock.differs', differs && contentOfOthers(differs))
    differing = differs?.by
  }

  function firstSeen(known: Journal, available: readonly string[], present: Date): ReadonlyMap<string, number> {
    const [wall, at] = [present.getTime(), monotonic()]
    if (judge().kind !== 'confirmed') return new Map(available.map((version) => [version, wall]))
    const before = known.firstSeen([], wall)
    const seen = new Map(known.firstSeen(available, wall))
    const records = known.records(firstSeenKind)
    for (const version of available) {
      const record = seen.get(version) ?? wall
      // It can't have been seen in the future, nor before there was anything to see.
      const isPossible = before.has(version) && record <= wall + clockMargin && record >= earliestRelease
      if (!isPossible && !noticed.has(version)) noticed.set(version, at)
      const since = noticed.get(version)
      const right = since === undefined ? record : wall - (at - since)
      seen.set(version, right)
      if (Math.abs(right - record) > clockMargin) records.save({ version, firstSeen: right })
    }
    return seen
  }

  return {
    whyUntrusted: () => {
      const verdict = judge()
      if (verdict.kind === 'confirmed') return undefined
      hasRefused = true
      return verdict.why
    },
    whyWrong: () => {
      const verdict = judge()
      return verdict.kind === 'wrong' ? verdict.why : undefined
    },
    whyDiffering: () => {
      const verdict = judge()
      return verdict.kind === 'confirmed' ? verdict.differs?.why : undefined
    },
    trustedSince: () => trustedSince,
    firstSeen,
    hear: (who, at) => {
      // What no clock says.
      if (!Number.isFinite(at)) return
      clock = nextClock(clock, read(), { who, at })
    },
    look,
  }
}

function contentOf(why: string) {
  return {
    severity: 'warning',
    subject: 'clock',
    text: `${why}. Until that is settled no node is upgraded, nothing soaks, and no certificate counts as expired; the power is watched all the same`,
    action: setClock,
  } as const
}

function contentOfOthers({ by, why }: { readonly by: string; readonly why: string }) {
  return {
    severity: 'warning',
    subject: 'clock',
    text: `${why}. Upgrades go on by the time of the most`,
    action: `See what is wrong with the clock of ${by}, or with a proxy on the way there`,
  } as const
}

/** What waits until a time does not wait for longer because the clock was set back by so many ms. */
function moveBack(journal: Journal, by: number): void {
  const openUntil = remembered.openUntil.recall(journal)
  if (openUntil !== undefined) remembered.openUntil.remember(journal, openUntil - by)
  const blocked = remembered.blocked.recall(journal)
  if (blocked === undefined) return
  const moved = Object.entries(blocked).map(([name, one]) => [name, { ...one, until: one.until - by }])
  remembered.blocked.remember(journal, Object.fromEntries(moved) as typeof blocked)
}
