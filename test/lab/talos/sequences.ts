import { setTimeout as pause } from 'node:timers/promises'
import type { Apid } from './apid.ts'
import { createBooting, showStage, type SequenceParts } from './booting.ts'
import { createEnding } from './ending.ts'
import type { Machine } from './machine.ts'
import { createRunner, type SequenceName } from './runner.ts'
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

export function createSequences(machine: Machine, apid: Apid, parts: SequenceParts): Sequences {
  const { faults } = machine
  const runner = createRunner(machine.log)
  const ending = createEnding(machine, apid, runner)
  const booting = createBooting({ machine, apid, runner, ending, ...parts })

  return {
    refuse: (name) => runner.refuse(name),
    get life() {
      return runner.life
    },
    async powerOn() {
      if (machine.power === 'on') return
      machine.power = 'on'
      machine.changed()
      await booting.boot()
    },
    cutPower() {
      if (machine.power === 'on') ending.powerOff(() => apid.vanish({ listen: false }))
    },
    reboot({ mode, actor, takeover = false }) {
      const body = async (signal: AbortSignal) => {
        showStage(machine, 'rebooting')
        const byKexec = canKexec(machine, mode)
        const kind = mode === 'force' ? 'force-reboot' : 'reboot'
        await ending.takeDown({ kind, actor, leave: ending.leaveForReboot, byKexec }, signal)
        booting.goDownToBoot()
      }
      const interrupts = (other: SequenceName) => takeover || other === 'boot' || other === 'reboot'
      runner.run({ name: 'reboot', actor, interrupts, body, failed: booting.revert })
    },
    shutdown({ force, actor }) {
      if (faults.shutdownHangs) ending.hang()
      faults.shutdownHangs = false
      const leave = () => apid.close()
      const body = async (signal: AbortSignal) => {
        showStage(machine, 'shutting down')
        await ending.takeDown({ kind: force ? 'force-shutdown' : 'shutdown', actor, leave }, signal)
        ending.powerOff(leave)
      }
      // What failed was the drain: the node powers off at once, without stopping its pods.
      const failed = async (signal: AbortSignal) => {
        await pause(10, undefined, { signal })
        ending.powerOff(leave)
      }
      runner.run({ name: 'shutdown', actor, interrupts: () => true, body, failed })
    },
    stageUpgrade({ actor, ref }) {
      const body = async (signal: AbortSignal) => {
        machine.staged = ref
        showStage(machine, 'upgrading')
        await ending.takeDown({ kind: 'reboot', actor, leave: ending.leaveForReboot }, signal)
        booting.goDownToBoot()
      }
      runner.run({ name: 'stageUpgrade', actor, interrupts: () => false, body, failed: booting.revert })
    },
    upgrade({ actor, mode, install }) {
      const body = async (signal: AbortSignal) => {
        showStage(machine, 'upgrading')
        const upgrade = async () => machine.install(await install(signal))
        const reloadMeta = async () => void (machine.shownFallback = machine.fallback)
        const byKexec = canKexec(machine, mode)
        const actions = { upgrade, reloadMeta }
        await ending.takeDown({ kind: 'upgrade', actor, leave: ending.leaveForReboot, byKexec, actions }, signal)
        booting.goDownToBoot()
      }
      runner.run({ name: 'upgrade', actor, interrupts: (other) => other === 'boot', body, failed: booting.revert })
    },
    dispose() {
      runner.endLife()
      machine.release()
    },
  }
}

/** Secure Boot lets only the firmware start a kernel. */
function canKexec({ options }: Machine, mode: RebootKind): boolean {
  return mode === 'kexec' && !options.secureBoot && !options.served
}
