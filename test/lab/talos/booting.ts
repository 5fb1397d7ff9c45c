import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { SequenceEvent_Action } from '../../../src/adapters/talos/gen/machine_pb.ts'
import type { Identity } from '../authority.ts'
import type { Apid } from './apid.ts'
import { forever, type Ending } from './ending.ts'
import { nodeIdOf, sameImage, type Machine, type Stage } from './machine.ts'
import type { Runner } from './runner.ts'
import type { LabImage } from './types.ts'

export interface SequenceParts {
  /** The server's certificate as it is now. */
  identity(): Identity
  /** Runs the installer of an upgrade that was staged. */
  installStaged(ref: string, signal: AbortSignal): Promise<LabImage>
}

/** How a machine's life begins. */
export interface Booting {
  /** From the firmware to apid; the rest of the boot sequence goes on by itself. */
  boot(): Promise<void>
  /** The present life ends, and the next begins. */
  goDownToBoot(): void
  /** What machined does after a sequence that failed: back to the release before if this one was new, and a reboot. */
  revert(signal: AbortSignal): Promise<void>
}

interface BootParts extends SequenceParts {
  readonly machine: Machine
  readonly apid: Apid
  readonly runner: Runner
  readonly ending: Ending
}

export function createBooting({ machine, apid, runner, ending, identity, installStaged }: BootParts): Booting {
  const { pace } = machine

  async function boot(): Promise<void> {
    const alive = runner.life
    await pause(pace.boot, undefined, { signal: alive })
    chooseEntry(machine)
    beginLife(machine)
    if (machine.staged !== undefined) return await bootToUpgrade(machine.staged, alive)
    machine.conditions.set('nodeReady', `node "${machine.options.name}" status is not available yet`)
    for (const name of ['initialize', 'install'] as const)
      for (const action of [SequenceEvent_Action.START, SequenceEvent_Action.STOP]) runner.mark(name, action, '')
    for (const id of ['machined', 'containerd', 'apid']) machine.startService(id)
    // Whatever ended the boot, for a moment the node is running: that is all that the end of the sequence says.
    const ended = () => showStage(machine, 'running')
    runner.run({
      name: 'boot',
      actor: '',
      interrupts: () => true,
      body: (signal) => settle(machine, signal),
      ended,
      failed: revert,
    })
    await apid.open(identity())
    if (alive.aborted) return apid.close()
    machine.answering = true
    machine.changed()
  }

  /** Early in the boot, before apid: installs what was staged, forgets it whatever comes of it, and boots once more. */
  async function bootToUpgrade(ref: string, alive: AbortSignal): Promise<void> {
    machine.staged = undefined
    showStage(machine, 'upgrading')
    try {
      machine.install(await installStaged(ref, alive))
    } catch {
      // What failed is seen on the console alone; the release of before boots again.
      alive.throwIfAborted()
    }
    ending.die()
    await boot()
  }

  function goDownToBoot(): void {
    ending.fallSilent(ending.leaveForReboot)
    ending.die()
    boot().catch(() => {
      // The power was cut before it was up.
    })
  }

  /** A real node takes ten seconds before it reboots. */
  async function revert(signal: AbortSignal): Promise<void> {
    showStage(machine, 'rebooting')
    // It takes the entry that is not the default, whichever that is: what a rollback had chosen is undone.
    if (machine.fallback !== undefined && machine.other) {
      const before = machine.installed
      machine.installed = machine.other
      machine.other = before
      machine.fallback = undefined
    }
    await pause(pace.stop, undefined, { signal })
    goDownToBoot()
  }

  return { boot, goDownToBoot, revert }
}

/** Says where the machine is. */
export function showStage(machine: Machine, stage: Stage): void {
  machine.stage = stage
  machine.changed()
}

function chooseEntry(machine: Machine): void {
  if (machine.options.served) {
    machine.running = machine.installed = machine.options.served() ?? machine.running
    // Nothing keeps its identity.
    machine.nodeId = nodeIdOf(randomUUID())
    return
  }
  if (machine.faults.rollBack) {
    machine.faults.rollBack = false
    const before = sameImage(machine.installed, machine.running) ? machine.other : machine.running
    machine.other = machine.installed
    machine.installed = before ?? machine.running
    machine.fallback = undefined
  }
  machine.running = machine.installed
}

/** What is new with every boot. */
function beginLife(machine: Machine): void {
  machine.stage = 'unknown'
  if (machine.faults.otherMachine) Object.assign(machine, { uuid: randomUUID(), nodeId: nodeIdOf(randomUUID()) })
  machine.faults.otherMachine = false
  machine.bootId = randomUUID()
  // Told in seconds, and a real boot takes more than one.
  machine.bootedAt = Math.max(Date.now(), machine.bootedAt + 1000)
  machine.awaitsBoot = false
  machine.shownFallback = machine.fallback
  machine.log.clear()
  machine.resetServices()
}

async function settle(machine: Machine, signal: AbortSignal): Promise<void> {
  const { faults, pace } = machine
  const stuck = faults.stuckBooting
  faults.stuckBooting = false
  showStage(machine, 'booting')
  const part = () => pause(pace.settle / 4, undefined, { signal })
  await part()
  for (const id of ['auditd', 'cri', 'dashboard', 'syslogd', 'udevd']) machine.startService(id)
  if (machine.options.role === 'controlplane') machine.startService('trustd')
  await part()
  if (machine.etcd) machine.startService('etcd')
  machine.setService('kubelet', 'Running', false)
  await part()
  // Talos itself gives up after 70 minutes; no test waits that long.
  if (stuck) await forever(signal)
  machine.startService('kubelet')
  becomeReady(machine, signal).catch(() => {
    // Another sequence came first.
  })
}

async function becomeReady(machine: Machine, signal: AbortSignal): Promise<void> {
  await pause(machine.pace.settle / 4, undefined, { signal })
  machine.conditions.clear()
  machine.changed()
}
