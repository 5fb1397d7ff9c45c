import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type JournalHandle, openJournal, openMemoryJournal } from '../adapters/journal/journal.ts'
import { createShare } from '../adapters/share/share.ts'
import type { PlanAnswer } from '../core/operator.ts'
import { planAnswerOf } from '../core/upgrade/answers.ts'
import type { Alert } from '../core/alert.ts'
import { type Entry, entryKind, type Journal } from '../core/journal.ts'
import { type EntryFilter, newestWanted } from '../core/journal-filter.ts'
import type { Factory } from '../core/release/ports.ts'
import type { VerificationAnswer } from '../core/release/verification.ts'
import type { ReleaseAnswer } from '../core/release/release-answer.ts'
import { type PowerState, startPower } from '../core/power/state.ts'
import { nextPowerState } from '../core/power/transitions.ts'
import { policyFor } from '../core/power/triggers.ts'
import { previewUpgrade } from '../operations/preview-upgrade.ts'
import { createAlerts } from '../operations/alerts.ts'
import { believedClock } from '../operations/timekeeper.ts'
import { remembered } from '../operations/facts.ts'
import { readReleases } from '../operations/releases-request.ts'
import { verifyShare } from '../operations/verify-share.ts'
import { observe } from '../engine/observe.ts'
import { keepSigners, openFactories } from '../main/factories.ts'
import { findOwnMachine } from '../main/identity.ts'
import { type Settings, toSchematic } from '../main/settings.ts'
import { loadSchematics } from '../services/schematics-watch/watch.ts'
import { openBootServer, openWorld } from '../main/wiring.ts'

/** What the CLI can answer while no daemon runs, by looking for itself. */

/** The journal's newest entries that are wanted, from the disk. */
export function readEntries(settings: Settings, limit: number, filter: EntryFilter): readonly Entry[] {
  using journal = openKeptJournal(settings)
  return journal ? newestWanted(journal.entries, entryKind.keyOf, filter)(limit) : []
}

/** The alerts that a daemon has left open. */
export function readAlerts(settings: Settings): readonly Alert[] {
  using journal = openKeptJournal(settings)
  return journal ? createAlerts(journal, () => new Date()).all : []
}

/** The alerts that were settled, those that were opened last first. */
export function readSettledAlerts(settings: Settings, limit: number): readonly Alert[] {
  using journal = openKeptJournal(settings)
  return journal ? createAlerts(journal, () => new Date()).settled(limit) : []
}

/** The journal that a daemon has left, to read; undefined where none has run yet. */
export function openKeptJournal({ config, path }: Settings): JournalHandle | undefined {
  const directory = path(config.state)
  return existsSync(join(directory, 'journal.db')) ? openJournal(directory, { readOnly: true }) : undefined
}

/** What the Factory offers now. */
export async function readReleasesDirectly(settings: Settings, signal: AbortSignal): Promise<readonly ReleaseAnswer[]> {
  using kept = openKeptJournal(settings)
  const journal = kept ?? openMemoryJournal()
  return readReleases({ factory: await openFactories({ settings, journal }), journal }, signal)
}

/** The share, hashed once more. */
export async function verifyDirectly(settings: Settings, signal: AbortSignal): Promise<VerificationAnswer> {
  const { config, path } = settings
  using kept = openKeptJournal(settings)
  const signedBy = await keepSigners({ settings })
  const share = createShare({ directory: path(config.share.directory), signedBy })
  const ports = { share, bootServer: openBootServer(settings) }
  return verifyShare({ ports, signal }, kept)
}

/** The plan as a daemon that has just started would make it, from the journal of the last one if there is one. */
export async function planDirectly(settings: Settings, signal: AbortSignal): Promise<PlanAnswer> {
  const { config } = settings
  const kept = openKeptJournal(settings)
  try {
    await using schematics = await loadSchematics({ ...quietly, directory: settings.schematics })
    // What is noted here only we see.
    const journal: Journal = kept ?? openMemoryJournal()
    const { versions, withdrawn } = await knownReleases(journal, () => openFactories({ settings, journal }), signal)
    remembered.versions.remember(journal, versions)
    remembered.withdrawn.remember(journal, withdrawn)
    await using world = await openWorld({ settings, journal })
    const { registry } = world.ports.factory
    const known = Object.fromEntries([...schematics.current.values()].map(({ id }) => [id, { id, registry }]))
    if (!remembered.registrations.recall(journal)) remembered.registrations.remember(journal, known)
    const states = [...world.upses].map(async ([label, ups]): Promise<[string, PowerState]> => {
      const reading = await ups.read(signal).catch(() => undefined)
      const start = startPower(0)
      const policy = policyFor(config, label)
      return [label, reading ? nextPowerState(start, { kind: 'reading', at: 0, reading }, policy) : start]
    })
    const upses = new Map(await Promise.all(states))
    const preview = await previewUpgrade({
      observe: () => observe(config.nodes, world.ports, signal),
      config,
      ports: world.ports,
      now: () => new Date(),
      monotonic: () => 0,
      clock: believedClock,
      schematics: schematics.current,
      signal,
      ownNode: findOwnMachine(config.nodes, settings.environment),
      power: { upses, ordered: remembered.ordered.recall(journal) },
    })
    return planAnswerOf(preview)
  } finally {
    kept?.[Symbol.dispose]()
  }
}

/** What is remembered of releases, or else what the Factory says now. */
async function knownReleases(known: Journal, open: () => Promise<Factory>, signal: AbortSignal) {
  const versions = remembered.versions.recall(known)
  if (versions) return { versions, withdrawn: remembered.withdrawn.recall(known) ?? [] }
  const factory = await open()
  const offered = await factory.versions(signal)
  const withdrawn = await factory.withdrawn(offered, signal).catch(() => undefined)
  return { versions: offered, withdrawn: withdrawn ?? [] }
}

/** Logs nothing: the command line prints what it found itself. */
export const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent }

/** How schematics are read once, by nobody who watches. */
const quietly = { parse: toSchematic, log: silent }
