import { join } from 'node:path'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { createEventSinks } from '../../../src/adapters/talos/event-sink.ts'
import { createMaintenanceApi } from '../../../src/adapters/talos/maintenance.ts'
import { createTalos } from '../../../src/adapters/talos/talos.ts'
import { parseTalosconfig } from '../../../src/adapters/talos/talosconfig.ts'
import { createInventory } from '../../../src/operations/provision/inventory.ts'
import { createWaitingRoom } from '../../../src/operations/provision/waiting-room.ts'
import type { ServiceContext } from '../../../src/operations/service.ts'
import { startMaintenance } from '../../../src/services/machine-config/maintenance/start.ts'
import { type MachineConfigSection, section as schema } from '../../../src/services/machine-config/section.ts'
import { startMachineConfig } from '../../../src/services/machine-config/work.ts'
import { silentLog } from '../../fakes/log.ts'
import { type Homelab, homelabSchematic, startHomelab } from '../../lab/homelab.ts'
import { configFor } from '../../lab/machine/configs.ts'
import { createLabMachine } from '../../lab/machine/machine.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { openDesk } from '../../operations/provision/at-desk.ts'

const net = 174
const uuid = '4c4c4544-0051-4a10-8053-b3c04f4e3499'
const mac = '52:54:00:00:00:99'
const stack = new AsyncDisposableStack()
let lab: Homelab
let talosconfig = ''
beforeAll(async () => {
  lab = stack.use(await startHomelab({ net, controlPlanes: 1, workers: 0 }))
  await fetch(`${lab.factory.url}/schematics`, { method: 'POST', body: stringify(homelabSchematic) })
  await lab.secrets()
  const folder = stack.use(await temporaryFolder())
  await lab.writeConfig(folder.path)
  talosconfig = await readFile(join(folder.path, 'talosconfig'), 'utf8')
})
afterAll(() => stack.disposeAsync())

/** The service with its real wires, at a desk where the test decides. */
async function serve() {
  const at = openDesk()
  at.world.way = 'maintenance'
  const rendered = await configFor(lab, { name: 'worker-9' })
  at.renderer.render = async () => ({
    text: rendered,
    masked: '',
    diff: '',
    contract: '1.13',
    installs: { version: 'v1.13.9', schematic: lab.admission.schematic },
    patches: [],
    warnings: [],
    addresses: [],
    hide: (words) => words,
  })
  const room = createWaitingRoom(at.now)
  const written = [{ name: 'worker-9', address: `127.0.${net}.99`, mac: '52:54:00:00:00:98' }]
  const inventory = createInventory({ journal: at.journal, alerts: at.alerts, written: () => written, now: at.now })
  const members = createTalos({ nodes: [], credentials: parseTalosconfig(talosconfig, 'talosconfig') })
  const section: MachineConfigSection = schema.parse({ listen: [`127.0.${net}.90`], way: 'maintenance' })!
  const context = {
    section,
    config: () => ({ cluster: { name: 'lab' } }),
    ports: {
      journal: at.journal,
      provision: { maintenance: createMaintenanceApi(), events: createEventSinks(), members },
    },
    provision: at.desk,
    alerts: at.alerts,
    log: silentLog,
    key: async () => new Uint8Array(32),
    notice: { boot: () => {}, machines: { ...room, joined: inventory.joined } },
    publicUrl: () => undefined,
    now: at.now,
    monotonic: () => performance.now(),
    restart: () => {},
  } as unknown as ServiceContext<MachineConfigSection | undefined>
  const waiting = stack.use(await startMaintenance(context, section, { looksEvery: 50 }))
  stack.use(await startMachineConfig(context, { introduce: waiting.introduce }))
  return { at, room, inventory }
}

test('a machine waits in maintenance with its console here, joins once it is approved, and takes the name of another', async () => {
  const { at, room, inventory } = await serve()
  const address = `127.0.${net}.99`
  const machine = stack.use(
    createLabMachine({
      ...lab.admission,
      address,
      uuid,
      serial: 'SN99',
      mac,
      speed: 200,
      kernel: [`talos.config=http://127.0.${net}.90:8424/config?uuid=\${uuid}&mac=\${mac}`],
    }),
  )
  machine.powerOn()
  await expect.poll(() => room.of(uuid)?.fingerprint).toBeDefined()
  await expect.poll(() => room.of(uuid)?.fingerprint).toBe(machine.fingerprint)
  expect(room.of(uuid)).toMatchObject({ version: 'v1.13.9', serial: 'SN99', macs: [mac] })
  await expect.poll(() => room.console(address).some((line) => line.includes('fingerprint'))).toBe(true)
  expect(machine.config).toBeUndefined()

  const order = { name: 'worker-9', role: 'worker', labels: {}, patches: [] } as const
  const { code } = at.desk.get(uuid)!.claimants[0]!
  at.passes(1_000)
  at.desk.approve({ id: uuid, code, order, by: 'admin' })
  await expect.poll(() => at.desk.get(uuid)?.state).toBe('locked')
  expect(lab.node('worker-9')).toMatchObject({ uuid, role: 'worker' })
  await expect.poll(() => inventory.nodes()).toMatchObject([{ name: 'worker-9', role: 'worker', address, uuid }])
  expect(at.alerts.all.find(({ id }) => id === 'node.replaced:worker-9')?.text).toMatch(/and was 52:54:00:00:00:98/)
  const secret = (JSON.parse(await lab.secrets()) as { trustdinfo: { token: string } }).trustdinfo.token
  expect(JSON.stringify([at.texts(), at.desk.machines(), room.console(address)])).not.toContain(secret)
})
