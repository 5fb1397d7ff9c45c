import type { Config } from '../../config/config.ts'
import type { Alerts } from '../../core/alert.ts'
import type { Cluster } from '../../core/cluster/cluster.ts'
import type { Journal } from '../../core/journal.ts'
import { type Boot, bootKind, hasLoaded, hasReached } from '../../core/netboot/boots.ts'
import { nextBoot } from '../../core/netboot/next-boot.ts'
import { type BootAlertKind, isFresh, planBootAlerts, rateOf } from '../../core/netboot/diagnosis.ts'
import type { StartedMachine, Transfer } from '../../core/netboot/boot-event.ts'
import type { BootEvent } from '../../core/netboot/dhcp-event.ts'
import { knownMachines } from '../../core/netboot/machines.ts'
import { inMegabytes } from '../../core/netboot/size.ts'
import { describeDuration } from '../../core/duration.ts'
import { createListeners } from '../../core/listeners.ts'
import { remembered } from '../facts.ts'
import { forgetEnding, noteBooted, noteEnding, standingOf, standingsIn } from './standing.ts'

export interface BootKeeperOptions {
  readonly journal: Journal
  readonly alerts: Alerts
  readonly config: () => Config
  readonly now: () => Date
  /** Our own addresses: what we read back from our own servers is no boot. */
  readonly isOwn: (address: string) => boolean
}

/** Who keeps what machines do that boot from the network. */
export interface BootKeeper {
  note(event: BootEvent): void
  /** Before the last part of a file leaves, which may start the machine. */
  noteEnding(transfer: Transfer): void
  /** What was seen of the cluster: a node that runs Talos is installed, and one that has just booted has come through. */
  noteCluster(cluster: Cluster): void
  /** Has the alerts say what is true now. To be called now and then: silence is no event. */
  look(): void
  /** The same where something has come since the last look that is to be looked at. To be called each second. */
  lookAgain(): void
  /** Called with what has become of a machine's last try, until it is disposed of. */
  onChange(listener: (boot: Boot) => void): Disposable
  /** All that are known, by what they are known by; the tries of each newest first. */
  readonly machines: ReadonlyMap<string, readonly Boot[]>
}

/** So many machines, and tries of each, are kept in memory. Strangers that only ask are forgotten first. */
const most = { machines: 256, strangers: 64, tries: 20 }
const hour = 3_600_000
/** In ms, between looks at all machines: what one asks again and again is not to cost that each time. */
const looksApart = 1_000
/** So many tries of one known machine are written down in an hour, and of all strangers together: addresses may be made up. */
const writtenInAnHour = 30
/** So many strangers are told of. Where there are more in a day, somebody makes them up, and no alert is about any. */
const mostTold = 16

/** Keeps what machines do that boot from the network, and what people should know of it. */
export function createBootKeeper({ journal, alerts, config, now, isOwn }: BootKeeperOptions): BootKeeper {
  const records = journal.records(bootKind)
  const machines = new Map<string, readonly Boot[]>()
  const isWritten = createLedger(now)
  const listeners = createListeners<Boot>()
  let lookedAt = -Infinity
  let isToLook = false
  // Oldest first, so that those that asked last stand last in the map.
  for (const boot of records.newest(most.machines).toReversed()) put(machines, boot)

  function note(event: BootEvent, known?: string): void {
    if ('transfer' in event && isOwn(event.transfer.client)) return
    const key = known ?? keyOf(machines, event)
    const before = key === undefined ? undefined : machines.get(key)?.[0]
    const boot = nextBoot(before, event)
    if (boot) keep(before, boot)
    // What it came to is on the disk before it is forgotten that nobody knew.
    const last = boot ?? before
    if (last) settleEnding(last, event)
  }

  function keep(before: Boot | undefined, boot: Boot): void {
    const isSame = before?.startedAt === boot.startedAt && before.machine === boot.machine
    put(machines, boot, isSame)
    bound(machines)
    listeners.tell(boot)
    const from = isSame ? before : undefined
    if (from?.phase !== boot.phase || from.trouble !== boot.trouble) changed(from, boot)
  }

  /** Whether the end of its image has arrived is seen by the transfer, or by what the machine does after that. */
  function settleEnding(boot: Boot, { type, at }: BootEvent): void {
    const isOver = type === 'boot.done' || type === 'boot.aborted'
    if (!isOver && type !== 'boot.configuration' && type !== 'boot.running') return
    const standing = standingOf(journal, config(), boot, now().getTime())
    if (!standing.mayHaveBooted) return
    if (!isOver) noteBooted(journal, standing, at)
    forgetEnding(journal, standing.key)
  }

  /** It has come to another phase, or into trouble. */
  function changed(before: Boot | undefined, boot: Boot): void {
    const standing = standingOf(journal, config(), boot, now().getTime())
    const isKept = (hasReached(boot, 'taken') || standing.name !== undefined) && isWritten(boot, standing.name)
    if (isKept) records.save(boot, 'later')
    const came = (phase: Boot['phase']) => hasReached(boot, phase) && !(before && hasReached(before, phase))
    // Of what others serve the transfer is not seen.
    const isThrough = hasLoaded(boot) && came(boot.isServedHere === false ? 'started' : 'loaded')
    if (isThrough) {
      noteBooted(journal, standing, boot.lastAt)
      if (isKept) journal.write({ kind: 'event', subject: standing.key, text: describeLoaded(standing.key, boot) })
    }
    // A flood of strangers is not to cost a look at every machine each time.
    if (standing.name !== undefined) lookSoon()
  }

  function lookSoon(): void {
    isToLook = true
    lookAgain()
  }

  function lookAgain(): void {
    const passed = now().getTime() - lookedAt
    // A clock may be set back.
    if (isToLook && (passed >= looksApart || passed < 0)) look()
  }

  function look(): void {
    const at = now().getTime()
    lookedAt = at
    isToLook = false
    const standing = standingsIn(journal, config(), at)
    const histories = [...machines.values()].flatMap((boots) => {
      const [last] = boots
      if (!last || last.phase === 'asked') return []
      const { key, rule, name } = standing(last)
      return [{ name: key, boots, isAlways: rule === 'always', isKnown: name !== undefined }]
    })
    const strangers = histories.filter(({ isKnown, boots: [last] }) => !isKnown && isFresh(last!, at, 24 * hour))
    const told = strangers.length > mostTold ? histories.filter(({ isKnown }) => isKnown) : histories
    const planned = planBootAlerts(told, at, remembered.netbootEnding.recall(journal))
    for (const kind of Object.keys(planned) as BootAlertKind[]) alerts.reportEach(kind, planned[kind])
  }

  return {
    note: (event) => note(event),
    noteEnding: (transfer) => {
      const key = keyOfTransfer(machines, transfer)
      const boot = machines.get(key)?.[0]
      if (!boot || isOwn(transfer.client)) return
      noteEnding(journal, standingOf(journal, config(), boot, now().getTime()), now().toISOString())
    },
    noteCluster: (cluster) => {
      rememberInstalled(journal, config(), cluster)
      const at = now().toISOString()
      for (const { name, talos } of cluster.nodes) {
        if (!talos.ok) continue
        const { uuid } = talos.value
        for (const [key, [last]] of machines)
          if (last && !hasReached(last, 'running') && isNode(config(), last, { name, uuid }))
            note({ type: 'boot.running', at, machine: { client: last.address ?? key, mac: last.mac, uuid } }, key)
      }
    },
    look,
    lookAgain,
    onChange: listeners.subscribe,
    machines,
  }
}

/**
 * Whether a try is written down: once it is, to its end. What is beyond the limit is known only as long as the daemon runs, so
 * that nobody who asks again and again writes over what others did.
 */
function createLedger(now: () => Date): (boot: Boot, name: string | undefined) => boolean {
  /** By name, those of the last hour, or of the next where the clock was set back; strangers have none. */
  const written = new Map<string, Map<string, number>>()
  return ({ machine, startedAt }, name = '') => {
    const at = now().getTime()
    const own = new Map([...(written.get(name) ?? [])].filter(([, since]) => Math.abs(at - since) < hour))
    written.set(name, own)
    const key = `${startedAt} ${machine}`
    if (own.has(key)) return true
    if (own.size >= writtenInAnHour) return false
    own.set(key, at)
    return true
  }
}

/** Which of them an event is about; undefined for a new one. */
function keyOf(machines: ReadonlyMap<string, readonly Boot[]>, event: BootEvent): string | undefined {
  if (event.type === 'boot.asked') return event.machine.mac
  if (event.type === 'boot.running' || event.type === 'boot.configuration') return keyOfStarted(machines, event.machine)
  return 'transfer' in event ? keyOfTransfer(machines, event.transfer) : event.mac
}

function keyOfTransfer(machines: ReadonlyMap<string, readonly Boot[]>, { mac, client }: Transfer): string {
  if (mac !== undefined && machines.has(mac)) return mac
  // The lease that DHCP was seen to give; the newest, since addresses move.
  const found = [...machines].findLast(([, [last]]) => last?.address === client)
  return found?.[0] ?? mac ?? client
}

/**
 * A machine that was seen to start, by what it says of itself: Talos may have another of its cards as its first. Boards of a
 * kind may share a UUID (talos#7694). One that nobody has seen goes by its address, for anything else may be made up.
 */
function keyOfStarted(
  machines: ReadonlyMap<string, readonly Boot[]>,
  { client, mac, uuid }: StartedMachine,
): string | undefined {
  const same = [...machines].filter(([, [last]]) => uuid !== undefined && last?.uuid === uuid)
  if (same.length === 1) return same[0]![0]
  if (mac !== undefined && machines.has(mac)) return mac
  return [...machines].findLast(([, [last]]) => last?.address === client)?.[0] ?? client
}

/** Adds a try, or what has become of the last one; the machine is then the newest. */
function put(machines: Map<string, readonly Boot[]>, boot: Boot, isSame = false): void {
  const tries = machines.get(boot.machine) ?? []
  machines.delete(boot.machine)
  machines.set(boot.machine, [boot, ...(isSame ? tries.slice(1) : tries)].slice(0, most.tries))
}

/** Forgets those that asked longest ago, strangers that did nothing else first: their addresses may be made up. */
function bound(machines: Map<string, readonly Boot[]>): void {
  const idle = [...machines].filter(([, tries]) => tries.every((boot) => !hasReached(boot, 'taken')))
  for (const [key] of idle.slice(0, Math.max(0, idle.length - most.strangers))) machines.delete(key)
  for (const key of machines.keys()) {
    if (machines.size <= most.machines) return
    machines.delete(key)
  }
}

/** Nodes that answer as running have a system of their own on a disk: they are left alone from now on. */
function rememberInstalled(journal: Journal, config: Config, cluster: Cluster): void {
  const { nodes, netboot, images } = config
  const before = remembered.netbootInstalled.recall(journal) ?? {}
  const isDiskless = (name: string) => images.some((image) => image.diskless && image.nodes.includes(name))
  const seen = cluster.nodes.flatMap(({ name, talos }) => {
    const diskless =
      netboot.machines.some(({ machine, boot }) => machine === name && boot === 'always') || isDiskless(name)
    if (!talos.ok || talos.value.stage !== 'running' || talos.value.onDisk === false || diskless) return []
    return [[name, talos.value.uuid === undefined ? {} : { uuid: talos.value.uuid }] as const]
  })
  const names = new Set(nodes.map(({ name }) => name))
  const kept = Object.entries(before).filter(([name]) => names.has(name) && !isDiskless(name))
  const after = Object.fromEntries([...kept, ...seen])
  if (JSON.stringify(after) !== JSON.stringify(before)) remembered.netbootInstalled.remember(journal, after)
}

function isNode(
  config: Config,
  boot: Boot,
  { name, uuid }: { readonly name: string; readonly uuid: string | undefined },
): boolean {
  if (uuid !== undefined && boot.uuid === uuid.toLowerCase()) return true
  const machine = knownMachines(config).find((one) => one.name === name)
  if (machine === undefined) return false
  return (boot.mac !== undefined && machine.macs.includes(boot.mac)) || machine.address === boot.address
}

function describeLoaded(name: string, boot: Boot): string {
  const { file, arrived, took } = boot
  const rate = rateOf(boot)
  const how =
    arrived === undefined || took === undefined
      ? ''
      : `, ${inMegabytes(arrived)} in ${describeDuration(took)}${rate === undefined ? '' : ` (${inMegabytes(rate)}/s)`}`
  return `${name} has booted from the network: ${file ?? 'an image'}${how}`
}
