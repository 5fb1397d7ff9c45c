import { unlink } from 'node:fs/promises'
import { type Alerts, settleGone, type Severity } from '../core/alert.ts'
import {
  describeLife,
  dayOf,
  type Life,
  type LifeStage,
  type RenewalTries,
  renewalAt,
  stageOf,
} from '../core/certificate-life.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import type { Logger } from '../core/log.ts'
import type { Meter } from '../core/metrics/meter.ts'
import { type Sourced, writeCopy } from './credentials.ts'
import { replaceFile } from './replace-file.ts'

/** Credentials whose end is watched, and how they are renewed. */
export interface Renewable {
  /** `talosconfig`, `kubeconfig`: what alerts are about. */
  readonly name: string
  /** As they are now. */
  observe(): Promise<RenewableState>
  /** Gets new ones and keeps them. Answers where they are. @throws AgentError */
  renew(now: number, signal: AbortSignal): Promise<string>
}

export interface RenewableState {
  /** For messages: `the client certificate in FILE`. */
  readonly what: string
  /** Undefined where it does not end. */
  readonly life: Life | undefined
  /** Why they can't be renewed by us; undefined where they can. */
  obstacle(stage: LifeStage | undefined): string | undefined
  /** What a person can do instead. */
  advice(stage: LifeStage): string
}

export interface RenewalOptions {
  readonly journal: Journal
  readonly alerts: Alerts
  readonly log: Logger
  readonly meter?: Meter
  readonly all: readonly Renewable[]
  readonly now?: () => number
  /** Why the clock is wrong, where it is: nothing counts as expired by it, and nothing is renewed. */
  readonly whyWrong?: () => string | undefined
}

/** Between two checks of their lives, in ms. */
const checkEvery = 10 * 60_000
/** How long one renewal may take, with all control planes that are asked, in ms. */
const renewWithin = 30_000

/** Without credentials nodes can't be shut down when the power fails. */
const severities: Readonly<Record<LifeStage, Severity>> = {
  'not-begun': 'critical',
  half: 'info',
  month: 'warning',
  week: 'warning',
  day: 'critical',
  ended: 'critical',
}

/** Watches the lives of our own credentials: people hear of their end in time, and what can be renewed is. */
export function watchLives({
  journal,
  alerts,
  log,
  meter,
  all,
  now = () => Date.now(),
  whyWrong = () => undefined,
}: RenewalOptions): AsyncDisposable & {
  /** Checks at once. Never rejects. */
  check(): Promise<void>
} {
  // Credentials that are no longer configured need no alerts.
  settleGone(alerts, { credentials: all.map(({ name }) => name) })
  const stopping = new AbortController()
  const tries = new Map<string, RenewalTries>()
  let checking: Promise<void> | undefined

  async function renew(one: Renewable, state: RenewableState): Promise<void> {
    const { failures, lastAt } = tries.get(one.name) ?? { failures: 0, lastAt: undefined }
    const { life } = state
    if (!life || renewalAt(life, { failures: 0, lastAt: undefined }, now()) > now()) {
      // A person has replaced them.
      tries.delete(one.name)
      return void alerts.settle(`credentials.renewal:${one.name}`)
    }
    if (renewalAt(life, { failures, lastAt }, now()) > now()) return
    const stage = stageOf(life, now())
    if (stage === 'not-begun' || state.obstacle(stage) !== undefined) return
    try {
      const where = await one.renew(now(), AbortSignal.any([stopping.signal, AbortSignal.timeout(renewWithin)]))
      tries.delete(one.name)
      const end = (await one.observe()).life?.to
      const text = `the ${one.name} was renewed${end === undefined ? '' : ` and is valid until ${dayOf(end)}`}: ${where}`
      log.info({}, text)
      journal.write({ kind: 'event', subject: one.name, text })
      alerts.settle(`credentials.renewal:${one.name}`)
    } catch (error) {
      if (stopping.signal.aborted) return
      tries.set(one.name, { failures: failures + 1, lastAt: now() })
      const text = `${state.what} could not be renewed: ${messageOf(error)}`
      log.warn({ credentials: one.name, reason: messageOf(error) }, 'credentials not renewed; trying again later')
      alerts.open(`credentials.renewal:${one.name}`, { severity: 'warning', subject: one.name, text })
    }
  }

  async function checkOne(one: Renewable): Promise<void> {
    await renew(one, await one.observe())
    const { what, life, obstacle, advice } = await one.observe()
    const ends = life && life.to / 1_000
    meter?.set('caretaker_credentials_expiry_timestamp_seconds', { credentials: one.name }, ends)
    const stage = life && stageOf(life, now())
    if (!life || !stage) return void alerts.settle(`credentials.end:${one.name}`)
    const why = obstacle(stage)
    const next =
      why !== undefined
        ? `${why}: ${advice(stage)}`
        : stage === 'half'
          ? `it will be renewed from ${dayOf(renewalAt(life, { failures: 0, lastAt: undefined }, now()))}`
          : `it could not be renewed yet: ${advice(stage)}`
    const text = describeLife(what, life, stage)
    alerts.open(`credentials.end:${one.name}`, {
      severity: severities[stage],
      subject: one.name,
      text: stage === 'not-begun' ? text : `${text}; ${next}`,
    })
  }

  async function check(): Promise<void> {
    if (whyWrong() !== undefined) return
    checking ??= (async () => {
      for (const one of all)
        await checkOne(one).catch((error: unknown) =>
          log.error({ err: error, credentials: one.name }, 'could not check when the credentials expire'),
        )
    })().finally(() => {
      checking = undefined
    })
    await checking
  }

  const timer = setInterval(() => void check(), checkEvery)
  return {
    check,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      stopping.abort()
      await checking
    },
  }
}

/**
 * Keeps renewed credentials: in the user's file where that can be written and is as it was read, else in the state
 * directory. Answers where, in words. `inPlace` is undefined where the file is not ours to rewrite.
 *
 * @throws AgentError `unreachable` where the file was changed meanwhile, `misconfigured` where nothing can be written
 */
export async function persist(
  source: Pick<Sourced<unknown>, 'file' | 'text' | 'copyFile'>,
  ownCert: string,
  { inPlace, copy }: { readonly inPlace: string | undefined; readonly copy: string },
): Promise<string> {
  const { file, text, copyFile } = source
  let why = 'its certificate is in a separate file'
  if (inPlace !== undefined) {
    const replaced = await replaceFile(file, text, inPlace)
    if (replaced.done) {
      await unlink(copyFile).catch(() => {})
      return `written to ${file}`
    }
    if (replaced.changed) throw new AgentError('unreachable', replaced.why)
    ;({ why } = replaced)
  }
  try {
    await writeCopy(source, ownCert, copy)
  } catch (error) {
    throw new AgentError(
      'misconfigured',
      `neither ${file} (${why}) nor ${copyFile} (${messageOf(error)}) can be written`,
      error,
    )
  }
  return `written to ${copyFile}, which is used instead of ${file}: that can't be rewritten (${why})`
}
