import { afterEach, describe, expect, it, test } from 'vitest'
import { createEventSinks } from '../../../src/adapters/talos/event-sink.ts'
import { createMaintenanceApi } from '../../../src/adapters/talos/maintenance.ts'
import { createTalos } from '../../../src/adapters/talos/talos.ts'
import { introductionText } from '../../../src/core/provision/introduction.ts'
import { createAuthority } from '../../lab/authority.ts'
import { createLabMachine, type LabMachine, type LabMachineOptions } from '../../lab/machine/machine.ts'
import { ok, startRawServer } from '../../lab/machine/wire.ts'
import { createTalosNode } from '../../lab/talos/node.ts'
import { soon } from '../../patience.ts'

const authority = await createAuthority('talos')
const api = createMaintenanceApi()
let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

const uuid = '4c4c4544-0051-4a10-8053-b3c04f4e3432'
const mac = '52:54:00:00:00:01'

async function waiting(host: number, given: Partial<LabMachineOptions> = {}): Promise<LabMachine> {
  const machine = stack.use(
    createLabMachine({
      address: `127.0.174.${host}`,
      version: 'v1.14.1',
      schematic: 'f'.repeat(64),
      uuid,
      serial: 'SN1',
      mac,
      speed: 50,
      authority,
      resolveImage: () => undefined,
      join: () => {
        throw new Error('nobody joins here')
      },
      kernel: [],
      ...given,
    }),
  )
  const done = Promise.withResolvers<void>()
  machine.onChange(() => machine.state === 'maintenance' && done.resolve())
  machine.powerOn()
  await done.promise
  return machine
}

/** Its time is set, which gives it another key. */
async function settles(machine: LabMachine): Promise<string> {
  const isSet = () => machine.console.filter((line) => line.includes('fingerprint')).length >= 2
  if (!isSet())
    await new Promise<void>((resolve) => {
      machine.onLine(() => isSet() && resolve())
    })
  return (await api.look(machine.address, soon())).fingerprint
}

describe('the API of a machine in maintenance', () => {
  it.each(['v1.14.1', 'v1.12.0'])('tells of %s what it is, and by which key it answers', async (version) => {
    const machine = await waiting(1, { version })
    const look = await api.look(machine.address, soon())
    expect(look).toMatchObject({ version, uuid, serial: 'SN1', macs: [mac], stage: 'maintenance' })
    expect(look.disks).toEqual([{ path: '/dev/sda', size: '500 GB', model: 'LAB SSD' }])
    expect(machine.console.join('\n')).toContain(look.fingerprint)
  })

  it('gives its configuration to the machine that was meant, and asks for it only then', async () => {
    const machine = await waiting(3)
    const before = await api.look(machine.address, soon())
    const fingerprint = await settles(machine)
    expect(fingerprint).not.toBe(before.fingerprint)
    let taken = 0
    const take = async () => {
      taken++
      return introductionText({ code: 'BCDF-GHJK', hostname: 'box', log: undefined, events: undefined })
    }
    const meant = { fingerprint, uuid, mac }
    const others = [
      { ...meant, fingerprint: 'another' },
      { ...meant, uuid: '4c4c4544-0051-4a10-8053-b3c04f4e3433' },
      { ...meant, uuid: undefined, mac: '52:54:00:00:00:02' },
      { ...meant, uuid: undefined, mac: undefined },
    ]
    for (const other of others)
      await expect(api.apply(machine.address, other, take, soon())).rejects.toMatchObject({ code: 'rejected' })
    expect(taken).toBe(0)
    await api.apply(machine.address, meant, take, soon())
    expect(taken).toBe(1)
    // With its hostname it has another key.
    await expect.poll(() => machine.fingerprint).not.toBe(fingerprint)
    await expect(api.apply(machine.address, meant, take, soon())).rejects.toThrow(/another key/)
  })

  it('says in the words of the machine why it refuses a configuration', async () => {
    const machine = await waiting(5)
    const fingerprint = await settles(machine)
    const refused = api.apply(machine.address, { fingerprint, uuid, mac }, async () => '{}', soon())
    await expect(refused).rejects.toMatchObject({ code: 'rejected', message: expect.stringContaining('missing kind') })
  })

  it('gives nothing to a node of a cluster, and nothing where nobody answers', async () => {
    const node = stack.use(
      createTalosNode({
        name: 'w-1',
        role: 'worker',
        address: '127.0.174.7',
        version: 'v1.13.9',
        schematic: 'f'.repeat(64),
        authority,
        resolveImage: () => undefined,
      }),
    )
    await node.start()
    await expect(api.look(node.address, soon())).rejects.toMatchObject({ code: 'rejected' })
    await expect(api.look('127.0.174.8', soon())).rejects.toMatchObject({ code: 'unreachable' })
  })
})

test('a node that is found in maintenance is named so, and not as one of another cluster', async () => {
  const machine = await waiting(14)
  const { cert, key } = await authority.issueClient({ common: 'us', organizations: ['os:admin'] })
  const credentials = { ca: authority.ca, cert, key, roles: ['os:admin'], expires: new Date(Date.now() + 60_000) }
  const nodes = [{ name: 'w-1', role: 'worker', address: machine.address } as const]
  const talos = createTalos({ nodes, credentials })
  for (const call of [
    talos.observe('w-1', soon()),
    talos.version('w-1', soon()),
    Array.fromAsync(talos.follow('w-1', soon())),
  ])
    await expect(call).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(/^w-1 \(127\.0\.174\.14\) waits in maintenance, without a configuration/),
    })
})

describe('the events of a machine that has an event sink', () => {
  it('arrive as sentences, and those of others do not', async () => {
    const heard = Promise.withResolvers<string>()
    const all: string[] = []
    stack.use(
      await createEventSinks().listen({
        address: '127.0.174.10',
        port: 8_426,
        isWanted: () => true,
        heard: (address, sentence) => {
          all.push(sentence)
          if (/maintenance/i.test(sentence)) heard.resolve(`${address} ${sentence}`)
        },
      }),
    )
    const server = stack.use(await startRawServer('127.0.174.11'))
    server.answer(
      ok(introductionText({ code: 'BCDF-GHJK', hostname: undefined, log: undefined, events: '127.0.174.10:8426' })),
    )
    await waiting(12, { kernel: [`talos.config=${server.url}/c`] })
    // Its event sink is asked from whatever address the kernel chooses.
    expect(await heard.promise).toMatch(/^127\.0\.\d+\.\d+ .*maintenance/)
  })
})
