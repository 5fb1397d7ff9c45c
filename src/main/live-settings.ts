import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { planChange } from '../config/change.ts'
import type { Config } from '../config/config.ts'
import { findMistakes } from '../config/mistakes.ts'
import type { AlertContent, Alerts } from '../core/alert.ts'
import { messageOf } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import type { Logger } from '../core/log.ts'
import { sectionOf } from '../core/service.ts'
import { readText } from './file-gate.ts'
import { stampOf } from './kept-file.ts'
import { keepLastGood } from './last-good.ts'
import { sectionsOf } from './registry.ts'
import { readConfig, type Settings } from './settings.ts'

/** Between two looks at the file, in ms. Polled, since no kernel tells of edits on NFS and on many bind mounts. */
const pollInterval = 2_000
/** How many paths a message names; the others are counted. */
const namedPaths = 6

export interface LiveSettingsOptions {
  readonly settings: Settings
  readonly journal: Pick<Journal, 'write'>
  readonly alerts: Pick<Alerts, 'open' | 'settle' | 'report'>
  readonly log: Logger
  readonly pollInterval?: number
}

/** Settings that follow the edits of their file. */
export interface LiveSettings extends Settings {
  /** What an edit has changed that counts only after a restart, as a sentence. */
  readonly pending: string | undefined
  /** Called with the names of services whose section has changed. */
  onSections(listener: (services: readonly string[]) => void): void
  /** Reads the file now, whatever its date says. Never rejects. */
  reread(): Promise<void>
  /** Follows the file until the signal aborts. */
  follow(signal: AbortSignal): Promise<void>
  /** Saves the current version as the last good one. */
  keep(): Promise<void>
}

/**
 * Follows the configuration file. Live settings take effect at once; for all others an alert asks for a restart. An
 * invalid version is not used, and is an alert until it is fixed.
 */
export function createLiveSettings(options: LiveSettingsOptions): LiveSettings {
  const { settings, journal, alerts, log, pollInterval: pause = pollInterval } = options
  const { file, services } = settings
  const name = 'configuration'
  const atStart = settings.config
  const sections = sectionsOf(services)
  const listeners = new Set<(services: readonly string[]) => void>()
  let { text, config, fault } = settings
  let pending: readonly string[] = []
  /** The text that was looked at last, good or not. */
  let lastRead = fault === undefined ? text : undefined
  let rereading: Promise<void> = Promise.resolve()

  function refuse(why: string): void {
    fault = why
    log.error({ reason: why }, 'the configuration is invalid; the last good version stays in use')
    alerts.open('config.invalid', {
      severity: 'critical',
      subject: name,
      text: `${why}; the last good version stays in use`,
      action: `Fix ${file}; \`caretaker config check\` shows what is wrong`,
    })
  }

  function take(fresh: Config, from: string): void {
    const change = planChange(fresh, { atStart, before: config, sections: Object.keys(sections) })
    const before = config
    ;({ config } = change)
    text = from
    fault = undefined
    alerts.settle('config.invalid')
    if (change.applied.length > 0) {
      const said = `${file} was edited; now in effect: ${listed(change.applied)}`
      log.info({}, said)
      journal.write({ kind: 'event', subject: name, text: said })
    }
    alerts.report('config.mistakes', describeMistakes(config, file))
    tellPending(change.pending)
    const changed = services.filter(
      (service) => service.config && !isDeepStrictEqual(sectionIn(before, service), sectionIn(config, service)),
    )
    if (changed.length > 0) for (const listener of listeners) listener(changed.map((service) => service.name))
  }

  function tellPending(now: readonly string[]): void {
    pending = now
    const said = pendingText(file, now)
    if (said === undefined) return void alerts.settle('config.restart')
    if (alerts.open('config.restart', { severity: 'info', subject: name, text: said })) log.warn({}, said)
  }

  async function look(): Promise<void> {
    try {
      const present = await readText(file).catch((error: unknown) => {
        lastRead = undefined
        throw error
      })
      if (present === lastRead) return
      lastRead = present
      take(readConfig(present, file, settings), present)
      await keep()
    } catch (error) {
      // What is wrong is said once, however often it is looked at.
      if (messageOf(error) !== fault) refuse(messageOf(error))
    }
  }

  async function keep(): Promise<void> {
    await keepLastGood(settings.state, file, text).catch((error: unknown) =>
      log.warn({ reason: messageOf(error) }, 'the last good configuration could not be saved'),
    )
  }

  if (fault === undefined) alerts.settle('config.invalid')
  else refuse(fault)
  alerts.report('config.mistakes', describeMistakes(config, file))
  // Whatever it was, this start has taken it.
  alerts.settle('config.restart')

  return {
    ...settings,
    get text() {
      return text
    },
    get config() {
      return config
    },
    get fault() {
      return fault
    },
    get pending() {
      return pendingText(file, pending)
    },
    onSections: (listener) => void listeners.add(listener),
    reread: () => (rereading = rereading.then(look)),
    follow: async (signal) => {
      // What was edited between our first reading and now is found, too.
      let [seen, taken] = ['', '']
      while (!signal.aborted) {
        const stamp = await stampOf([file])
        // Written to for the last time a while ago: a file that is half there may be good by accident.
        if (stamp === seen && stamp !== taken) {
          taken = stamp
          await (rereading = rereading.then(look))
        }
        seen = stamp
        await sleep(pause, undefined, { signal }).catch(() => {})
      }
    },
    keep: async () => {
      if (fault === undefined) await keep()
    },
  }
}

/** What fits the shape and can't work: the power is guarded all the same. */
function describeMistakes(config: Config, file: string): AlertContent | undefined {
  const [first, ...others] = findMistakes(config, new Date()).filter(({ severity }) => severity === 'error')
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  return (
    first && {
      severity: 'warning',
      subject: 'configuration',
      text: `${first.path.join('.')}: ${first.text}${more}`,
      action: `Fix ${file}; \`caretaker config check\` shows all that is wrong`,
    }
  )
}

/** A service's section of the configuration. */
export function sectionIn(config: Config, service: { readonly name: string }): unknown {
  return (config as unknown as Readonly<Record<string, unknown>>)[sectionOf(service)]
}

function pendingText(file: string, paths: readonly string[]): string | undefined {
  return paths.length === 0 ? undefined : `${file} was changed since the start; restart needed for: ${listed(paths)}`
}

function listed(paths: readonly string[]): string {
  const rest = paths.length - namedPaths
  return [...paths.slice(0, namedPaths), ...(rest > 0 ? [`${rest} more`] : [])].join(', ')
}
