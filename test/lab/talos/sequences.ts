import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { SequenceEvent_Action } from '../../../src/adapters/talos/gen/machine_pb.ts'
import type { Identity } from '../authority.ts'
import type { Apid } from './apid.ts'
import { nodeIdOf, sameImage, type Machine } from './machine.ts'
import { phasesOf, type SequenceKind } from './phases.ts'
import { createRunner, type Actions, type SequenceName } from './runner.ts'
import type { LabImage } from './types.ts'

/** By kexec, through the firmware, or without stopping anything. */
export type RebootKind = 'kexec' | 'firmware' | 'force'

/** Runs an installer; rejects where it fails. */
export type Install = (signal: AbortSignal) => Promise<LabImage>

/** What a machine does by its sequences (siderolabs/talos runtime/v1alpha1/v1alpha1_sequencer.go). */
export interface Sequences {
  /** Boots a machine that is off; done when apid answers. */
  powerOn(): Promise<void>
  cutPower(): void
  reboot(options: { readonly mode: RebootKind; readonly actor: string; readonly takeover?: boolean }): void
  shutdown(options: { readonly force: boolean; readonly actor: string }): void
  /** Talos' own upgrade, after its checks: drains, stops, installs and reboots. */
  upgrade(options: { readonly actor: string; readonly mode: RebootKind; readonly install: Install }): void
  /** Writes a legacy upgrade down for the next boot, and reboots. */
  stageUpgrade(options: { readonly actor: string; readonly ref: string }): void
  /** Says that a sequence was asked for while another one holds the lock; the caller has had its OK already. */
  refuse(sequence: SequenceName): void
  /** Aborts when the machine loses its life: power, reboot, or the end of the lab. */
  readonly life: AbortSignal
  dispose(): void
}

export interface SequenceParts {
  /** The server's certificate as it is now. */
  identity(): Identity
  /** Runs the installer of an upgrade that was staged. */
  installStaged(ref: string, signal: AbortSignal): Promise<LabImage>
}

/** How a machine goes down. */
interface WayDown {
  readonly kind: SequenceKind
  readonly actor: string
  /** How apid stops answering. */
  readonly leave: () => void
  readonly byKexec?: boolean
  /** Besides those of every sequence. */
  readonly actions?: Actions
}

export function createSequences(machine: Machine, apid: Apid, { identity, installStaged }: SequenceParts): Sequences {
  const { log, pace, faults } = machine
  const runner = createRunner(log)
  // A file system that does not unmount does not do so at the second try either.
  let hung = false

  const stopping: Actions = {
    stopAllPods: async () => machine.setService('kubelet', 'Stopping'),
    stopServicesForUpgrade: async () => stopServices(),
    cordonAndDrainNode: (signal) => cordonAndDrain(signal),
    unmountEphemeralPartition: (signal) => (hung ? forever(signal) : Promise.resolve()),
  }

  function stopServices(): void {
    for (const id of ['kubelet', 'etcd', 'trustd', 'cri']) machine.stopService(id)
  }

  async function cordonAndDrain(signal: AbortSignal): Promise<void> {
    const limit = new AbortController()
    const late = pause(pace.cordon, undefined, { signal: AbortSignal.any([signal, limit.signal]) }).then(() => {
      throw new Error('failed to cordon node: context deadline exceeded')
    })
    try {
      await Promise.race([late, machine.options.cordonAndDrain?.(machine.options.name)])
    } finally {
      limit.abort()
      late.catch(() => {})
    }
  }

  /** apid stops answering, in a way that the clients hear of, or not. */
  function fallSilent(leave: () => void): void {
    if (!machine.answering) return
    machine.answering = false
    leave()
    machine.changed()
  }

  function leaveForReboot(): void {
    if (faults.halfOpen) apid.vanish({ listen: true })
    else apid.close()
    faults.halfOpen = false
  }

  /** The phases of a sequence on the way down; the last that a client sees is that stopAllServices starts. */
  async function takeDown(
    { kind, actor, leave, byKexec = false, actions: more = {} }: WayDown,
    signal: AbortSignal,
  ): Promise<void> {
    const kexecPrepare = async () => {
      if (!faults.kexecRefused) return
      faults.kexecRefused = false
      throw new Error('kexec_file_load: invalid argument')
    }
    const stopAllServices = async () => {
      // Long enough for the event to leave.
      await pause(10, undefined, { signal })
      fallSilent(leave)
    }
    const steps = phasesOf(kind, machine.running.version).filter(({ phase }) => phase !== 'kexec' || byKexec)
    const actions = { ...stopping, ...more, kexecPrepare, stopAllServices }
    await runner.carryOut({ steps, actor, duration: pace.stop }, actions, signal)
  }

  /** The kernel goes away, and everything that ran with it. */
  function die(): void {
    runner.endLife()
    hung = false
    machine.stopService('etcd')
  }

  function goDownToBoot(): void {
    fallSilent(leaveForReboot)
    die()
    boot().catch(() => {
      // The power was cut before it was up.
    })
  }

  /** Secure Boot lets only the firmware start a kernel. */
  function canKexec(mode: RebootKind): boolean {
    return mode === 'kexec' && !machine.options.secureBoot && !machine.options.served
  }

  function powerOff(leave: () => void): void {
    machine.answering = false
    machine.power = 'off'
    machine.stage = 'unknown'
    leave()
    die()
    machine.resetServices()
    machine.changed()
  }

  function chooseEntry(): void {
    if (machine.options.served) {
      machine.running = machine.installed = machine.options.served() ?? machine.running
      // Nothing keeps its identity.
      machine.nodeId = nodeIdOf(randomUUID())
      return
    }
    if (faults.rollBack) {
      faults.rollBack = false
      const before = sameImage(machine.installed, machine.running) ? machine.other : machine.running
      machine.other = machine.installed
      machine.installed = before ?? machine.running
      machine.fallback = undefined
    }
    machine.running = machine.installed
  }

  /** From the firmware to apid; the rest of the boot sequence goes on by itself. */
  async function boot(): Promise<void> {
    const alive = runner.life
    await pause(pace.boot, undefined, { signal: alive })
    chooseEntry()
    machine.stage = 'unknown'
    if (faults.otherMachine) Object.assign(machine, { uuid: randomUUID(), nodeId: nodeIdOf(randomUUID()) })
    faults.otherMachine = false
    machine.bootId = randomUUID()
    // Told in seconds, and a real boot takes more than one.
    machine.bootedAt = Math.max(Date.now(), machine.bootedAt + 1000)
    machine.awaitsBoot = false
    machine.shownFallback = machine.fallback
    log.clear()
    machine.resetServices()
    if (machine.staged !== undefined) return await bootToUpgrade(machine.staged, alive)
    machine.conditions.set('nodeReady', `node "${machine.options.name}" status is not available yet`)
    for (const name of ['initialize', 'install'] as const)
      for (const action of [SequenceEvent_Action.START, SequenceEvent_Action.STOP]) runner.mark(name, action, '')
    for (const id of ['machined', 'containerd', 'apid']) machine.startService(id)
    runner.run({ name: 'boot', actor: '', interrupts: () => true, body: settle, ended: showRunning, failed: revert })
    await apid.open(identity())
    if (alive.aborted) return apid.close()
    machine.answering = true
    machine.changed()
  }

  /** Early in the boot, before apid: installs what was staged, forgets it whatever comes of it, and boots once more. */
  async function bootToUpgrade(ref: string, alive: AbortSignal): Promise<void> {
    machine.staged = undefined
    machine.stage = 'upgrading'
    machine.changed()
    try {
      machine.install(await installStaged(ref, alive))
    } catch {
      // What failed is seen on the console alone; the release of before boots again.
      alive.throwIfAborted()
    }
    die()
    await boot()
  }

  async function settle(signal: AbortSignal): Promise<void> {
    const stuck = faults.stuckBooting
    faults.stuckBooting = false
    machine.stage = 'booting'
    machine.changed()
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
    becomeReady(signal).catch(() => {
      // Another sequence came first.
    })
  }

  /** Whatever ended the boot, for a moment the node is running: that is all that the end of the sequence says. */
  function showRunning(): void {
    machine.stage = 'running'
    machine.changed()
  }

  async function becomeReady(signal: AbortSignal): Promise<void> {
    await pause(pace.settle / 4, undefined, { signal })
    machine.conditions.clear()
    machine.changed()
  }

  /**
   * machined goes back to the release before, if this one was new, and reboots after ten seconds of a real node's time.
   */
  async function revert(signal: AbortSignal): Promise<void> {
    machine.stage = 'rebooting'
    machine.changed()
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

  return {
    refuse: (name) => runner.refuse(name),
    get life() {
      return runner.life
    },
    async powerOn() {
      if (machine.power === 'on') return
      machine.power = 'on'
      machine.changed()
      await boot()
    },
    cutPower() {
      if (machine.power === 'on') powerOff(() => apid.vanish({ listen: false }))
    },
    reboot({ mode, actor, takeover = false }) {
      const body = async (signal: AbortSignal) => {
        machine.stage = 'rebooting'
        machine.changed()
        const byKexec = canKexec(mode)
        const kind = mode === 'force' ? 'force-reboot' : 'reboot'
        await takeDown({ kind, actor, leave: leaveForReboot, byKexec }, signal)
        goDownToBoot()
      }
      const interrupts = (other: SequenceName) => takeover || other === 'boot' || other === 'reboot'
      runner.run({ name: 'reboot', actor, interrupts, body, failed: revert })
    },
    shutdown({ force, actor }) {
      if (faults.shutdownHangs) hung = true
      faults.shutdownHangs = false
      const leave = () => apid.close()
      const body = async (signal: AbortSignal) => {
        machine.stage = 'shutting down'
        machine.changed()
        await takeDown({ kind: force ? 'force-shutdown' : 'shutdown', actor, leave }, signal)
        powerOff(leave)
      }
      // What failed was the drain: the node powers off at once, without stopping its pods.
      const failed = async (signal: AbortSignal) => {
        await pause(10, undefined, { signal })
        powerOff(leave)
      }
      runner.run({ name: 'shutdown', actor, interrupts: () => true, body, failed })
    },
    stageUpgrade({ actor, ref }) {
      const body = async (signal: AbortSignal) => {
        machine.stage = 'upgrading'
        machine.staged = ref
        machine.changed()
        await takeDown({ kind: 'reboot', actor, leave: leaveForReboot }, signal)
        goDownToBoot()
      }
      runner.run({ name: 'stageUpgrade', actor, interrupts: () => false, body, failed: revert })
    },
    upgrade({ actor, mode, install }) {
      const body = async (signal: AbortSignal) => {
        machine.stage = 'upgrading'
        machine.changed()
        const upgrade = async () => machine.install(await install(signal))
        const reloadMeta = async () => void (machine.shownFallback = machine.fallback)
        const byKexec = canKexec(mode)
        const actions = { upgrade, reloadMeta }
        await takeDown({ kind: 'upgrade', actor, leave: leaveForReboot, byKexec, actions }, signal)
        goDownToBoot()
      }
      runner.run({ name: 'upgrade', actor, interrupts: (other) => other === 'boot', body, failed: revert })
    },
    dispose() {
      runner.endLife()
      machine.release()
    },
  }
}

async function forever(signal: AbortSignal): Promise<void> {
  await new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
  })
}
