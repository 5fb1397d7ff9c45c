import { expect, test } from 'vitest'
import type { ChannelProbe, DoctorPorts } from '../../src/core/doctor/ports.ts'
import type { Ports } from '../../src/core/ports.ts'
import { reportChecks } from '../../src/operations/doctor/alerts.ts'
import { startAgent } from '../fakes/agent.ts'
import { type FakeHomelab, fakeHomelab } from '../fakes/homelab.ts'
import { asked, operatorOf } from '../fakes/person.ts'
import { onBattery, online, two } from '../fakes/stories.ts'

/** What only the doctor asks, all well; what a test gives is different. */
function doctorPorts(change: Partial<DoctorPorts> = {}): DoctorPorts {
  const written = new Map<string, Uint8Array>()
  return {
    share: {
      write: async (bytes) => {
        written.set('probe', bytes)
        return { file: 'probe', remove: async () => void written.delete('probe') }
      },
      fetch: async (file) => ({ bytes: written.get(file) ?? new Uint8Array(), size: undefined }),
    },
    nodes: {
      inspect: async (name) => ({
        clock: { synced: true, told: { at: 5, from: 4, to: 6 } },
        links: [{ name: 'eth0', macs: [name.replace('-', ':')], isUp: true, wakesBy: ['magic'] }],
      }),
    },
    upses: {
      details: async () => ({ variables: {}, commands: [], logins: 1 }),
      loginRefused: () => undefined,
      isLoggedIn: () => true,
    },
    channels: [{ name: 'phone', reach: async () => 'ntfy.sh' }],
    machine: {
      isDaemon: true,
      configuration: async () => ({ file: 'test.yaml', faults: [], warnings: [] }),
      credentials: async () => [],
      files: async () => [],
      mend: async () => {},
      freeSpace: async () => 1e12,
      store: async () => ({
        at: 'its socket',
        isOwn: true,
        server: 'valkey 8',
        policy: 'noeviction',
        memoryLimit: 0,
        appends: true,
        saves: false,
      }),
    },
    ...change,
  }
}

const withDoctor = (homelab: FakeHomelab, change: Partial<DoctorPorts> = {}) =>
  Object.assign(homelab.ports as { doctor?: Ports['doctor'] }, { doctor: doctorPorts(change) })
const hostPi = [{ name: 'pi', nas: false }]

async function open(change: Partial<DoctorPorts> = {}) {
  const homelab = fakeHomelab(two, { hosts: ['pi'] })
  withDoctor(homelab, change)
  const it = startAgent(homelab, { hosts: hostPi, ownMachine: 'pi' })
  await it.reads(online)
  await it.agent.idle()
  return { homelab, it, operator: operatorOf(homelab, it) }
}

const ids = (alerts: { readonly all: readonly { readonly id: string }[] }) => alerts.all.map(({ id }) => id)

test('nothing fails in a healthy homelab, and the report is kept', async () => {
  const { it, operator, homelab } = await open()
  const outcome = await it.run('check-homelab')
  expect(outcome).toMatchObject({ kind: 'done', summary: expect.stringMatching(/^\d\d checks: .* 0 failed/) })
  const { last } = operator.doctor.state()
  expect(last?.checks.filter(({ verdict }) => verdict === 'failed')).toEqual([])
  // Nothing is run on a host that nobody has set for a rehearsal: a forced command would shut it down.
  expect(last?.checks.find(({ id }) => id === 'host.sudo:pi')).toMatchObject({
    verdict: 'warning',
    next: expect.stringContaining('`sudo -n -l shutdown -h now`'),
  })
  expect(new Set(last?.checks.map(({ id }) => id)).size).toBe(last?.checks.length)
  expect(ids(it.agent.alerts)).toEqual([])
  // Looking orders nothing.
  expect(homelab.diary.filter((entry) => /shut|wake|cordon|drain/.test(entry))).toEqual([])
  await it[Symbol.asyncDispose]()
})

test('a check that fails is an alert with its cure once a week, and is settled by the next good one', async () => {
  const channel: { readonly name: string; reach: ChannelProbe['reach'] } = {
    name: 'phone',
    reach: async () => {
      throw new Error('its name does not resolve')
    },
  }
  const { it, operator } = await open({ channels: [channel] })
  await it.run('check-homelab')
  await it.run('check-homelab')
  expect(it.agent.alerts.all).toMatchObject([
    {
      id: 'check.failed:channel.reach:phone',
      severity: 'warning',
      subject: 'phone',
      text: 'phone: would tell nobody: its name does not resolve',
      action: expect.stringContaining('notifications.channels.phone'),
    },
  ])
  // Who looks at something else settles nothing; who looks at it does.
  channel.reach = async () => 'ntfy.sh'
  await operator.doctor.examine({ only: ['node'] }, asked())
  expect(ids(it.agent.alerts)).toEqual(['check.failed:channel.reach:phone'])
  await operator.doctor.examine({ only: ['channel'] }, asked())
  expect(ids(it.agent.alerts)).toEqual([])
  await it[Symbol.asyncDispose]()
})

test('what an alert says already is not said a second time, and a person who looks opens none', async () => {
  const { it, operator, homelab } = await open()
  homelab.upses.set('ups', 'silent')
  await operator.doctor.examine({}, asked())
  expect(ids(it.agent.alerts)).toEqual([])
  await it.run('check-homelab')
  expect(ids(it.agent.alerts)).toEqual(['check.failed:ups.status:ups'])
  it.agent.alerts.open('ups.silent:ups', { severity: 'critical', subject: 'ups', text: 'is silent' })
  await it.run('check-homelab')
  expect(ids(it.agent.alerts)).toEqual(['ups.silent:ups'])
  await it[Symbol.asyncDispose]()
})

test('an alert is about one check, whatever its id begins with', () => {
  const settled: unknown[] = []
  const open = [{ id: 'check.failed:node.role:w-1', subject: 'w-1' }]
  const alerts = {
    settleWhere: (test: (alert: never) => boolean) => settled.push(...open.filter((one) => test(one as never))),
    find: () => undefined,
    settle: () => false,
    open: () => true,
  }
  const report = (only?: readonly string[]) => ({
    at: '2026-11-26T10:00:00.000Z',
    tookMs: 1,
    checks: [],
    fixed: [],
    ...(only ? { only } : {}),
  })
  reportChecks(alerts as never, report(['node.identity']), { opens: true })
  expect(settled).toEqual([])
  reportChecks(alerts as never, report(['w-1']), { opens: true })
  expect(settled).toEqual(open)
})

test('while the power is out nothing is checked, since everything would fail', async () => {
  const { it } = await open()
  await it.reads(onBattery)
  await it.agent.idle()
  expect(await it.run('check-homelab')).toMatchObject({
    kind: 'later',
    reason: expect.stringContaining('nothing is checked now'),
  })
  await it[Symbol.asyncDispose]()
})

test('what hangs is cut off and named, and holds nothing else up', async () => {
  const { it, operator, homelab } = await open({
    machine: { ...doctorPorts().machine, freeSpace: () => new Promise(() => {}) },
  })
  const seen: { readonly done: number; readonly underWay: readonly string[] }[] = []
  const asking = setInterval(() => {
    const { underWay } = operator.doctor.state()
    if (underWay) seen.push(underWay)
  }, 50)
  const { checks } = await operator.doctor.examine({ only: ['machine', 'share'] }, asked())
  clearInterval(asking)
  expect(checks.find(({ id }) => id === 'machine.space')).toMatchObject({
    verdict: 'failed',
    reason: 'did not end within 10 s, and was cut off',
  })
  expect(checks.find(({ id }) => id === 'share.write')?.verdict).toBe('ok')
  expect(seen.at(-1)?.underWay).toContain('machine.space')
  expect(operator.doctor.state().underWay).toBeUndefined()
  expect(homelab.ports.doctor).toBeDefined()
  await it[Symbol.asyncDispose]()
})

test('a schematic that only a fallback knows is warned of: installers are pulled from the first Factory', async () => {
  const { it, operator, homelab } = await open()
  homelab.ports.factory.register = async () => ({ id: 'f'.repeat(64), untold: 'factory.test is away' })
  const { checks } = await operator.doctor.examine({ only: ['factory.schematic'] }, asked())
  expect(checks).toMatchObject([
    { verdict: 'warning', reason: 'only a fallback knows it: factory.test is away', next: expect.any(String) },
  ])
  await it[Symbol.asyncDispose]()
})

test('only what is named is looked at, and a name that nothing has is refused with those that there are', async () => {
  const { it, operator } = await open()
  const only = async (...names: string[]) =>
    (await operator.doctor.examine({ only: names }, asked())).checks.map(({ id }) => id)
  expect(await only('node.role')).toEqual(['node.role:cp-1', 'node.role:w-1'])
  expect(await only('factory.reach', 'ups.login')).toEqual(['factory.reach', 'ups.login:ups'])
  expect(await only('w-1')).toContain('node.clock:w-1')
  expect((await only('w-1')).every((id) => id.endsWith(':w-1'))).toBe(true)
  await expect(only('noed')).rejects.toMatchObject({
    code: 'not-found',
    message: expect.stringMatching(/no check noed:.*factory, share/),
  })
  await it[Symbol.asyncDispose]()
})

test('modes are mended first where that is asked for, and the journal says who asked', async () => {
  const files = [
    {
      path: '/etc/caretaker/key',
      what: 'the private key for nas',
      kind: 'private-key' as const,
      found: { mode: 0o644, uid: 0, isOurs: true, mayChange: true },
    },
  ]
  const base = doctorPorts().machine
  const { it, operator, homelab } = await open({
    machine: {
      ...base,
      files: async () => files,
      mend: async (file) => void Object.assign(file.found!, { mode: 0o600 }),
    },
  })
  const before = await operator.doctor.examine({ only: ['files'] }, asked())
  expect(before.checks).toMatchObject([
    { id: 'files.mode:/etc/caretaker/key', verdict: 'failed', next: expect.stringContaining('chmod 600') },
  ])
  const { fixed, checks } = await operator.doctor.examine({ only: ['files'], fix: true }, asked())
  expect(fixed).toEqual(['/etc/caretaker/key, the private key for nas, has the mode 600 now, and had 644'])
  expect(checks).toMatchObject([{ id: 'files.mode', verdict: 'ok' }])
  expect(homelab.ports.journal.entries(1)).toMatchObject([{ text: `${fixed[0]}; by admin@nas (unverified)` }])
  await it[Symbol.asyncDispose]()
})
