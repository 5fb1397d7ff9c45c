import { ConfigLoadErrorEventSchema } from '../../../src/adapters/talos/gen/machine_pb.ts'
import { messageOf } from '../../../src/core/errors.ts'
import { noFaults } from '../talos/faults.ts'
import { createMachine, type Machine } from '../talos/machine.ts'
import type { TalosNode, TalosNodeOptions } from '../talos/types.ts'
import type { MachineConsole } from './console.ts'
import { type Installation, installationOf } from './installation.ts'
import { serveInstalling } from './installing.ts'
import { judge } from './judge.ts'
import type { Pace } from './pace.ts'
import { type Found, searchForConfig } from './search.ts'
import type { LabMachineOptions, MachineState } from './types.ts'
import { type Waiting, waitInMaintenance } from './waiting.ts'

/** In seconds of the machine's own. */
const takes = { firmware: 5, install: 30, boot: 20, failedBoot: 10 }

/** What one life of a machine hands on to the next. */
export interface Shared {
  readonly options: LabMachineOptions
  readonly console: MachineConsole
  readonly pace: Pace
  /** What lies on its disk: META survives a reset, the rest does not. */
  readonly disk: { meta: boolean; text: string | undefined }
  node: TalosNode | undefined
  readonly waiting: Omit<Waiting, 'machine'>
  become(state: MachineState): void
}

/** A life, from the firmware on; it begins anew where it reboots. */
export async function live(shared: Shared, signal: AbortSignal): Promise<void> {
  const { options, console, pace, disk, become } = shared
  while (!signal.aborted) {
    console.clear()
    console.print(`[talos] Talos ${options.version} starting`)
    await pace.seconds(takes.firmware, signal)
    if (disk.text !== undefined) return comeUp(shared, disk.text, signal)
    become('searching')
    if (await findAndInstall(shared, signal)) return
  }
}

/** True where it has come up; false where it reboots, and has to look for its configuration again. */
async function findAndInstall(shared: Shared, signal: AbortSignal): Promise<boolean> {
  const { options, console, pace } = shared
  const machine = freshMachine(options)
  const { log } = machine
  const { kernel = [], version } = options
  const found = await searchForConfig({
    kernel,
    version,
    variables: {
      uuid: options.uuid,
      serial: options.serial,
      mac: options.mac,
      ...(options.hostname === undefined ? {} : { hostname: options.hostname }),
      ...(options.code === undefined ? {} : { code: options.code }),
    },
    address: options.address,
    resolve: shared.waiting.resolve,
    console,
    pace,
    signal,
    failed: (error) => log.publish(ConfigLoadErrorEventSchema, { error }),
  })
  const complete =
    found?.isComplete === true ? found : await waitInMaintenance({ ...shared.waiting, machine }, found, signal)
  const source = found?.isComplete === true ? 'metal' : 'maintenance'
  console.print(
    `[talos] machine config loaded successfully {"component": "controller-runtime", "sources": ["${source}"]}`,
  )
  return install(shared, complete, signal)
}

async function install(shared: Shared, found: Found, signal: AbortSignal): Promise<boolean> {
  const { options, console, pace, disk, become } = shared
  become('installing')
  const wanted = installationOf(found.config, options)
  await using served = await serveInstalling(wanted, options)
  if (!disk.meta) {
    const refusal = await tryInstall(shared, wanted, signal)
    if (refusal !== undefined) {
      console.print(`[talos] install sequence: failed: ${refusal}`)
      console.print('[talos] rebooting in 10 seconds')
      await pace.seconds(takes.failedBoot, signal)
      return false
    }
    console.print(`[talos] installation of ${wanted.version} complete`)
  }
  disk.meta = true
  disk.text = found.text
  await served?.[Symbol.asyncDispose]()
  await comeUp(shared, found.text, signal)
  return true
}

/** Why it can't be installed, in Talos' words. */
async function tryInstall(
  { options, console, pace }: Shared,
  wanted: Installation,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (wanted.disk !== undefined && !(options.disks ?? ['/dev/sda']).includes(wanted.disk))
    return `lstat ${wanted.disk}: no such file or directory`
  if (!options.resolveImage(wanted.image)) {
    console.print(`[talos] failed to pull image "${wanted.image}": not found`)
    for (const gap of [0, 5, 15, 35, 75, 155, 315, 1_200]) await pace.seconds(gap, signal)
    return `failed to pull image "${wanted.image}": not found`
  }
  await pace.seconds(takes.install, signal)
  return undefined
}

async function comeUp(shared: Shared, text: string, signal: AbortSignal): Promise<void> {
  const { options, console, pace, become } = shared
  const judged = judge(text, options.version)
  if (judged.kind !== 'complete') throw new Error('the configuration on its disk is no longer one')
  const wanted = installationOf(judged.config, options)
  if (shared.node === undefined) {
    await pace.seconds(takes.boot, signal)
    try {
      shared.node = options.join(wanted)
    } catch (error) {
      console.print(`[talos] ${messageOf(error)}`)
      return become('stranger')
    }
  }
  await shared.node.start()
  if (signal.aborted) return shared.node.cutPower()
  become('installed')
}

/** What its API shows before it has a configuration: it knows its hardware, and no more. */
function freshMachine(options: LabMachineOptions): Machine {
  const { address, mac, uuid, serial, version, schematic, authority, kernel = [], hostname } = options
  const own: TalosNodeOptions = {
    name: hostname ?? `talos-${uuid.slice(0, 3)}-${uuid.slice(-3)}`,
    role: 'worker',
    address,
    mac,
    uuid,
    serial,
    version,
    schematic,
    authority,
    resolveImage: options.resolveImage,
    kernelArgumentsOf: () => kernel,
  }
  const machine = createMachine(own, noFaults())
  machine.power = 'on'
  machine.bootedAt = Date.now()
  machine.resetServices()
  machine.startService('machined')
  return machine
}
