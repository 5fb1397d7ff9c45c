import { expect, test } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import type { Operator } from '../../../src/core/operator.ts'
import type { PageSpec } from '../../../src/operations/pages.ts'
import { address, asks, mac } from '../../fakes/machines.ts'
import { openRequests } from '../../operations/provision/at-requests.ts'
import { openDashboard } from '../dashboard/site.ts'

const spec: PageSpec = {
  path: '/machines',
  title: 'Machines',
  order: 15,
  load: () => import('../../../src/services/machine-config/pages/page.ts'),
}

/** The page over a desk, with a configuration that is rendered as the test says. */
async function openPage() {
  const it = openRequests()
  const world = { refused: undefined as string | undefined }
  const machineConfigs: Operator['machineConfigs'] = {
    render: async ({ name = '', role = 'worker', patches = [] }) => {
      if (world.refused !== undefined) throw new AgentError('misconfigured', world.refused)
      return {
        name,
        role,
        masked: ['token: (secret)'],
        diff: ['+  hostname: worker-2', '+  password: (secret)'],
        contract: '1.13',
        installs: { version: 'v1.13.9', schematic: 'f'.repeat(64) },
        patches: ['nut-client.yaml', ...patches],
        warnings: ['install.disk names /dev/sda, which may be another disk after the next boot'],
      }
    },
    importSecrets: async () => ({ said: 'no', changed: false }),
  }
  const dashboard = await openDashboard({ pages: [spec], operator: { machines: it.requests, machineConfigs } })
  return { ...it, world, ask: dashboard.ask, [Symbol.asyncDispose]: () => dashboard[Symbol.asyncDispose]() }
}

test('a machine that waits stands on the page with its code, and the code leads to everything about it', async () => {
  await using it = await openPage()
  it.desk.ask(asks())
  const code = it.code()
  const list = await it.ask('/machines')
  expect(list.text).toContain(`href="/machines?code=${code}"`)
  expect(list.text).toContain('1 machine waiting for you')
  const close = await it.ask(`/machines?code=${code}`)
  expect(close.text).toContain('it loaded metal-amd64-uki.efi from Caretaker')
  expect(close.text).toContain(`name="machine" value="${code}"`)
  // What it shows on its console comes by itself.
  expect(close.text).not.toContain('data-still')
})

test('a code that nobody shows leads to the list, with a word', async () => {
  await using it = await openPage()
  expect((await it.ask('/machines?code=BCDF-GHJK')).text).toContain('no machine BCDF-GHJK')
})

test('the confirmation shows code, address, evidence, warnings and the masked difference, and approving does it', async () => {
  await using it = await openPage()
  it.desk.ask(asks())
  const code = it.code()
  const form = { machine: code, role: 'worker', name: 'worker-2', labels: 'gpu=nvidia, shelf=top', patches: 'gpu.yaml' }
  const shown = await it.ask(`/machines/do/approve?${new URLSearchParams(form).toString()}`, { scope: 'admin' })
  for (const part of [
    `the console of the machine must show ${code}`,
    'the configuration of the worker worker-2, with secrets of the cluster',
    'Speaks for it: it loaded metal-amd64-uki.efi',
    'nut-client.yaml, gpu.yaml',
    '/dev/sda',
    '+  password: (secret)',
  ])
    expect(shown.text).toContain(part)
  const done = await it.ask('/machines/do/approve', { method: 'POST', scope: 'admin', form })
  expect(done.text).toContain('may have its configuration as worker worker-2')
  expect(it.desk.machines()[0]!.approval).toMatchObject({
    code,
    order: { name: 'worker-2', labels: { gpu: 'nvidia', shelf: 'top' }, patches: ['gpu.yaml'] },
  })
})

test('whoever may only operate does not approve, and is told why; rejecting is theirs', async () => {
  await using it = await openPage()
  it.desk.ask(asks())
  const code = it.code()
  expect((await it.ask(`/machines?code=${code}`)).text).toContain('needs a token of scope admin')
  const form = { machine: code, role: 'worker', name: 'worker-2' }
  expect((await it.ask('/machines/do/approve', { method: 'POST', form })).text).toContain('this needs admin')
  expect(it.desk.machines()[0]).toMatchObject({ state: 'pending' })
  const rejected = await it.ask('/machines/do/reject', { method: 'POST', form: { machine: code, reason: 'not ours' } })
  expect(rejected.text).toContain(`${mac} does not get its configuration: not ours`)
})

const refusals = [
  {
    name: 'what can not be rendered',
    form: { role: 'worker' },
    refused: 'there are no secrets of the cluster',
    says: 'no secrets of the cluster',
  },
  { name: 'what has not said its role', form: {}, refused: undefined, says: 'say what it is to be' },
  {
    name: 'a label that is none',
    form: { role: 'worker', labels: 'gpu' },
    refused: undefined,
    says: 'gpu is no label',
  },
]

test.for(refusals)('$name is not to be approved, and the confirmation says so', async ({ form, refused, says }) => {
  await using it = await openPage()
  it.world.refused = refused
  it.desk.ask(asks())
  const query = new URLSearchParams({ machine: it.code(), ...form })
  const { text } = await it.ask(`/machines/do/approve?${query.toString()}`, { scope: 'admin' })
  expect(text).toContain(says)
  expect(text).not.toContain('Approve it</button>')
})

test('a machine that waits in maintenance shows what that risks', async () => {
  await using it = await openPage()
  it.renderer.written = [{ name: 'worker-2', role: 'worker', way: 'maintenance' }]
  it.desk.ask(asks())
  expect((await it.ask(`/machines?code=${it.code()}`)).text).toContain(
    'anybody on its network can read its kernel arguments',
  )
})

const look = {
  fingerprint: 'key-1=',
  version: 'v1.14.1',
  uuid: undefined,
  serial: undefined,
  stage: 'maintenance',
  hostname: undefined,
  maker: 'Acme',
  product: '<b>Box</b>',
  macs: [mac],
  disks: [{ path: '/dev/sda', size: '64 GB', model: '<i>SSD</i>' }],
}

/** A machine in maintenance that was looked at. */
async function openMaintenance() {
  const it = await openPage()
  it.renderer.written = [{ name: 'worker-2', role: 'worker', way: 'maintenance' }]
  it.desk.ask(asks())
  const { id } = it.desk.machines()[0]!
  const form = { machine: it.code(), role: 'worker', name: 'worker-2' }
  const confirm = async () => {
    const { text } = await it.ask(`/machines/do/approve?${new URLSearchParams(form).toString()}`, { scope: 'admin' })
    return { text, fingerprint: /name="fingerprint" value="([^"]*)"/.exec(text)?.[1] ?? 'none' }
  }
  const approve = (fingerprint: string) =>
    it.ask('/machines/do/approve', { method: 'POST', scope: 'admin', form: { ...form, fingerprint } })
  return { ...it, confirm, approve, seen: (fingerprint: string) => it.room.seen(id, address, { ...look, fingerprint }) }
}

test('a machine in maintenance shows its key, what it is, and its console, and nothing that it says is markup', async () => {
  await using it = await openMaintenance()
  it.seen('key-1=')
  it.room.line(address, '[talos] <script>alert(1)</script> waits')
  const { text } = await it.ask(`/machines?code=${it.code()}`)
  for (const part of ['key-1=', 'v1.14.1', 'Acme &lt;b&gt;Box', '&lt;i&gt;SSD', '[talos] &lt;script&gt;']) {
    expect(text).toContain(part)
  }
})

test('approving counts for the key that the confirmation showed', async () => {
  await using it = await openMaintenance()
  it.seen('key-1=')
  const { text, fingerprint } = await it.confirm()
  expect(text).toContain('and the certificate fingerprint key-1=')
  expect(fingerprint).toBe('key-1=')
  it.seen('key-2=')
  expect((await it.approve(fingerprint)).text).toContain('has changed: compare its console with key-2=')
  expect(it.desk.machines()[0]).toMatchObject({ state: 'pending' })
  expect((await it.approve((await it.confirm()).fingerprint)).text).toContain('may have its configuration')
  expect(it.desk.machines()[0]!.approval).toMatchObject({ fingerprint: 'key-2=' })
})

test('an address can not bring a key that the confirmation does not show', async () => {
  await using it = await openMaintenance()
  it.seen('key-1=')
  const query = new URLSearchParams({ machine: it.code(), role: 'worker', name: 'worker-2', fingerprint: 'key-0=' })
  const { text } = await it.ask(`/machines/do/approve?${query.toString()}`, { scope: 'admin' })
  expect(text).not.toContain('key-0=')
})

test('before its key was seen the confirmation says so, and approving is refused', async () => {
  await using it = await openMaintenance()
  const { text, fingerprint } = await it.confirm()
  expect(text).toContain('Its key has not been seen yet')
  expect((await it.approve(fingerprint)).text).toContain('its key was not seen yet')
})

test('a machine is forgotten from the page', async () => {
  await using it = await openPage()
  it.desk.ask(asks())
  const id = it.desk.machines()[0]!.id
  expect((await it.ask(`/machines/do/forget?machine=${id}`)).text).toContain('If it asks again it is new')
  await it.ask('/machines/do/forget', { method: 'POST', form: { machine: id } })
  expect(it.desk.machines()).toEqual([])
})
