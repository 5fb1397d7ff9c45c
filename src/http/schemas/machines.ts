import { z } from '@hono/zod-openapi'
import type { ConfigDelivery, MachineOrder } from '../../core/provision/machine.ts'
import type { InventoryNode } from '../../core/provision/inventory.ts'
import type { ConsoleAnswer, MachineAnswer, MachineDetails, MaintenanceAnswer } from '../../core/provision/requests.ts'
import { count, schemaOf, text, texts, time } from './answer.ts'

/** Machines on their way into the cluster. */

const role = z.enum(['controlplane', 'worker'])
const way = z.enum(['plain', 'device-flow', 'maintenance'])

const machine = {
  id: text.meta({ description: 'What it is known by: its UUID, else its MAC address' }),
  name: text.optional(),
  state: z
    .enum(['seen', 'pending', 'approved', 'delivering', 'delivered', 'verified', 'locked', 'rejected'])
    .meta({ description: 'How far it came; `seen`: it was seen booting, and has not asked yet' }),
  since: time,
  role: role.optional(),
  mac: text.optional(),
  maker: text.optional(),
  serial: text.optional(),
  uuid: text.optional(),
  address: text.optional(),
  way: way.optional().meta({ description: 'How it asks for its configuration' }),
  code: text.optional().meta({ description: 'What its console shows' }),
  lastAt: time,
  asksBy: time.optional().meta({ description: 'Until when it asks again at the latest, if it is left alone' }),
  said: text.meta({ description: 'Where it stands, as a sentence' }),
  next: text.optional().meta({ description: 'What to do next' }),
}

export const machines = z.array(schemaOf<MachineAnswer>()('Machine', z.object(machine)))

const order = schemaOf<MachineOrder>()(
  'MachineOrder',
  z.object({ name: text, role, labels: z.record(z.string(), text), patches: texts }),
)

const delivery = schemaOf<ConfigDelivery>()(
  'ConfigDelivery',
  z.object({ at: time, address: text, way, sha256: text, isWhole: z.boolean(), addresses: texts.optional() }),
)

const maintenance = schemaOf<MaintenanceAnswer>()(
  'MachineInMaintenance',
  z.object({
    at: time,
    fingerprint: text.meta({ description: 'Of its key, as its console shows it' }),
    version: text.optional(),
    product: text.optional(),
    disks: z.array(z.object({ path: text, size: text, model: text.optional() })),
    risk: text.meta({ description: 'What others may do to it while it waits' }),
  }),
)

export const machineConsole = schemaOf<ConsoleAnswer>()(
  'MachineConsole',
  z.object({ address: text.optional(), lines: texts.meta({ description: 'The oldest first' }) }),
)

export const inventory = z.array(
  schemaOf<InventoryNode>()(
    'InventoryNode',
    z.object({ name: text, role, address: text, macs: texts, uuid: text.optional(), since: time }),
  ),
)

export const machineDetails = schemaOf<MachineDetails>()(
  'MachineDetails',
  z.object({
    ...machine,
    claimants: z
      .array(
        z.object({
          address: text,
          code: text,
          asked: count.meta({ description: 'How often it has asked' }),
          firstAt: time,
          lastAt: time,
          mac: text.optional(),
          serial: text.optional(),
          hostname: text.optional(),
        }),
      )
      .meta({ description: 'Everyone who asks under its id' }),
    evidence: z.array(
      z.object({
        kind: z
          .enum(['for', 'missing', 'odd'])
          .meta({ description: 'Whether it speaks for the machine, would and is not there, or is odd' }),
        text,
      }),
    ),
    approval: z.object({ at: time, until: time, by: text }).optional(),
    delivery: delivery.optional(),
    order: order.optional(),
    patchFiles: texts.meta({ description: 'Files of patches that may be chosen' }),
    maintenance: maintenance.optional().meta({ description: 'What it tells of itself where it waits in maintenance' }),
  }),
)
