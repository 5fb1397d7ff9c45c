import { type MachineConfig, ofKind } from '../../../src/core/machine-config/document.ts'
import type { Machine } from '../talos/machine.ts'
import type { MachineConsole } from './console.ts'
import { judge } from './judge.ts'
import { type MaintenanceApi, openMaintenance } from './maintenance.ts'
import type { Pace } from './pace.ts'
import type { Found } from './search.ts'
import { sendElsewhere } from './sinks.ts'

export interface Waiting {
  readonly machine: Machine
  readonly address: string
  readonly port: number
  readonly console: MachineConsole
  readonly pace: Pace
  readonly resolve: (host: string) => string | undefined
  wipe(device: string): void
  /** Its API is open, or with undefined closed again. */
  opened(api: MaintenanceApi | undefined): void
}

/** In seconds of the machine's own, until its time is set, which makes its key another one. */
const timeSync = 1

/** A machine waits in maintenance until somebody gives it a whole configuration. */
export async function waitInMaintenance(parts: Waiting, found: Found | undefined, signal: AbortSignal): Promise<Found> {
  const { machine: own, console, pace } = parts
  const given = Promise.withResolvers<Found>()
  given.promise.catch(() => {})
  signal.addEventListener('abort', () => given.reject(signal.reason), { once: true })
  const gone = new AbortController()
  const alive = AbortSignal.any([signal, gone.signal])
  const version = own.running.version
  own.stage = 'maintenance'
  const incomplete = heedIncomplete(parts, alive, () => api)
  const api = await openMaintenance({
    ...parts,
    signal: alive,
    apply(text, { isDry, isStaged }) {
      const judged = judge(text, version)
      if (judged.kind === 'none') throw new Error('config not found')
      if (judged.kind === 'bad') throw new Error(judged.why)
      if (isDry || isStaged) return
      if (judged.kind === 'complete') given.resolve({ config: judged.config, text, isComplete: true })
      else void incomplete(judged.config)
    },
    onKey: (fingerprint) => console.print(`[talos] server certificate fingerprint: ${fingerprint}`),
  })
  try {
    console.print('[talos] this machine is reachable at:')
    console.print(`[talos] \t${parts.address}`)
    own.changed()
    if (found) await incomplete(found.config)
    parts.opened(api)
    void pace.seconds(timeSync, alive).then(
      () => api.renew(own.options.name),
      () => {},
    )
    const complete = await given.promise
    // Its answer leaves first.
    await pace.seconds(1, signal)
    return complete
  } finally {
    gone.abort()
    parts.opened(undefined)
    await api[Symbol.asyncDispose]()
  }
}

/** What a configuration without `machine` and `cluster` changes: where it sends its log and its events, and its name. */
function heedIncomplete(
  { machine, console, address, resolve }: Waiting,
  alive: AbortSignal,
  api: () => MaintenanceApi,
): (config: MachineConfig) => Promise<void> {
  let sending = new AbortController()
  return async (config) => {
    sending.abort()
    sending = new AbortController()
    const signal = AbortSignal.any([alive, sending.signal])
    sendElsewhere(config, { console, machine, from: address, resolve, signal })
    const name = ofKind(config, 'HostnameConfig')?.['hostname']
    if (typeof name !== 'string') return
    ;(machine.options as { name: string }).name = name
    await api().renew(name)
  }
}
