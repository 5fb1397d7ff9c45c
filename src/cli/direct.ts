import { existsSync } from 'node:fs'
import { access, constants, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type JournalHandle, openJournal, openMemoryJournal } from '../adapters/journal/journal.ts'
import { compileCheck } from '../adapters/checks/checks.ts'
import { createFactory } from '../adapters/factory/factory.ts'
import { type PlanAnswer, planAnswerOf } from '../core/operator.ts'
import { describeCredential, lifeOf, lifeOfCertificate } from '../adapters/kubernetes/entry.ts'
import { dayOf, describeLife, stageOf } from '../core/certificate-life.ts'
import type { Alert } from '../core/alert.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import type { Entry, Journal } from '../core/journal.ts'
import type { Factory } from '../core/release/ports.ts'
import { type PowerState, startPower } from '../core/power/state.ts'
import { nextPowerState } from '../core/power/transitions.ts'
import { policyFor } from '../core/power/triggers.ts'
import { previewUpgrade } from '../operations/preview-upgrade.ts'
import { createAlerts } from '../operations/alerts.ts'
import { remembered } from '../operations/facts.ts'
import { observe } from '../engine/observe.ts'
import { newAccess, readKubernetes, readTalos } from '../main/credentials.ts'
import { findOwnMachine } from '../main/identity.ts'
import { faultsOfServices } from '../main/services.ts'
import { readText, type Settings, toSchematic } from '../main/settings.ts'
import { openUpses } from '../main/upses.ts'
import { loadSchematics } from '../services/schematics-watch/watch.ts'
import { openMachines } from '../main/machines.ts'
import { isUrl, openWorld, readAccess, readCredentials } from '../main/wiring.ts'

/** So many alerts that were settled are shown. */
const shownSettled = 200

/** What the CLI can answer while no daemon runs, by looking for itself. */

/** The journal's newest entries, from the disk. */
export function readEntries(settings: Settings, limit: number): readonly Entry[] {
  using journal = openKeptJournal(settings)
  return journal?.entries(limit) ?? []
}

/** The alerts that a daemon has left open; with `all` then those that were settled. */
export function readAlerts(settings: Settings, all: boolean): readonly Alert[] {
  using journal = openKeptJournal(settings)
  if (!journal) return []
  const alerts = createAlerts(journal, () => new Date())
  return all ? [...alerts.all, ...alerts.settled(shownSettled)] : alerts.all
}

/** The journal that a daemon has left, to read; undefined where none has run yet. */
function openKeptJournal({ config, path }: Settings): JournalHandle | undefined {
  const directory = path(config.state)
  return existsSync(join(directory, 'journal.db')) ? openJournal(directory, { readOnly: true }) : undefined
}

/** What the Factory offers now. */
export async function readReleases(settings: Settings, signal: AbortSignal): Promise<readonly string[]> {
  return createFactory(settings.config.factory.url).versions(signal)
}

/** The plan as a daemon that has just started would make it, from the journal of the last one if there is one. */
export async function planDirectly(settings: Settings, signal: AbortSignal): Promise<PlanAnswer> {
  const { config } = settings
  const kept = openKeptJournal(settings)
  try {
    await using schematics = await loadSchematics({ ...quietly, directory: settings.schematics })
    // What is noted here only we see.
    const journal: Journal = kept ?? openMemoryJournal()
    const ids = Object.fromEntries([...schematics.current.values()].map(({ id }) => [id, id]))
    const { versions, withdrawn } = await knownReleases(journal, () => createFactory(config.factory.url), signal)
    remembered.versions.remember(journal, versions)
    remembered.withdrawn.remember(journal, withdrawn)
    if (!remembered.schematicIds.recall(journal)) remembered.schematicIds.remember(journal, ids)
    await using world = await openWorld({ settings, journal })
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
async function knownReleases(known: Journal, open: () => Factory, signal: AbortSignal) {
  const versions = remembered.versions.recall(known)
  if (versions) return { versions, withdrawn: remembered.withdrawn.recall(known) ?? [] }
  const factory = open()
  const offered = await factory.versions(signal)
  const withdrawn = await factory.withdrawn(offered, signal).catch(() => undefined)
  return { versions: offered, withdrawn: withdrawn ?? [] }
}

/** Reads everything that the configuration names, and answers each fault; nothing is contacted. */
export async function checkSettings(settings: Settings): Promise<readonly string[]> {
  const { config, file, path } = settings
  const faults: string[] = []
  const attempt = async (setting: string, work: () => Promise<unknown>) => {
    await work().catch((error: unknown) => {
      for (const line of messageOf(error).split('\n')) faults.push(`${file}: ${setting}: ${line}`)
    })
  }
  const { talosconfig, kubeconfig } = config.cluster
  if (talosconfig !== undefined) await attempt('cluster.talosconfig', () => readCredentials(settings))
  if (kubeconfig !== undefined) await attempt('cluster.kubeconfig', () => readAccess(settings, kubeconfig))
  const { calendar, timeZone } = config.upgrade
  if (calendar !== undefined && !isUrl(calendar))
    await attempt('upgrade.calendar', async () => {
      const { createCalendar } = await import('../adapters/calendar/calendar.ts')
      return createCalendar({ source: path(calendar), timeZone }).blackouts(new Date(), AbortSignal.timeout(5_000))
    })
  for (const check of config.upgrade.checks)
    await attempt(`upgrade.checks (${check.name})`, async () => {
      const fault = await compileCheck(check)
      if (fault !== undefined) throw new AgentError('misconfigured', fault)
    })
  await attempt('upses', async () => {
    for (const ups of (await openUpses(settings)).values()) await ups[Symbol.asyncDispose]()
  })
  await attempt('hosts and wake', () => openMachines(settings))
  for (const { name, shutdown } of config.hosts) {
    if (!('ssh' in shutdown)) continue
    await attempt(`hosts (${name}).shutdown.ssh.key`, () => readText(path(shutdown.ssh.key)))
    await attempt(`hosts (${name}).shutdown.ssh.knownHosts`, () => readText(path(shutdown.ssh.knownHosts)))
  }
  await attempt('share.directory', () => checkDirectory(path(config.share.directory), 'is the share mounted?'))
  const state = path(config.state)
  if (existsSync(state)) await attempt('state', () => checkDirectory(state, 'give it a directory of its own'))
  for (const { setting, why } of await faultsOfServices(settings))
    for (const line of why.split('\n')) faults.push(`${file}: ${setting}: ${line}`)
  return faults
}

/** How long our own credentials live, for people: those that can be read. */
export async function livesOf(settings: Settings, now = Date.now()): Promise<readonly string[]> {
  const { kubeconfig } = settings.config.cluster
  const read = [
    readTalos(settings).then(({ value, file, copyFile, isCopy }) => ({
      what: `the client certificate in ${isCopy ? copyFile : file} (${value.roles.join(', ')})`,
      life: lifeOfCertificate(value.cert),
      // It is a fault of its own, which says what to do.
      advice: '',
    })),
    ...(kubeconfig === undefined
      ? []
      : [
          readKubernetes(settings, kubeconfig).then(({ value, file }) => ({
            what: describeCredential(value),
            life: lifeOf(value),
            advice: `: ${newAccess(value, file)}`,
          })),
        ]),
  ]
  return (await Promise.allSettled(read)).flatMap((one) => {
    if (one.status === 'rejected') return []
    const { what, life, advice } = one.value
    const stage = life && stageOf(life, now)
    if (!life) return [`${what} has no expiry date`]
    return [
      stage
        ? `${describeLife(what, life, stage)}${stage === 'ended' ? advice : ''}`
        : `${what} expires on ${dayOf(life.to)}`,
    ]
  })
}

async function checkDirectory(path: string, advice: string): Promise<void> {
  const info = await stat(path).catch(() => undefined)
  if (!info) throw new AgentError('misconfigured', `${path} does not exist: ${advice}`)
  if (!info.isDirectory()) throw new AgentError('misconfigured', `${path} is not a directory: ${advice}`)
  await access(path, constants.W_OK).catch(() => {
    throw new AgentError('misconfigured', `${path} is not writable by this user`)
  })
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent }

/** How schematics are read once, by nobody who watches. */
const quietly = { parse: toSchematic, log: silent }
