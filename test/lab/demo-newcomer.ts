import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StatusAnswer } from '../../src/core/operator.ts'
import type { InventoryNode } from '../../src/core/provision/inventory.ts'
import { deliveryArguments } from '../../src/core/provision/kernel-arguments.ts'
import type { MachineDetails } from '../../src/core/provision/requests.ts'
import type { LabDaemon } from './daemon.ts'
import type { Homelab } from './homelab.ts'
import { createLabMachine, type LabMachine } from './machine/machine.ts'

const address = '127.0.60.43'

/** Writes what it is to become, and the secrets of the cluster as a person has them. */
export async function prepareNewcomer(lab: Homelab, directory: string): Promise<void> {
  await mkdir(join(directory, 'machines'))
  await writeFile(join(directory, 'machines', 'machines.yaml'), 'install: { disk: /dev/disk/by-id/ata-LAB_SSD }\n')
  await writeFile(join(directory, 'secrets.yaml'), await lab.secrets(), { mode: 0o600 })
}

/** As the daemon knows it. */
export function newcomerIn({ control }: LabDaemon): Promise<MachineDetails> {
  return control.get<MachineDetails>(`/machines/${address}`)
}

/** The machine of the demo that joins: without power, with an image of this release, and an empty disk. */
export function createNewcomer(lab: Homelab, version: string): LabMachine {
  return createLabMachine({
    ...lab.admission,
    version,
    address,
    uuid: '4c4c4544-0051-4a10-8053-b3c04f4e3543',
    serial: 'SN-43',
    mac: '02:00:00:00:3c:2b',
    speed: 40,
    kernel: deliveryArguments({
      url: 'http://127.0.60.90:8424',
      way: 'device-flow',
      variables: ['uuid', 'mac', 'serial'],
      early: undefined,
    }),
  })
}

/** The code of the device flow; undefined where it shows none yet. */
export function codeOnScreen({ console }: LabMachine): string | undefined {
  return /enter the code (\S+)/.exec(console.join('\n'))?.[1]
}

export interface SeenNewcomer extends Pick<MachineDetails, 'delivery'> {
  readonly inventory: readonly InventoryNode[]
  /** As `status` has it. */
  readonly seen: StatusAnswer['cluster']['nodes'][number] | undefined
  readonly version: string
}

/** Whether the machine has what it was sent, and is a node in the lab, in the inventory and in the status. */
export function isNodeOf(
  lab: Homelab,
  { state, config, node }: LabMachine,
  { delivery, inventory, seen, version }: SeenNewcomer,
): boolean {
  return (
    state === 'installed' &&
    delivery?.sha256 ===
      createHash('sha256')
        .update(config ?? '')
        .digest('hex') &&
    inventory.some(({ name, uuid }) => name === 'w-3' && uuid === node?.uuid) &&
    lab.node('w-3')?.version === version &&
    seen?.talos.ok === true
  )
}
