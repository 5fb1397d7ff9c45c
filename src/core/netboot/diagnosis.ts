import type { AlertContent } from '../alert.ts'
import { counted } from '../count.ts'
import { type Boot, type BootPhase, hasLoaded, hasReached, quietAfter } from './boots.ts'

/** What is to be said of a try to boot: how far it came, in words, and what to do where it came no further. */
export interface Diagnosis {
  /** As a clause after the machine's name: `took no offer`. */
  readonly text: string
  /** Absent where there is nothing to do. */
  readonly next?: string
}

const routerInstead =
  'let the router tell machines what to boot: `caretaker netboot recipe` says how for yours, and `caretaker netboot check` whether it does'

/** What firmware that was offered a boot and asks again and again makes of it. */
const takesNone = 3

/** How far it came, and what may have stopped it there. */
export function diagnose(boot: Boot): Diagnosis {
  const { phase, asked, trouble, why, file } = boot
  switch (phase) {
    case 'asked':
      return { text: `asked for a boot and was left alone: ${why ?? 'it is not known why'}` }
    case 'offered':
      if (asked < takesNone) return { text: `was offered ${file ?? 'a boot'}${troubleOf(trouble)}` }
      return {
        text: `asked ${counted(asked, 'time')} and took no offer`,
        next: `Some firmware does not take what comes beside the offer of its DHCP server. Try \`offer: port-4011\`, then \`delay: 1s\` for it under netboot.machines; else ${routerInstead}`,
      }
    case 'taken':
      if (boot.isServedHere === false) return { text: 'took the offer; its transfer is not seen from here' }
      return {
        text: `took the offer and asked for no file${troubleOf(trouble)}`,
        next: 'See that a TFTP server answers at the address that it was told, and that no firewall holds back UDP port 69',
      }
    case 'probed':
      return { text: `asked for the size of ${file ?? 'the image'} and did not read it${troubleOf(trouble)}` }
    case 'loading':
      return { text: `${loadedSoFar(boot)}${troubleOf(trouble)}` }
    case 'loaded':
      return { text: `has loaded ${file ?? 'the image'}` }
    case 'started':
      return { text: 'has started its system' }
    case 'configuring':
      return configured(boot)
    case 'running':
      return { text: 'runs Talos' }
    default:
      return phase satisfies never
  }
}

function configured({ configuration }: Boot): Diagnosis {
  switch (configuration) {
    case 'delivered':
      return { text: 'has got its configuration' }
    case 'refused':
      return { text: 'asked for its configuration and was refused' }
    case 'pending':
    case undefined:
      return { text: 'has asked for its configuration and waits for it' }
    default:
      return configuration satisfies never
  }
}

function troubleOf(trouble: string | undefined): string {
  return trouble === undefined ? '' : `: ${trouble}`
}

function loadedSoFar({ arrived = 0, bytes }: Boot): string {
  const percent = bytes === undefined || bytes === 0 ? undefined : Math.floor((100 * arrived) / bytes)
  return percent === undefined ? 'is loading the image' : `has loaded ${percent} % of the image`
}

/** Bytes in a second; undefined where nothing is known of it. */
export function rateOf({ arrived, took, loadingSince, lastAt }: Boot): number | undefined {
  const ms = took ?? (loadingSince === undefined ? undefined : Date.parse(lastAt) - Date.parse(loadingSince))
  return ms === undefined || ms <= 0 || arrived === undefined ? undefined : Math.round((1_000 * arrived) / ms)
}

/** Whether nothing more is to come of it: another try has followed, or it has been quiet for long. */
export function isOver(boot: Boot, now: number, isNewest: boolean): boolean {
  return !isNewest || !isFresh(boot, now, quietAfter)
}

/** Where a try has stopped that was to get further; undefined where it goes on, came through, or was left alone. */
function stoppedAt(boot: Boot, now: number, isNewest: boolean): BootPhase | undefined {
  if (boot.phase === 'asked' || hasReached(boot, 'loaded') || !isOver(boot, now, isNewest)) return undefined
  // A transfer by another server is not seen.
  return boot.phase === 'taken' && boot.isServedHere === false ? undefined : boot.phase
}

const hour = 3_600_000
/** So many images in an hour are a loop. */
const looping = 3
/** What is older says nothing of now, in ms. */
const alertsFor = 86_400_000

/** The tries of one machine, newest first, under the name that people know. */
export interface BootHistory {
  readonly name: string
  readonly boots: readonly Boot[]
  /** It is to boot from the network each time. */
  readonly isAlways: boolean
}

export type BootAlertKind = 'netboot.loop' | 'netboot.stopped' | 'netboot.changed' | 'netboot.unsure'

/**
 * What people should know of how machines boot: for each kind of alert the machines, by name.
 *
 * @param endings since when the end of an image is on its way, by name or MAC address, ISO 8601
 */
export function planBootAlerts(
  histories: readonly BootHistory[],
  now: number,
  endings: Readonly<Record<string, string>> = {},
): Readonly<Record<BootAlertKind, ReadonlyMap<string, AlertContent>>> {
  const each = (content: (history: BootHistory) => AlertContent | undefined) =>
    new Map(
      histories.flatMap((history) => {
        const found = content({ ...history, boots: history.boots.filter((boot) => isFresh(boot, now, alertsFor)) })
        return found ? [[history.name, found] as const] : []
      }),
    )
  return {
    'netboot.loop': each((history) => loopIn(history, now)),
    'netboot.stopped': each((history) => stopIn(history, now)),
    'netboot.changed': each(changeIn),
    'netboot.unsure': unsureOf(endings, now),
  }
}

/** In ms. So long the last part of an image may be on its way, with all that is sent again. */
const endsWithin = 60_000

/** Machines that were sent the end of their image, where nobody saw what became of it. */
function unsureOf(endings: Readonly<Record<string, string>>, now: number): ReadonlyMap<string, AlertContent> {
  const unsure = Object.entries(endings).filter(([, at]) => !isFresh({ lastAt: at }, now, endsWithin))
  return new Map(
    unsure.map(([name]) => [
      name,
      {
        severity: 'warning',
        subject: name,
        text: `${name} was sent the end of its image when Caretaker ended, and nobody saw whether it has booted it: it is not offered another one`,
        action: `Look at its console; if it has not booted, \`caretaker netboot once ${name}\``,
      },
    ]),
  )
}

/** What lies far ahead was noted by a clock that was wrong, and is as old as anything. */
export function isFresh({ lastAt }: Pick<Boot, 'lastAt'>, now: number, within: number): boolean {
  return Math.abs(now - Date.parse(lastAt)) <= within
}

function loopIn({ name, boots, isAlways }: BootHistory, now: number): AlertContent | undefined {
  const loaded = boots.filter((boot) => hasLoaded(boot) && isFresh(boot, now, hour)).length
  if (loaded < looping) return undefined
  return {
    severity: 'warning',
    subject: name,
    // Without the number: each load would be another alert.
    text: `${name} has booted from the network at least ${looping} times within an hour`,
    action: isAlways
      ? 'Look at its console: it may restart because of what it runs'
      : `Look at its console; if it is installed, take it out: \`netboot: {machines: [{machine: ${name}, boot: never}]}\``,
  }
}

function stopIn({ name, boots }: BootHistory, now: number): AlertContent | undefined {
  const [last, before] = boots
  if (!last || !before) return undefined
  const phase = stoppedAt(last, now, true)
  if (phase === undefined || phase !== stoppedAt(before, now, false)) return undefined
  const { text, next } = diagnose(last)
  return {
    severity: 'warning',
    subject: name,
    text: `${name} did not boot from the network twice in a row: it ${text}`,
    ...(next === undefined ? {} : { action: next }),
  }
}

/** Until it has loaded what was published then. */
function changeIn({ name, boots: [last] }: BootHistory): AlertContent | undefined {
  if (!last?.hasChanged || hasReached(last, 'loaded')) return undefined
  return {
    severity: 'info',
    subject: name,
    text: `the image was replaced while ${name} was loading it`,
    action: 'It tries again by itself; if it does not, switch it off and on',
  }
}
