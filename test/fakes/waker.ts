import type { Waker } from '../../src/core/power/ports.ts'

/** What the fake waker needs of its world. */
export interface WakerWorld {
  /** Machines that magic packets do not wake. */
  readonly deaf: ReadonlySet<string>
  note(entry: string): Promise<void>
  /** Does nothing to a machine that is on. */
  switchOn(name: string): void
}

/** Nobody answers a magic packet; a power-on by its own way reaches the deaf, too. */
export function fakeWaker({ deaf, note, switchOn }: WakerWorld): Waker {
  return {
    wake: async (name) => {
      await note(`wake ${name}`)
      if (!deaf.has(name)) switchOn(name)
    },
    rehearse: async () => 'eth0 (192.168.0.10)',
    turnIn: async () => 0,
    powerOn: async (name) => {
      await note(`power-on ${name}`)
      switchOn(name)
    },
  }
}
