import { afterEach, expect, test } from 'vitest'
import { deliveryArguments } from '../../../src/core/provision/kernel-arguments.ts'
import type { Way } from '../../../src/core/provision/question.ts'
import { createAuthorityText, openAuthority } from '../../../src/adapters/authority/authority.ts'
import { earlyValue, trustDocument } from '../../../src/main/early-config.ts'
import { createAuthority } from '../../lab/authority.ts'
import { createLabMachine, type LabMachine } from '../../lab/machine/machine.ts'
import { port, serveMachines, type TestDoor, type TestDoorOptions } from './door.ts'

/** Machines that look for their configuration as Talos does, told by the arguments that a schematic gets. */
const address = '127.0.171.1'
const machineAddress = '127.0.171.20'
const uuid = '4c4c4544-0051-4a10-8053-b3c04f4e3432'
const incomplete = 'apiVersion: v1alpha1\nkind: HostnameConfig\nhostname: pending-1\nauto: off\n'
const talos = await createAuthority('talos')
let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

interface Booting extends TestDoorOptions {
  readonly way: Way
  /** Of `talos.config.early`. */
  readonly early?: string
}

async function boot({ way, early, ...options }: Booting): Promise<{ door: TestDoor; machine: LabMachine }> {
  const door = stack.use(await serveMachines(address, options))
  const scheme = options.material ? 'https' : 'http'
  const machine = stack.use(
    createLabMachine({
      address: machineAddress,
      version: 'v1.14.1',
      schematic: 'f'.repeat(64),
      uuid,
      serial: 'SN 42/x&y',
      mac: '52:54:00:00:00:01',
      speed: 500,
      random: () => 0,
      authority: talos,
      resolveImage: () => undefined,
      join: () => {
        throw new Error('nobody joins here')
      },
      kernel: deliveryArguments({
        url: `${scheme}://${address}:${port}`,
        way,
        variables: ['uuid', 'mac', 'serial'],
        early,
      }),
    }),
  )
  machine.powerOn()
  return { door, machine }
}

const isIn = (machine: LabMachine, state: LabMachine['state']) =>
  new Promise<void>((resolve) => {
    const look = () => machine.state === state && resolve()
    machine.onChange(look)
    look()
  })
const shows = (machine: LabMachine, text: string) =>
  expect.poll(() => machine.console.some((line) => line.includes(text))).toBe(true)

test('plain: its console shows the code, and it takes what is approved', async () => {
  const { door, machine } = await boot({ way: 'plain' })
  await shows(machine, 'pending: BBBB-BBBB')
  await expect.poll(() => door.held()).toBe(1)
  door.desk.approve('BBBB-BBBB', incomplete)
  await isIn(machine, 'maintenance')
  await expect.poll(() => door.desk.diary).toEqual([`taken ${uuid}`, `sent ${uuid}`])
  expect(door.desk.asked[0]!.claim).toEqual({
    uuid,
    mac: '52:54:00:00:00:01',
    serial: 'SN 42/x&y',
    hostname: undefined,
  })
})

test('device flow, by our own authority: its console shows where to go and the code, and it takes what is approved', async () => {
  const authority = openAuthority(createAuthorityText(address), address)
  const early = earlyValue(trustDocument(authority.certificate))
  const { door, machine } = await boot({ way: 'device-flow', early, material: authority.issue(new Date()) })
  await shows(machine, 'enter the code BBBB-BBBB')
  door.desk.approve('BBBB-BBBB', incomplete)
  await isIn(machine, 'maintenance')
  await expect.poll(() => door.desk.diary).toEqual([`taken ${uuid}`, `sent ${uuid}`])
  expect(door.desk.asked.every(({ way }) => way === 'device-flow')).toBe(true)
})

test('a machine that does not trust our authority asks nothing, and says why', async () => {
  const authority = openAuthority(createAuthorityText(address), address)
  const { door, machine } = await boot({ way: 'plain', material: authority.issue(new Date()) })
  await shows(machine, 'certificate signed by unknown authority')
  expect(door.desk.asked).toEqual([])
})

test('maintenance: a machine is let in there without a secret', async () => {
  const { door, machine } = await boot({ way: 'maintenance', introduce: () => incomplete })
  await shows(machine, 'pending: BBBB-BBBB')
  door.desk.introduce(uuid)
  await isIn(machine, 'maintenance')
  expect(door.desk.diary).toEqual([])
})
