import { setTimeout as pause } from 'node:timers/promises'
import type { Apid } from './apid.ts'
import type { Machine } from './machine.ts'
import { phasesOf, type SequenceKind } from './phases.ts'
import type { Actions, Runner } from './runner.ts'

/** How a machine goes down. */
export interface WayDown {
  readonly kind: SequenceKind
  readonly actor: string
  /** How apid stops answering. */
  readonly leave: () => void
  readonly byKexec?: boolean
  /** Besides those of every sequence. */
  readonly actions?: Actions
}

/** How a machine's life ends. */
export interface Ending {
  /** The phases of a sequence on the way down; the last that a client sees is that stopAllServices starts. */
  takeDown(way: WayDown, signal: AbortSignal): Promise<void>
  /** apid stops answering, in a way that the clients hear of, or not. */
  fallSilent(leave: () => void): void
  /** How apid leaves before a reboot. */
  leaveForReboot(): void
  /** Without power, from now on. */
  powerOff(leave: () => void): void
  /** The kernel goes away, and everything that ran with it. */
  die(): void
  /** A file system does not unmount for the rest of this life: nor does it at the second try. */
  hang(): void
}

export function createEnding(machine: Machine, apid: Apid, runner: Runner): Ending {
  const { pace, faults } = machine
  let hung = false

  const stopping: Actions = {
    stopAllPods: async () => machine.setService('kubelet', 'Stopping'),
    stopServicesForUpgrade: async () => stopServices(machine),
    cordonAndDrainNode: (signal) => cordonAndDrain(machine, signal),
    unmountEphemeralPartition: (signal) => (hung ? forever(signal) : Promise.resolve()),
  }

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

  function die(): void {
    runner.endLife()
    hung = false
    machine.stopService('etcd')
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

  return { takeDown, fallSilent, leaveForReboot, powerOff, die, hang: () => void (hung = true) }
}

function stopServices(machine: Machine): void {
  for (const id of ['kubelet', 'etcd', 'trustd', 'cri']) machine.stopService(id)
}

async function cordonAndDrain({ pace, options }: Machine, signal: AbortSignal): Promise<void> {
  const limit = new AbortController()
  const late = pause(pace.cordon, undefined, { signal: AbortSignal.any([signal, limit.signal]) }).then(() => {
    throw new Error('failed to cordon node: context deadline exceeded')
  })
  try {
    await Promise.race([late, options.cordonAndDrain?.(options.name)])
  } finally {
    limit.abort()
    late.catch(() => {})
  }
}

/** Waits for the end of this life. */
export async function forever(signal: AbortSignal): Promise<void> {
  await new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
  })
}
