import { expect, test } from 'vitest'
import type { Change } from '../../src/core/operator.ts'
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
  at.agent.alerts.open('test.last', { severity: 'critical', subject: 'test', text: 'the last' })
  await expect
    .poll(() => heard.some((change) => change.type === 'status' && change.status.alerts.worst?.id === 'test.last'))
    .toBe(true)
  await at.reads({ ...onBattery, charge: 79 })
  await expect.poll(powers).toMatchObject([{ chargePercent: 80 }, { chargePercent: 79 }])
})
