import { describe, expect, test } from 'vitest'
import type { Node } from '../../../src/core/cluster/cluster.ts'
import { commandIn } from '../../../src/core/home-assistant/command.ts'
import {
  announcementOf,
  componentsIn,
  discoveryTopic,
  entitiesOf,
  statesOf,
} from '../../../src/core/home-assistant/device.ts'
import { slugOf, type Settings } from '../../../src/core/home-assistant/entity.ts'
import type { Facts } from '../../../src/core/known-facts.ts'
import { beginRollout } from '../../../src/core/upgrade/record.ts'
import { clusterOf, controlPlane, worker } from '../cluster/nodes.ts'
import { factsOf, now, upsOf } from '../metrics/facts.ts'
import { faultsOf, stateFaults } from './rules.ts'

const settings: Settings = {
  topicPrefix: 'caretaker',
  homelab: 'attic',
  version: '0.1.0',
  url: 'https://nas.lan:8420',
  buttons: true,
}
const nodes = (...all: readonly Node[]) => ({
  cluster: { ...clusterOf(...all), observedAt: '2026-11-27T01:50:00Z' },
})
const reading = { status: ['OL', 'LB'], chargePercent: 83, runtimeMs: 312_500, loadPercent: 18 }
const outage = { startedAt: now.toISOString(), reason: 'low-battery', stage: 'stopping', nodes: {} } as const
const alert = (severity: 'critical' | 'warning' | 'info', text = 'x') => ({ id: 'x', severity, text })

const cases: readonly { readonly name: string; readonly facts: Facts }[] = [
  { name: 'a daemon that has only just started', facts: factsOf() },
  {
    name: 'a homelab in all its parts',
    facts: factsOf({
      known: nodes(
        controlPlane('cp-1', ['cp-1']),
        worker('w.1'),
        worker('w-2', { talos: 'silent', kubernetes: 'silent' }),
      ),
      power: {
        upses: [upsOf('rack', { reading }), upsOf('desk', { mode: 'unknown' })],
        shutdownRequestedAt: undefined,
      },
      shutdown: { needsMs: 43_000, leftMs: null },
      alerts: [alert('critical', 'ü'.repeat(400)), alert('info')],
      releases: { target: 'v1.14.1', coming: 'v1.14.1' },
      rollout: { newest: beginRollout('v1.14.1', now), windows: [{ days: ['sat'], from: '02:00', to: '03:00' }] },
    }),
  },
  { name: 'an outage', facts: factsOf({ outage, rollout: { waitsAt: 'outage' } }) },
  { name: 'a gate of a later release', facts: factsOf({ rollout: { waitsAt: 'moon' } }) },
]

/** What stands at a topic. */
function stateAt(facts: Facts, topic: string, changes: Partial<Settings> = {}): Record<string, unknown> {
  return JSON.parse(statesOf(entitiesOf(facts, { ...settings, ...changes })).get(topic)!) as Record<string, unknown>
}

describe('Home Assistant takes', () => {
  test.each(cases)('what it is told of $name', ({ facts }) => {
    const entities = entitiesOf(facts, settings)
    const announcement = announcementOf(entities, settings)
    expect(faultsOf(announcement)).toEqual([])
    const { components } = JSON.parse(announcement) as { components: Record<string, Record<string, unknown>> }
    const states = statesOf(entities)
    for (const [id, component] of Object.entries(components)) {
      const topic = component['state_topic'] as string | undefined
      if (topic === undefined) continue
      expect(stateFaults(id, component, states.get(topic.replace('caretaker/', ''))!)).toEqual([])
    }
  })

  test('no control character, whatever a UPS, a node or an alert says of itself', () => {
    const hostile = 'x\u001b[2J\u001b]0;owned\u0007\u202etxt\r\ny\u009b31m'
    const facts = factsOf({
      known: nodes(worker(hostile)),
      power: { upses: [upsOf('rack', { reading: { ...reading, status: [hostile] } })], shutdownRequestedAt: undefined },
      alerts: [alert('critical', hostile)],
    })
    const entities = entitiesOf(facts, { ...settings, homelab: hostile, answer: hostile })
    for (const text of [announcementOf(entities, { ...settings, homelab: hostile }), ...statesOf(entities).values()])
      expect(text).not.toMatch(/\\u00[01]|\\[rn]|[\u007f-\u009f\u202e]/)
  })

  const good = announcementOf(entitiesOf(cases[1]!.facts, settings), settings)
  const broken: readonly { readonly name: string; readonly path: readonly string[]; readonly value: unknown }[] = [
    { name: 'a key that it does not know', path: ['~'], value: 'caretaker' },
    { name: 'a device without identifiers', path: ['device', 'identifiers'], value: undefined },
    { name: 'an origin without a name', path: ['origin', 'name'], value: undefined },
    { name: 'a URL that is none', path: ['device', 'configuration_url'], value: 'nas.lan' },
    { name: 'no components', path: ['components'], value: {} },
    { name: 'a component without an id of its own', path: ['components', 'state', 'unique_id'], value: undefined },
    { name: 'two with the same', path: ['components', 'state', 'unique_id'], value: 'caretaker_alert' },
    { name: 'the object_id of former times', path: ['components', 'state', 'object_id'], value: 'x' },
    { name: 'options of what is no enum', path: ['components', 'state', 'device_class'], value: undefined },
    { name: 'no options', path: ['components', 'state', 'options'], value: [] },
    { name: 'a unit of another class', path: ['components', 'battery_left', 'unit_of_measurement'], value: '%' },
    { name: 'a sensor among the settings', path: ['components', 'alerts', 'entity_category'], value: 'config' },
    { name: 'a class that there is not', path: ['components', 'problem', 'device_class'], value: 'mains' },
    { name: 'an update that fails when it is pressed', path: ['components', 'talos', 'command_topic'], value: 'x' },
    { name: 'a button that leads nowhere', path: ['components', 'wake', 'command_topic'], value: undefined },
    { name: 'presses that are retained', path: ['components', 'wake', 'retain'], value: true },
    { name: 'a wildcard in a topic', path: ['components', 'state', 'state_topic'], value: 'caretaker/+' },
  ]
  test.each(broken)('and not $name', ({ path, value }) => {
    const object = JSON.parse(good) as Record<string, unknown>
    const inner = path.slice(0, -1).reduce((at, key) => at[key] as Record<string, unknown>, object)
    inner[path.at(-1)!] = value
    expect(faultsOf(JSON.stringify(object))).toHaveLength(1)
  })

  test('the removal of what is named with its platform alone', () => {
    const text = announcementOf([], settings, new Map([['node_w-9_well', 'binary_sensor']]))
    expect(faultsOf(text)).toEqual([])
    expect((JSON.parse(text) as { components: unknown }).components).toEqual({
      'node_w-9_well': { platform: 'binary_sensor' },
    })
  })
})

describe('what is shown', () => {
  test.each([
    { shows: 'fine', facts: factsOf({ alerts: [alert('info')] }) },
    { shows: 'waiting', facts: factsOf({ rollout: { waitsAt: 'window' } }) },
    { shows: 'upgrading', facts: factsOf({ rollout: { newest: beginRollout('v1.14.1', now) } }) },
    { shows: 'warning', facts: factsOf({ alerts: [alert('warning')], rollout: { waitsAt: 'stuck' } }) },
    { shows: 'critical', facts: factsOf({ alerts: [alert('critical'), alert('warning')] }) },
    {
      shows: 'on battery',
      facts: factsOf({
        alerts: [alert('critical')],
        power: { upses: [upsOf('rack', { mode: 'on-battery' })], shutdownRequestedAt: undefined },
      }),
    },
    { shows: 'outage', facts: factsOf({ outage }) },
    { shows: 'fine', facts: factsOf({ outage: { ...outage, stage: 'over' } }) },
  ])('of the whole is the worst: $shows', ({ shows, facts }) => {
    expect(stateAt(facts, 'cluster')['state']).toBe(shows)
  })

  test('of a UPS is in the units of Home Assistant’s own integration of NUT', () => {
    const rack = { ...upsOf('rack', { reading }), inputVolts: 231.4 }
    const power = { upses: [rack], shutdownRequestedAt: undefined }
    expect(stateAt(factsOf({ power }), 'ups/rack')).toMatchObject({
      state: 'on-mains',
      charge: 83,
      runtime: 313,
      load: 18,
      voltage: 231.4,
      mains: 'ON',
      low: 'ON',
      heard: null,
    })
    const silent = { upses: [upsOf('rack', { mode: 'unknown' })], shutdownRequestedAt: undefined }
    expect(stateAt(factsOf({ power: silent }), 'ups/rack')).toMatchObject({ charge: null, voltage: null, low: null })
  })

  test('of Talos is an update from the oldest release that runs, and how far it is', () => {
    const known = nodes(worker('w-1', { talos: { version: 'v1.14.1' } }), worker('w-2'), worker('w-3'))
    const releases = { target: 'v1.14.1', coming: 'v1.14.1' }
    expect(stateAt(factsOf({ known, releases }), 'talos')).toEqual({
      installed_version: 'v1.13.8',
      latest_version: 'v1.14.1',
      release_url: 'https://github.com/siderolabs/talos/releases/tag/v1.14.1',
      in_progress: false,
      update_percentage: null,
    })
    const newest = beginRollout('v1.14.1', now)
    expect(stateAt(factsOf({ known, releases, rollout: { newest } }), 'talos')).toMatchObject({
      in_progress: true,
      update_percentage: 33,
    })
    const waiting = { newest, waitsAt: 'window' }
    expect(stateAt(factsOf({ known, releases, rollout: waiting }), 'talos')).toMatchObject({ in_progress: false })
  })

  test('of a node is whether it is well, and why it is not', () => {
    const known = nodes(worker('w-1', { kubernetes: { ready: false } }), worker('w-2'))
    expect(stateAt(factsOf({ known }), 'node/w-1')).toMatchObject({
      well: 'OFF',
      well_attributes: { why: 'w-1 is not Ready in Kubernetes', cordoned: false },
      talos: 'v1.13.8',
    })
    expect(stateAt(factsOf({ known }), 'node/w-2')).toMatchObject({ well: 'ON' })
  })

  test('of a node is the same after a look that found the same; when that was is told once, where somebody wants it', () => {
    const seen = (observedAt: string) =>
      factsOf({ known: { cluster: { ...clusterOf(worker('w-1'), worker('w-2')), observedAt } } })
    const [before, after] = ['2026-11-27T01:50:00Z', '2026-11-27T01:51:00Z'].map(seen)
    for (const topic of ['node/w-1', 'node/w-2']) expect(stateAt(after!, topic)).toEqual(stateAt(before!, topic))
    expect(stateAt(after!, 'cluster')).toMatchObject({ nodes_seen: '2026-11-27T01:51:00Z' })
    const announced = entitiesOf(after!, settings).find(({ id }) => id === 'nodes_seen')
    expect(announced?.component).toMatchObject({ enabled_by_default: false })
  })

  test('of alerts is no more than Home Assistant keeps of attributes', () => {
    const alerts = Array.from({ length: 30 }, () => alert('warning', 'ü'.repeat(3_000)))
    const attributes = stateAt(factsOf({ alerts }), 'cluster')['problem_attributes']
    expect(new TextEncoder().encode(JSON.stringify(attributes)).length).toBeLessThan(16_384)
  })

  test('of a press is what came of it; without buttons there is none', () => {
    expect(stateAt(factsOf(), 'answer', { answer: 'rollouts are paused' })).toEqual({ said: 'rollouts are paused' })
    const without = entitiesOf(factsOf(), { ...settings, buttons: false })
    expect(without.filter(({ component }) => component.platform === 'button')).toEqual([])
    expect(statesOf(without).has('answer')).toBe(false)
  })
})

test.each([
  { name: 'w-1', slug: 'w-1' },
  { name: 'w.1', slug: 'w_1' },
  { name: 'a/+#', slug: 'a_2f__2b__23_' },
  { name: 'ü🔋', slug: '_fc__1f50b_' },
])('$name is $slug in a topic', ({ name, slug }) => {
  expect(slugOf(name)).toBe(slug)
})

test('the device is announced below its prefix, whatever levels ours has', () => {
  expect(discoveryTopic('homeassistant', 'home/caretaker')).toBe('homeassistant/device/home_2f_caretaker/config')
})

test.each([
  { text: '{"components":{"a":{"platform":"sensor","x":1},"b":{}}}', found: [['a', 'sensor']] },
  { text: '{"components":[null]}', found: [] },
  { text: '{"components":null}', found: [] },
  { text: 'null', found: [] },
  { text: 'not JSON', found: [] },
  { text: '', found: [] },
])('components are read from $text', ({ text, found }) => {
  expect([...componentsIn(text)]).toEqual(found)
})

describe('a message is a command', () => {
  const press = { topic: 'caretaker/command/wake', payload: 'PRESS', isRetained: false }
  test.each([
    { name: 'where a button was pressed', message: press, is: 'wake' },
    { name: 'and not where it was retained', message: { ...press, isRetained: true }, is: undefined },
    { name: 'nor with another payload', message: { ...press, payload: 'press' }, is: undefined },
    { name: 'nor by a name that is none', message: { ...press, topic: 'caretaker/command/toString' }, is: undefined },
    { name: 'nor below it', message: { ...press, topic: 'caretaker/command/wake/x' }, is: undefined },
    { name: 'nor of another prefix', message: { ...press, topic: 'other/command/wake' }, is: undefined },
  ])('$name', ({ message, is }) => {
    expect(commandIn(message, 'caretaker')).toBe(is)
  })
})
