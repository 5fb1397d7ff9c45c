import { expect, test } from 'vitest'
import type { Cluster } from '../../../src/core/cluster/cluster.ts'
import { clusterOf, controlPlane, worker as workerNode } from '../../core/cluster/nodes.ts'
import { asked } from '../../fakes/person.ts'
import { address, asks, loadsImage, mac, uuid } from '../../fakes/machines.ts'
import { openRequests } from './at-requests.ts'

const evidenceGone = (it: ReturnType<typeof openRequests>) => {
  it.world.boots = []
  it.world.cards.clear()
}

test('a machine is approved as a worker, for the one that asks, and the journal says by whom', async () => {
  const it = openRequests()
  it.desk.ask(asks())
  expect(await it.approve({ machine: it.code(), name: 'worker-2', labels: { gpu: 'nvidia' } })).toEqual({
    said: `${mac} at ${address} may have its configuration as worker worker-2, once and within 30 min`,
    changed: true,
  })
  expect(it.texts().at(-1)).toContain('; by admin@nas (unverified)')
  expect(it.requests.find({ machine: 'worker-2' })).toMatchObject({
    state: 'approved',
    role: 'worker',
    approval: { by: 'admin@nas (unverified)' },
    order: { name: 'worker-2', labels: { gpu: 'nvidia' } },
  })
})

test.for(['4c4c4544-0051-3310-8052-b4c04f4e4d31', '52-54-00-12-34-56', address, 'bcdfghjk'])(
  'a machine is found by %s',
  (machine) => {
    const it = openRequests()
    it.desk.ask(asks())
    const named = machine === 'bcdfghjk' ? it.code().toLowerCase().replace('-', '') : machine
    expect(it.requests.find({ machine: named })).toMatchObject({ id: uuid, mac, serial: 'SN-1', maker: 'QEMU' })
  },
)

test('what is written needs no choice', async () => {
  const it = openRequests()
  it.renderer.written = [{ name: 'gpu-1', role: 'worker', labels: { gpu: 'nvidia' }, patches: ['gpu.yaml'] }]
  it.desk.ask(asks())
  await it.approve({ machine: 'gpu-1', role: undefined, labels: { shelf: 'top' } })
  expect(it.desk.machines()[0]!.approval!.order).toEqual({
    name: 'gpu-1',
    role: 'worker',
    labels: { gpu: 'nvidia', shelf: 'top' },
    patches: ['gpu.yaml'],
  })
})

test('without a name a machine gets one from its card', async () => {
  const it = openRequests()
  it.desk.ask(asks())
  expect((await it.approve()).said).toContain('as worker worker-123456')
})

test('a hostname that another node has is no name for a machine that says it', async () => {
  const it = openRequests()
  it.desk.ask(asks({ claim: { hostname: 'CP-1.home.arpa' } }))
  expect((await it.approve()).said).toContain('as worker worker-123456')
})

test('under the name of a node a machine is not approved while the cluster can not be looked at, unless forced', async () => {
  const it = openRequests({ cluster: 'away' })
  it.desk.ask(asks())
  await expect(it.approve({ name: 'cp-1' })).rejects.toMatchObject({
    message: expect.stringMatching(/cp-1 is a node, and the cluster could not be looked at/),
  })
  expect((await it.approve({ name: 'cp-1', force: true })).said).toContain('as worker cp-1')
})

const impossible = [
  {
    name: 'that has not said what it becomes',
    request: { role: undefined },
    says: /say what it is to be/,
    code: 'misconfigured',
  },
  { name: 'under a name that is none', request: { name: 'Worker_2' }, says: /is not a name for a node/ },
  { name: 'under the name of a node that answers', request: { name: 'cp-1' }, says: /is a node that answers/ },
  { name: 'with a label that is none', request: { labels: { 'a b': 'c' } }, says: /the label a b=c/ },
  { name: 'that nobody knows', request: { machine: 'nobody' }, says: /no machine nobody/, code: 'not-found' },
]

test.for(impossible)(
  'a machine $name is not approved, whoever insists',
  async ({ request, says, code = 'rejected' }) => {
    const it = openRequests()
    it.desk.ask(asks())
    await expect(it.approve({ force: true, ...request })).rejects.toMatchObject({
      message: expect.stringMatching(says),
      code,
    })
    expect(it.desk.machines()[0]).toMatchObject({ state: 'pending' })
  },
)

test('what can not be rendered is not approved, and the approval says why', async () => {
  const it = openRequests()
  it.renderer.broken = 'there are no secrets of the cluster'
  it.desk.ask(asks())
  await expect(it.approve()).rejects.toMatchObject({ code: 'misconfigured', message: it.renderer.broken })
  expect(it.desk.machines()[0]).toMatchObject({ state: 'pending' })
})

test('of several that claim one machine the one that is meant has to be named by its code', async () => {
  const it = openRequests()
  it.desk.ask(asks({ address: '192.168.0.99' }))
  it.desk.ask(asks())
  await expect(it.approve()).rejects.toMatchObject({
    message: expect.stringMatching(/2 claim to be .* at 192.168.0.99/),
  })
  await it.approve({ machine: it.code() })
  expect(it.desk.machines()[0]!.approval).toMatchObject({ address })
  expect(it.desk.ask(asks({ address: '192.168.0.99' })).kind).toBe('wait')
})

test('what is rejected while it is being approved is not approved', async () => {
  const it = openRequests()
  it.desk.ask(asks())
  const { promise, resolve } = Promise.withResolvers<void>()
  it.renderer.held = promise
  const approving = it.approve({ machine: it.code() })
  await it.requests.reject({ machine: it.code() }, asked())
  resolve()
  await expect(approving).rejects.toMatchObject({
    code: 'rejected',
    message: expect.stringMatching(/changed meanwhile/),
  })
  expect(it.desk.machines()[0]).toMatchObject({ state: 'rejected' })
})

test('what was approved and taken is not approved once more before it asks again', async () => {
  const it = openRequests()
  it.desk.ask(asks())
  await it.approve({ name: 'worker-2' })
  ;(await it.desk.take(asks())).sent()
  await expect(it.approve({ machine: 'worker-2' })).rejects.toMatchObject({
    message: expect.stringMatching(/worker-2 has taken its configuration and has not asked since/),
  })
  expect(it.desk.machines()[0]).toMatchObject({ state: 'delivered' })
  it.desk.ask(asks())
  await it.approve({ machine: 'worker-2' })
  expect(it.desk.machines()[0]).toMatchObject({ state: 'approved' })
})

test('who has not asked since the clock was put back waits for nobody', async () => {
  const it = openRequests()
  it.desk.ask(asks({ address: '192.168.0.99' }))
  it.passes(-86_400_000)
  it.desk.ask(asks())
  await it.approve({ machine: uuid })
  expect(it.desk.machines()[0]!.approval).toMatchObject({ address })
})

const doubts: readonly { name: string; cluster: Cluster | 'away'; without?: boolean; says: RegExp }[] = [
  {
    name: 'while the cluster is whole',
    cluster: clusterOf(controlPlane('cp-1', ['cp-1'])),
    says: /the cluster is whole with 1 control plane \(cp-1\)/,
  },
  { name: 'while the cluster can not be looked at', cluster: 'away', says: /it may be whole/ },
  {
    name: 'without evidence',
    cluster: clusterOf(controlPlane('cp-1', ['cp-1'], { talos: 'silent' })),
    without: true,
    says: /nothing was seen booting at 192.168.0.21/,
  },
]

test.for(doubts)(
  'a control plane is not approved $name, unless a person insists',
  async ({ cluster, without = false, says }) => {
    const it = openRequests({ cluster })
    if (without) evidenceGone(it)
    it.desk.ask(asks())
    await expect(it.approve({ role: 'controlplane', name: 'cp-2' })).rejects.toMatchObject({
      code: 'rejected',
      message: expect.stringMatching(says),
    })
    const { said } = await it.approve({ role: 'controlplane', name: 'cp-2', force: true })
    expect(said).toMatch(/as controlplane cp-2, once and within 30 min, forced although/)
  },
)

test('a control plane that replaces one that is down is approved where everything speaks for it', async () => {
  const it = openRequests({
    cluster: clusterOf(controlPlane('cp-1', ['cp-1'], { talos: 'silent' }), workerNode('w-1')),
  })
  it.desk.ask(asks())
  expect((await it.approve({ role: 'controlplane', name: 'cp-1' })).said).toContain('as controlplane cp-1')
})

test('what is written as a control plane is not approved as a worker by a button', async () => {
  const it = openRequests()
  it.renderer.written = [{ name: 'cp-2', role: 'controlplane' }]
  it.desk.ask(asks())
  await expect(it.approve()).rejects.toMatchObject({
    message: expect.stringMatching(/machines.yaml says that it is a controlplane/),
  })
})

test('a machine that is approved is not approved again as another one', async () => {
  const it = openRequests()
  it.desk.ask(asks())
  await it.approve()
  await expect(it.approve({ name: 'other' })).rejects.toMatchObject({
    message: expect.stringMatching(/it is approved as worker-123456/),
  })
})

test('two machines do not become one node', async () => {
  const it = openRequests()
  it.desk.ask(asks())
  await it.approve({ name: 'worker-2' })
  it.desk.ask(asks({ address: '192.168.0.22', claim: { uuid: undefined, mac: '52:54:00:00:00:02' } }))
  await expect(it.approve({ machine: '52:54:00:00:00:02', name: 'worker-2' })).rejects.toMatchObject({
    message: expect.stringMatching(/is to be worker-2/),
  })
})

test('a machine is rejected with a reason, and nothing is rejected twice', async () => {
  const it = openRequests()
  it.desk.ask(asks())
  expect(await it.requests.reject({ machine: mac, reason: ' not\n ours' }, asked())).toEqual({
    said: `${mac} does not get its configuration: not ours`,
    changed: true,
  })
  expect(it.requests.find({ machine: mac }).said).toBe('It was rejected: not ours')
  expect((await it.requests.reject({ machine: mac }, asked())).changed).toBe(false)
})

test('a rejected machine may still be approved by a person who names it', async () => {
  const it = openRequests()
  it.desk.ask(asks())
  await it.requests.reject({ machine: mac }, asked())
  await it.approve()
  expect(it.desk.ask(asks()).kind).toBe('deliver')
})

test('a forgotten machine is new when it asks again', async () => {
  const it = openRequests()
  it.desk.ask(asks())
  const code = it.code()
  await it.approve()
  expect((await it.requests.forget({ machine: mac }, asked())).said).toContain('if it asks again it is new')
  expect(it.desk.ask(asks())).toMatchObject({ kind: 'wait' })
  expect(it.code()).not.toBe(code)
})

test('those that wait for a person stand first, and those that were only seen booting last', async () => {
  const it = openRequests()
  it.desk.ask(asks({ address: '192.168.0.30', claim: { uuid: undefined, mac: '52:54:00:00:00:03' } }))
  it.passes(1_000)
  it.desk.ask(asks())
  await it.approve()
  it.seenBooting.set('x', [
    loadsImage(it.now().toISOString(), {
      machine: '52:54:00:00:00:09',
      mac: '52:54:00:00:00:09',
      uuid: undefined,
      address: '192.168.0.90',
    }),
  ])
  it.seenBooting.set('own', [loadsImage(it.now().toISOString())])
  expect(it.requests.list().map(({ mac: card, state }) => `${card} ${state}`)).toEqual([
    '52:54:00:00:00:03 pending',
    `${mac} approved`,
    '52:54:00:00:00:09 seen',
  ])
  await expect(it.approve({ machine: '52:54:00:00:00:09' })).rejects.toMatchObject({
    message: expect.stringMatching(/has not asked/),
  })
})

test('what is odd about a machine is seen by whoever decides', async () => {
  const it = openRequests()
  it.world.cards.set(address, '02:00:00:00:00:01')
  it.desk.ask(asks())
  await it.told()
  expect(it.requests.find({ machine: mac }).evidence).toMatchObject([
    { kind: 'for', text: expect.stringContaining('it loaded metal-amd64-uki.efi from Caretaker over TFTP') },
    { kind: 'odd', text: expect.stringContaining('the card at 192.168.0.21 is 02:00:00:00:00:01') },
  ])
  expect(it.alerts.all[0]!.text).toContain('the card at 192.168.0.21 is 02:00:00:00:00:01')
})
