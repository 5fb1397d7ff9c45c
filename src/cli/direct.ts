import { existsSync } from 'node:fs'
import { openJournal } from '../adapters/journal/journal.ts'
import { createFactory } from '../adapters/factory/factory.ts'
import type { PlanAnswer } from '../control/protocol.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import type { Entry, Journal } from '../core/journal.ts'
import { startPower } from '../core/power.ts'
import { foresee } from '../core/rollout.ts'
import { observe } from '../engine/observe.ts'
import { type Settings, toSchematic } from '../main/settings.ts'
import { loadSchematics } from '../watchers/schematics.ts'
import { openUps, openWorld } from '../main/wiring.ts'

/** What the CLI can answer while no daemon runs, by looking for itself. */

/** The journal's newest entries, from the disk. */
export function readEntries(settings: Settings, limit: number): readonly Entry[] {
  using journal = openJournal(settings.path(settings.config.state), { readOnly: true })
  return journal.entries(limit)
}

/** What the Factory offers now. */
export async function readReleases(settings: Settings, signal: AbortSignal): Promise<readonly string[]> {
  return createFactory(settings.config.factory.url).versions(signal)
}

/** The plan as a daemon that has just started would make it. */
export async function planDirectly(settings: Settings, signal: AbortSignal): Promise<PlanAnswer> {
  const { config } = settings
  const directory = settings.path(config.state)
  const journal = existsSync(`${directory}/journal.db`) ? openJournal(directory, { readOnly: true }) : undefined
  try {
    await using world = await openWorld({ settings, journal: journal ?? emptyJournal() })
    await using schematics = await loadSchematics({
      directory: settings.schematics,
      parse: toSchematic,
      changed: async () => {},
      refused: () => {},
      log: silent,
    })
    const { ups } = world
    const reading = await ups?.read(signal).catch(() => undefined)
    const onMains = !ups || (reading?.status.includes('OL') ?? false)
    const { cluster: _, ...answer } = await foresee({
      observe: () => observe(config.nodes, world.ports, signal),
      config,
      ports: world.ports,
      now: () => new Date(),
      monotonic: () => performance.now(),
      schematics: schematics.current,
      power: onMains
        ? { mode: 'on-mains', since: 0, lastHeard: Infinity, reading: reading ?? { status: ['OL'] } }
        : startPower(0, false),
    })
    return answer
  } finally {
    journal?.[Symbol.dispose]()
  }
}

/** Reads everything that the configuration names, and answers each fault; nothing is contacted. */
export async function checkSettings(settings: Settings): Promise<readonly string[]> {
  const { config } = settings
  const faults: string[] = []
  const attempt = (work: Promise<unknown>) => work.catch((error: unknown) => void faults.push(messageOf(error)))
  await attempt(openWorld({ settings, journal: emptyJournal() }).then((world) => world[Symbol.asyncDispose]()))
  if (config.upses.length > 0) await attempt(openUps(settings).then((ups) => ups?.[Symbol.asyncDispose]()))
  await attempt(
    loadSchematics({
      directory: settings.schematics,
      parse: toSchematic,
      changed: async () => {},
      refused: () => {},
      log: silent,
    }).then(({ current }) => {
      const used = new Set([config.schematic, ...config.nodes.flatMap(({ schematic }) => schematic ?? [])])
      for (const name of used) if (!current.has(name)) faults.push(`${settings.schematics}/${name}.yaml is not there`)
    }),
  )
  const share = settings.path(config.share.directory)
  if (!existsSync(share)) faults.push(`share.directory ${share} is not there: is the share mounted?`)
  return [...new Set(faults)]
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent }

/** For looking before there is anything to remember. */
function emptyJournal(): Journal {
  const refuse = () => {
    throw new AgentError('malformed', 'nothing is written here')
  }
  return {
    write: () => {},
    entries: () => [],
    beginRun: refuse,
    endRun: () => {},
    runs: () => [],
    firstSeen: () => new Map(),
    remember: () => {},
    recall: () => undefined,
    openOutage: () => undefined,
    saveOutage: () => {},
    outages: () => [],
    degraded: undefined,
  }
}
