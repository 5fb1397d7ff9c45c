import { expect, test } from 'vitest'
import type { Change, PowerAnswer, StatusAnswer } from '../../src/core/operator.ts'
import { textOfPower, textOfStatus } from '../../src/operations/changes.ts'
import { createListeners } from '../../src/core/listeners.ts'
import type { Boot } from '../../src/core/netboot/boots.ts'
import { asks, mac, triesOf } from '../core/netboot/seen.ts'
import { asked, operatorOf } from '../fakes/person.ts'
import { onBattery } from '../fakes/stories.ts'
import { open } from './requesting.ts'

test('whoever follows hears of alerts, the power, the journal and the rest, and no node is asked for it', async () => {
  await using at = await open()
  const operator = operatorOf(at.homelab, at)
  await operator.status(asked().signal)
  let looks = 0
  at.agent.onLook(() => (looks += 1))
  const heard: Change[] = []
  const following = operator.subscribe((change) => heard.push(change))
  const types = () => new Set(heard.map(({ type }) => type))
  await at.reads(onBattery)
  at.agent.alerts.open('ups.silent:rack', { severity: 'warning', subject: 'rack', text: 'rack is silent' })
  await at.agent.idle()
  await expect.poll(types).toEqual(new Set(['alert', 'journal', 'power', 'status']))
  await expect
    .poll(() => heard.find(({ type }) => type === 'power'))
    .toMatchObject({ power: { upses: [{ state: { mode: 'on-battery' } }] } })
  expect(heard.find(({ type }) => type === 'alert')).toMatchObject({
    change: 'opened',
    alert: { id: expect.any(String) },
  })
  expect(looks).toBe(0)
  following[Symbol.dispose]()
  const before = heard.length
  at.agent.alerts.settle('ups.silent:rack')
  expect(heard).toHaveLength(before)
})

test('a power that stays as it is is told once, however often it is looked at', async () => {
  await using at = await open()
  const operator = operatorOf(at.homelab, at)
  const heard: Change[] = []
  using _ = operator.subscribe((change) => heard.push(change))
  const powers = () =>
    heard.flatMap((change) => (change.type === 'power' ? [change.power.upses[0]!.state.reading] : []))
  for (let reading = 0; reading < 5; reading++) await at.reads(onBattery)
  await expect.poll(powers).toMatchObject([{ chargePercent: 80 }])
  // The power is looked at again for this, and before the rest is.
  await at.reads(onBattery)
  at.agent.alerts.open('share.away', { severity: 'critical', subject: 'test', text: 'the last' })
  await expect
    .poll(() => heard.some((change) => change.type === 'status' && change.status.alerts.worst?.id === 'share.away'))
    .toBe(true)
  await at.reads({ ...onBattery, charge: 79 })
  await expect.poll(powers).toMatchObject([{ chargePercent: 80 }, { chargePercent: 79 }])
})

test('whoever follows hears that machines boot, of many at once only that they do', async () => {
  await using at = await open()
  const boots = createListeners<Boot>()
  const operator = operatorOf(at.homelab, at, undefined, boots.subscribe)
  const heard: Change[] = []
  using _ = operator.subscribe((change) => heard.push(change))
  for (const seconds of [0, 1, 2]) boots.tell(triesOf([asks(seconds)])[0]!)
  const told = () => heard.flatMap((change) => (change.type === 'boot' ? [change.boot] : []))
  await expect.poll(told).toEqual([{ machine: mac, phase: 'offered' }])
})

interface Case {
  readonly what: string
  readonly from: unknown
  readonly to: unknown
  readonly isTold: boolean
}

/** A status whose first node has this etcd, and which was seen at this time. */
function statusWith(etcd: object, rest: object = {}): unknown {
  const node = { name: 'cp-1', talos: { ok: true, value: { stage: 'running', etcd: { ok: true, value: etcd } } } }
  const cluster = { observedAt: '2026-11-22T10:00:00Z', nodes: [node] }
  return { version: '1', pid: 7, cluster, power: { upses: [] }, activities: [], ...rest }
}

const etcd = { id: 'a', alarms: [], raftIndex: 7, raftApplied: 7, dbSize: 1_000 }
const first = statusWith(etcd)

test.each<Case>([
  {
    what: 'how far etcd has come',
    from: first,
    to: statusWith({ ...etcd, raftIndex: 9, raftApplied: 8, dbSize: 2_000 }),
    isTold: false,
  },
  {
    what: 'when the cluster was seen',
    from: first,
    to: { ...(first as object), cluster: { ...(first as { cluster: object }).cluster, observedAt: 'later' } },
    isTold: false,
  },
  { what: 'the power', from: first, to: statusWith(etcd, { power: { upses: ['rack'] } }), isTold: false },
  { what: 'an alarm of etcd', from: first, to: statusWith({ ...etcd, alarms: ['NOSPACE'] }), isTold: true },
  {
    what: 'a step that follows another of the same words',
    from: statusWith(etcd, { activities: [{ step: 'drain', since: '10:00' }] }),
    to: statusWith(etcd, { activities: [{ step: 'drain', since: '10:05' }] }),
    isTold: true,
  },
])('of the status $what is told to who follows: $isTold', ({ from, to, isTold }) => {
  expect(textOfStatus(from as StatusAnswer) !== textOfStatus(to as StatusAnswer)).toBe(isTold)
})

const ups = { label: 'rack', state: { mode: 'on-mains', since: 'a', forMs: 1, lastHeardAt: 'a', lastHeardMsAgo: 5 } }

test.each<Case>([
  {
    what: 'how long it has been so',
    from: { ...ups, silentForMs: 1, noReading: { forMs: 1, why: 'gone' } },
    to: {
      ...ups,
      state: { ...ups.state, since: 'b', forMs: 2, lastHeardAt: 'b', lastHeardMsAgo: 9 },
      silentForMs: 2,
      noReading: { forMs: 2, why: 'gone' },
    },
    isTold: false,
  },
  { what: 'that it has fallen silent', from: ups, to: { ...ups, silentForMs: 1 }, isTold: true },
  {
    what: 'that mains power seems to be back',
    from: ups,
    to: { ...ups, state: { ...ups.state, mainsForMs: 1 } },
    isTold: true,
  },
  { what: 'its mode', from: ups, to: { ...ups, state: { ...ups.state, mode: 'on-battery' } }, isTold: true },
])('of a UPS $what is told to who follows: $isTold', ({ from, to, isTold }) => {
  const text = (one: unknown) => textOfPower({ upses: [one] } as unknown as PowerAnswer)
  expect(text(from) !== text(to)).toBe(isTold)
})
