import { createConsole } from './console.ts'
import { live, type Shared } from './life.ts'
import type { MaintenanceApi } from './maintenance.ts'
import { createPace } from './pace.ts'
import type { LabMachine, LabMachineOptions, MachineState } from './types.ts'

export type { LabMachine, LabMachineOptions, MachineState } from './types.ts'

/**
 * A machine without power and with an empty disk. It boots our image, looks for its configuration as a Talos node does,
 * waits in maintenance, installs, and comes up as an ordinary node of the lab (siderolabs/talos
 * controllers/config/acquire.go, runtime/v1alpha1).
 */
export function createLabMachine(options: LabMachineOptions): LabMachine {
  const { address, port = 50_000, resolve = () => undefined } = options
  const console = createConsole()
  const pace = createPace(options.speed ?? 1, options.random)
  const listeners = new Set<() => void>()
  const wiped: string[] = []
  let state: MachineState = 'off'
  let life = new AbortController()
  let over: Promise<void> = Promise.resolve()
  let api: MaintenanceApi | undefined

  function become(next: MachineState): void {
    state = next
    for (const listener of listeners) listener()
  }

  const shared: Shared = {
    options,
    console,
    pace,
    disk: { meta: false, text: undefined },
    node: undefined,
    waiting: {
      address,
      port,
      console,
      pace,
      resolve,
      wipe: (device) => void wiped.push(device),
      opened(opened) {
        api = opened
        if (opened) become('maintenance')
      },
    },
    become,
  }

  function end(): Promise<void> {
    life.abort()
    return over.catch(() => {})
  }

  function begin(): void {
    life = new AbortController()
    const { signal } = life
    over = live(shared, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }

  return {
    get state() {
      return state
    },
    get node() {
      return shared.node
    },
    get fingerprint() {
      return api?.fingerprint
    },
    get config() {
      return shared.disk.text
    },
    address,
    console: console.lines,
    wiped,
    onLine: console.onLine,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    powerOn() {
      if (state === 'off') begin()
    },
    async cutPower() {
      shared.node?.cutPower()
      await end()
      become('off')
    },
    async reset() {
      shared.node?.cutPower()
      await end()
      shared.disk.text = undefined
      shared.node = undefined
      options.leave?.()
      become('off')
      begin()
    },
    async [Symbol.asyncDispose]() {
      await end()
    },
  }
}
