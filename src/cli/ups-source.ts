import type { Reach } from '../http/reach.ts'
import { answerOf, createClient } from '../http/client.ts'
import type { ReadingAnswer, UpsAnswer, UpsDetailsAnswer } from '../core/power/answers.ts'
import type { UpsDetails } from '../core/power/ups-details.ts'
import type { UpsReading } from '../core/power/ups.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import type { Settings } from '../main/settings.ts'
import type { Seen } from './render-ups.ts'

/** Timeouts for all details of a UPS, and for one reading, in ms. */
const detailsWithin = 10_000
const readingWithin = 3_000

/** Who asks the UPSes: this machine, or the daemon of another one. */
export interface UpsSource extends AsyncDisposable {
  readonly labels: readonly string[]
  details(label: string): Promise<UpsDetails>
  /** One reading of each. A primary must not wait for a client that only reads: `prepare` has seen to that. */
  observe(signal: AbortSignal): Promise<readonly (readonly [label: string, seen: Seen])[]>
  prepare(signal: AbortSignal): Promise<void>
  /** Logins that upsd refused so far, by label. */
  readonly refused: ReadonlyMap<string, string>
}

/**
 * Asks upsd from this machine, as the configuration says: works without the daemon.
 *
 * @param plain told where a connection goes on in plain text, and why
 * @throws AgentError `misconfigured` where there is no such UPS
 */
export async function upsesHere(
  settings: Settings,
  name: string | undefined,
  plain: (text: string) => void,
): Promise<UpsSource> {
  const { openUpses } = await import('../main/upses.ts')
  const refused = new Map<string, string>()
  const all = await openUpses(settings, {
    login: (label, why) => void (why !== undefined && refused.set(label, why)),
    plain: (label, why) => void (why !== undefined && plain(`${label}: ${why}`)),
  })
  await using stack = new AsyncDisposableStack()
  for (const ups of all.values()) stack.use(ups)
  const upses = chosen(all, name, settings.file)
  const parts = stack.move()
  return {
    labels: [...upses.keys()],
    refused,
    details: (label) => upses.get(label)!.details(AbortSignal.timeout(detailsWithin)),
    observe: (signal) =>
      Promise.all(
        [...upses].map(async ([label, ups]) => {
          const limited = AbortSignal.any([signal, AbortSignal.timeout(readingWithin)])
          return [label, await seenBy(() => ups.read(limited))] as const
        }),
      ),
    prepare: async (signal) => {
      for (const ups of upses.values()) await ups.logOut(signal)
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

function chosen<T>(all: ReadonlyMap<string, T>, name: string | undefined, file: string): ReadonlyMap<string, T> {
  if (all.size === 0) throw new AgentError('misconfigured', `${file} has no UPS under upses`)
  if (name === undefined) return all
  const ups = all.get(name)
  if (ups) return new Map([[name, ups]])
  throw new AgentError('misconfigured', `${file} has no UPS ${name}, only ${[...all.keys()].join(', ')}`)
}

async function seenBy(read: () => Promise<UpsReading>): Promise<Seen> {
  try {
    const reading = await read()
    return { at: Date.now(), reading }
  } catch (error) {
    return { at: Date.now(), why: messageOf(error) }
  }
}

/** Asks the daemon of another machine. @throws AgentError `not-found` where it has no such UPS */
export async function upsesAt(reach: Reach, name: string | undefined): Promise<UpsSource> {
  const client = createClient(reach)
  const told: readonly UpsDetailsAnswer[] =
    name === undefined
      ? await answerOf(client.upses.$get())
      : [await answerOf(client.upses[':name'].$get({ param: { name: encodeURIComponent(name) } }))]
  if (told.length === 0) throw new AgentError('misconfigured', 'no UPS is configured there')
  const all = new Map(told.map(({ label, details }) => [label, details]))
  return {
    labels: [...all.keys()],
    refused: new Map(),
    details: async (label) => {
      const details = all.get(label)!
      if (!details.ok) throw new AgentError('unreachable', details.error)
      const { driver, ...rest } = details.value
      return driver ? { ...rest, driver: paceOf(driver) } : rest
    },
    observe: async () => {
      const { upses } = await answerOf(client.power.$get())
      return upses.filter(({ label }) => all.has(label)).map((ups) => [ups.label, seenThere(ups)] as const)
    },
    prepare: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}

function paceOf({ pollIntervalMs, pollFrequencyMs }: NonNullable<UpsAnswer['driver']>) {
  return {
    ...(pollIntervalMs === undefined ? {} : { pollInterval: pollIntervalMs }),
    ...(pollFrequencyMs === undefined ? {} : { pollFrequency: pollFrequencyMs }),
  }
}

/** What the daemon has read last; or why it could not. */
function seenThere({ state, noReading }: Pick<UpsAnswer, 'state' | 'noReading'>): Seen {
  if (noReading || !state.reading)
    return { at: Date.now(), why: noReading?.why ?? state.why ?? 'there is no reading yet' }
  return { at: Date.now(), reading: readingOf(state.reading) }
}

function readingOf({ status, chargePercent, runtimeMs, loadPercent, alarm }: ReadingAnswer): UpsReading {
  return {
    status,
    ...(chargePercent === undefined ? {} : { charge: chargePercent }),
    ...(runtimeMs === undefined ? {} : { runtime: runtimeMs }),
    ...(loadPercent === undefined ? {} : { load: loadPercent }),
    ...(alarm === undefined ? {} : { alarm }),
  }
}
