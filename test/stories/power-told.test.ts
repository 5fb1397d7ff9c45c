import { expect, test, vi } from 'vitest'
import { renderPower } from '../../src/cli/render-power.ts'
import { createActions } from '../../src/operations/actions.ts'
import { powerFailed } from '../../src/operations/power-failed.ts'
import { startAgent } from '../fakes/agent.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { asked, operatorOf } from '../fakes/person.ts'
import { low, onBattery, online, two } from '../fakes/stories.ts'
import { patience } from '../patience.ts'

test('a power cut is one alert: with the first reading on battery a warning with the plan, then critical, until all is as it was', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: { maxOnBattery: '20m', onBatteryAfter: '5s' } })
  const { alerts } = it.agent
  const texts: string[] = []
  alerts.subscribe(({ id, severity, text }, change) => {
    if (id === powerFailed) texts.push(`${change} ${severity} ${text.split(/[:.]/)[0]}`)
  })
  const openAtTheEnd: boolean[] = []
  it.agent.onEvent(({ type }) => {
    if (type === 'cluster.woken') openAtTheEnd.push(alerts.find(powerFailed) !== undefined)
  })
  const alert = () => alerts.find(powerFailed)
  await it.reads(online)
  await it.reads({ ...onBattery, charge: 96 })
  // Not yet believed: it may be a blip, but people hear of it.
  expect(it.agent.guard.power.upses.get('ups')!.mode).toBe('on-mains')
  await vi.waitFor(() => expect(alert()).toBeDefined(), patience)
  expect(alert()).toMatchObject({
    severity: 'warning',
    text: expect.stringMatching(
      /^mains power failed: ups is on battery with 96 %\. If mains power stays off, a shutdown starts after 20 min at the latest, sooner on .*\. Then: /,
    ),
    action: 'Cancel it with `caretaker power cancel`',
    offers: [{ do: 'cancel', subject: alert()!.since }],
  })
  await it.reads(low, 6_000)
  await it.reads(low, 6_000)
  const stage = () => homelab.ports.journal.outages(1)[0]?.stage
  await vi.waitFor(() => expect(stage()).toBe('stopped'), patience)
  await vi.waitFor(
    () => expect(alert()).toMatchObject({ severity: 'critical', text: expect.stringContaining('the battery is low') }),
    patience,
  )
  await it.reads(online)
  await vi.waitFor(() => expect(stage()).toBe('over'), patience)
  await vi.waitFor(() => expect(alert()).toBeUndefined(), patience)
  expect(texts[0]).toBe('opened warning mains power failed')
  expect(texts.at(-1)).toMatch(/^settled /)
  // Whoever hears that the cluster is back must have heard that the power cut is over.
  expect(openAtTheEnd).toEqual([false])
})

test('a blip of mains power is told, and settled when mains power has lasted', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: { onBatteryAfter: '5s', onMainsAfter: '15s' } })
  const { alerts } = it.agent
  await it.reads(online)
  await it.reads(onBattery)
  await vi.waitFor(() => expect(alerts.find(powerFailed)).toBeDefined(), patience)
  await it.reads(online)
  await it.reads(online, 16_000)
  await vi.waitFor(() => expect(alerts.find(powerFailed)).toBeUndefined(), patience)
  expect(alerts.settled(1)).toMatchObject([{ ending: 'mains power is back, and nothing was shut down' }])
})

test('a UPS that has failed beside one that carries all is told as failed, and what is to come is of the other one', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, {
    upses: ['rack', 'desk'],
    power: { onBatteryAfter: '0s', feed: { any: ['rack', 'desk'] } },
  })
  const text = () => it.agent.alerts.find(powerFailed)?.text
  const failed = 'rack counts as failed, because the battery is low (OB LB)'
  await it.reads(online, 1_000, 'rack')
  await it.reads(online, 0, 'desk')
  await it.reads(low, 1_000, 'rack')
  await it.reads(low, 4_000, 'rack')
  await it.reads(online, 0, 'desk')
  const alone = `mains power failed: ${failed}. Nothing is shut down, because no machine depends on it alone`
  await vi.waitFor(() => expect(text()).toBe(alone), patience)
  await it.reads(onBattery, 1_000, 'desk')
  await it.reads(onBattery, 1_000, 'desk')
  await vi.waitFor(() => expect(text()).toContain('desk is on battery'), patience)
  expect(text()).toMatch(
    /^mains power failed: (rack .*\(OB LB\) and desk is on battery.*)\. If mains power stays off, a shutdown starts after 15 min/,
  )
  expect(text()).toContain(failed)
  expect([...homelab.machines.values()].every(({ up }) => up)).toBe(true)
})

test('a power cut whose shutdown is cancelled says in one way, everywhere, what can still start one', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: { maxOnBattery: '20m', onBatteryAfter: '5s' } })
  const { alerts, guard } = it.agent
  const operator = operatorOf(homelab, it)
  const { journal } = homelab.ports
  const parts = { operator, alerts, journal, power: guard.power, config: () => it.config, now: () => new Date() }
  const actions = createActions({ key: new Uint8Array(32), ...parts })
  await it.reads(online)
  await it.reads(onBattery)
  await it.reads(onBattery, 6_000)
  await vi.waitFor(() => expect(alerts.find(powerFailed)).toBeDefined(), patience)
  const subject = alerts.find(powerFailed)!.since
  const { said: page } = actions.preview('phone', actions.issue('phone', { do: 'cancel', subject }))
  const [, words = ''] = /: (until mains power is back, only .* can still start one)$/.exec(page)!
  expect(words).toContain('a low battery (LB)')
  expect(words).not.toContain('20 min on battery')
  const { said } = await operator.power.cancel(asked())
  expect(said).toBe(`the shutdown is cancelled for ups before it began: ${words}`)
  await vi.waitFor(() => expect(alerts.find(powerFailed)!.text).toContain(words.slice(1)), patience)
  const [ups] = operator.power.state().upses
  expect(ups!.state.cancelled).toBe('not-begun')
  expect(ups!.triggers.find(({ reason }) => reason === 'on-battery-too-long')).toMatchObject({
    disarmed: 'cancelled until mains power is back',
  })
  expect(renderPower(operator.power.state(), [], 'UTC')).toContain('the shutdown was cancelled before it began')
})

test('an agent that is started again in the middle of a power cut goes on with its alert', async () => {
  const homelab = fakeHomelab(two)
  const first = startAgent(homelab)
  await first.reads(online)
  await first.reads(onBattery)
  await vi.waitFor(() => expect(first.agent.alerts.find(powerFailed)).toBeDefined(), patience)
  const { since } = first.agent.alerts.find(powerFailed)!
  first.die()

  await using second = startAgent(homelab)
  const { alerts } = second.agent
  const changes: string[] = []
  alerts.subscribe(({ id }, change) => {
    if (id === powerFailed) changes.push(change)
  })
  // Its first look, before it has heard of the UPS: timers of one length end in the order in which they began.
  await new Promise((resolve) => setTimeout(resolve, 1))
  await second.reads(onBattery)
  await vi.waitFor(() => expect(second.agent.guard.power.upses.get('ups')!.mode).toBe('on-battery'), patience)
  expect(alerts.find(powerFailed)).toMatchObject({ since })
  await second.reads(online)
  await vi.waitFor(() => expect(alerts.find(powerFailed)).toBeUndefined(), patience)
  expect(changes.filter((change) => change === 'opened' || change === 'settled')).toEqual(['settled'])
})

test('a shutdown that a person calls off while machines go down is told as ended, and offers no cancelling', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: { maxOnBattery: '20m' } })
  const { power } = operatorOf(homelab, it)
  const alert = () => it.agent.alerts.find(powerFailed)
  await it.reads(online)
  homelab.machine('w-1').hangs = true
  await it.reads(low)
  await vi.waitFor(() => expect(alert()?.text).toContain('the machines are shutting down'), patience)
  await power.cancel(asked())
  await vi.waitFor(() => expect(alert()?.text).toMatch(/^the shutdown has ended: no more machines go down/), patience)
  expect(alert()).toMatchObject({ severity: 'warning' })
  expect(alert()?.action).toBeUndefined()
})

test('machines that a person has shut down are told to stay down, whatever the mains does', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  const { power } = operatorOf(homelab, it)
  const alert = () => it.agent.alerts.find(powerFailed)
  await it.reads(online)
  await power.shutDown(asked())
  await vi.waitFor(
    () =>
      expect(alert()?.text).toMatch(/^the machines are shut down: .*\. They stay down until `caretaker power wake`$/),
    patience,
  )
})
