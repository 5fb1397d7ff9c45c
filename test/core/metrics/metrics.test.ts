import { describe, expect, test } from 'vitest'
import type { Node } from '../../../src/core/cluster/cluster.ts'
import { readFacts } from '../../../src/core/metrics/table.ts'
import { beginRollout, withNodeEnded, withNodeStarted, withPhase } from '../../../src/core/upgrade/record.ts'
import { clusterOf, controlPlane, schematic, worker } from '../cluster/nodes.ts'
import { chosenIn, factsOf, now, upsOf, valuesOf } from './facts.ts'

type Choices = Parameters<typeof factsOf>[0]
const read = (choices?: Choices) => readFacts(factsOf(choices))
const seen = (...nodes: readonly Node[]) => ({
  cluster: { ...clusterOf(...nodes), observedAt: '2026-11-27T01:50:00Z' },
})
const ago = (ms: number) => new Date(now.getTime() - ms)

describe('nodes', () => {
  test('nothing is told of them before anybody has looked', () => {
    const families = new Set(read().map(({ family }) => family))
    expect([...families].filter((family) => /_node_|cluster|etcd/.test(family))).toEqual([])
  })

  test('show what was seen, and when that was', () => {
    const known = seen(controlPlane('cp-1', ['cp-1']), worker('w-1', { kubernetes: { ready: false } }))
    const samples = read({ known, releases: { target: 'v1.14.1' } })
    expect(valuesOf(samples, 'caretaker_cluster_observed_timestamp_seconds')).toEqual({
      '': Date.parse('2026-11-27T01:50:00Z') / 1_000,
    })
    const short = schematic.slice(0, 12)
    expect(valuesOf(samples, 'caretaker_node_info')).toEqual({
      [`cp-1 controlplane v1.13.8 ${short}`]: 1,
      [`w-1 worker v1.13.8 ${short}`]: 1,
    })
    expect(valuesOf(samples, 'caretaker_node_healthy')).toEqual({ 'cp-1': 1, 'w-1': 0 })
    expect(valuesOf(samples, 'caretaker_node_ready')).toEqual({ 'cp-1': 1, 'w-1': 0 })
    expect(valuesOf(samples, 'caretaker_node_outdated')).toEqual({ 'cp-1': 1, 'w-1': 1 })
    expect(valuesOf(samples, 'caretaker_etcd_database_size_bytes')).toEqual({ 'cp-1': 20_000_000 })
    expect(valuesOf(samples, 'caretaker_nodes')).toEqual({ controlplane: 1, worker: 1 })
  })

  test('of one that does not answer it is said that it does not, and nothing else is made up', () => {
    const known = seen(worker('w-1', { talos: 'silent', kubernetes: 'silent' }))
    const samples = read({ known, releases: { target: 'v1.14.1' } })
    expect(valuesOf(samples, 'caretaker_node_info')).toEqual({ 'w-1 worker  ': 1 })
    expect(valuesOf(samples, 'caretaker_node_reachable')).toEqual({ 'w-1': 0 })
    for (const family of ['ready', 'outdated', 'armed', 'cordoned'])
      expect(valuesOf(samples, `caretaker_node_${family}`)).toEqual({})
  })

  test('what one says of itself is a label of one line, and no longer than anything that is meant', () => {
    const version = `v1.13.8\u001b[31m\u202e\n${'x'.repeat(10_000)}`
    const samples = read({ known: seen(worker('w-1', { talos: { version } })) })
    const [info] = samples.filter(({ family }) => family === 'caretaker_node_info')
    const { node, version: told = '' } = info!.labels
    expect(node).toBe('w-1')
    expect(told).toMatch(/^v1\.13\.8 x+$/)
    expect(told.length).toBeLessThanOrEqual(128)
  })
})

describe('releases', () => {
  const offered = ['v1.13.8', 'v1.13.9', 'v1.14.0-rc.1', 'v1.14.0', 'v1.14.1', 'v1.15.0-alpha.0']
  const firstSeen = new Map(offered.map((version, index) => [version, index * 1_000]))

  test('the newest is a final one, whatever is offered beside it', () => {
    const samples = read({ releases: { offered, firstSeen, target: 'v1.14.1', coming: 'v1.14.1' } })
    expect(chosenIn(samples, 'caretaker_release_newest_info')).toEqual(['v1.14.1'])
    expect(chosenIn(samples, 'caretaker_release_target_info')).toEqual(['v1.14.1'])
    expect(valuesOf(samples, 'caretaker_releases_offered')).toEqual({ '': 6 })
  })

  test.each([
    { runs: 'v1.14.0', supported: 1, end: {} },
    { runs: 'v1.13.9', supported: 0, end: { 'v1.13.9': 3 } },
    { runs: 'v1.13.9-dirty', supported: 0, end: { 'v1.13.9-dirty': 3 } },
  ])('support of $runs ends with the first final release of the next minor', ({ runs, supported, end }) => {
    const known = seen(worker('w-1', { talos: { version: runs } }))
    const samples = read({ known, releases: { offered, firstSeen } })
    expect(valuesOf(samples, 'caretaker_release_supported')).toEqual({ [runs]: supported })
    expect(valuesOf(samples, 'caretaker_release_support_end_timestamp_seconds')).toEqual(end)
  })

  test('nothing is said of support while nobody knows what is offered', () => {
    const samples = read({ known: seen(worker('w-1')) })
    expect(valuesOf(samples, 'caretaker_release_supported')).toEqual({})
  })

  test('the image on the share is the one that machines boot', () => {
    const variant = { architecture: 'amd64', secureBoot: false, kind: 'uki', publishedAs: [] } as const
    const image = { ...variant, schematic, sha256: '', bytes: 1, stagedAt: '', path: '' }
    const images = [
      { ...image, version: 'v1.14.1', published: true },
      { ...image, version: 'v1.13.9', published: false },
    ]
    const samples = read({ known: { staged: { images, observedAt: '2026-11-27T01:00:00Z' } } })
    expect(chosenIn(samples, 'caretaker_staged_image_info')).toEqual([`v1.14.1 ${schematic.slice(0, 12)} amd64`])
    expect(valuesOf(samples, 'caretaker_staged_images')).toEqual({ '': 2 })
  })
})

describe('a rollout', () => {
  const begun = withNodeStarted(
    beginRollout('v1.14.1', ago(600_000)),
    { name: 'w-1', role: 'worker', from: 'v1.13.8' },
    now,
  )
  const newest = withPhase(withPhase(begun, 'w-1', 'drain', 90_000), 'w-1', 'drain', 10_000)

  test.each([
    { waitsAt: undefined, newest: undefined, state: 'idle', gate: [] },
    { waitsAt: undefined, newest, state: 'upgrading', gate: [] },
    { waitsAt: 'window', newest, state: 'waiting', gate: ['window'] },
    { waitsAt: 'stuck', newest, state: 'stuck', gate: [] },
    { waitsAt: 'a gate of a later release', newest: undefined, state: 'waiting', gate: [] },
  ])('is $state where it waits at $waitsAt', ({ state, gate, ...rollout }) => {
    const samples = read({ rollout })
    expect(chosenIn(samples, 'caretaker_rollout_state')).toEqual([state])
    expect(chosenIn(samples, 'caretaker_rollout_waiting')).toEqual(gate)
  })

  test('counts nodes by what has become of them, and how long phases took', () => {
    const known = seen(worker('w-1'), worker('w-2'), worker('w-3', { talos: { version: 'v1.14.1' } }))
    const samples = read({ known, rollout: { newest } })
    expect(valuesOf(samples, 'caretaker_rollout_nodes')).toMatchObject({ 'under-way': 1, 'to-come': 1, upgraded: 0 })
    expect(valuesOf(samples, 'caretaker_rollout_node_phase_seconds')).toEqual({ drain: 100 })
    const ended = withNodeEnded(newest, 'w-1', { outcome: 'failed' }, now)
    const after = read({ known, rollout: { newest: { ...ended, endedAt: now.toISOString() } } })
    expect(valuesOf(after, 'caretaker_rollout_nodes')).toMatchObject({ failed: 1, 'under-way': 0, 'to-come': 0 })
    expect(valuesOf(after, 'caretaker_rollout_info')).toEqual({})
  })

  // 2026-11-27 is a Friday.
  const windows = [{ days: ['fri' as const], from: '03:00', to: '05:00' }]
  const at = (time: string) => Date.parse(`2026-11-27T${time}Z`)

  test.each([
    { name: 'before it opens', now: '02:00', opens: '03:00', closes: undefined, isOpen: 0 },
    { name: 'while it is open', now: '04:00', opens: undefined, closes: '05:00', isOpen: 1 },
    { name: 'while a person has opened one', now: '02:00', byHand: '02:30', closes: '02:30', isOpen: 1 },
    { name: 'after the one of a person has closed', now: '02:40', byHand: '02:30', opens: '03:00', isOpen: 0 },
  ])('shows its window $name', ({ now: time, opens, closes, byHand, isOpen }) => {
    const openUntil = byHand === undefined ? undefined : at(`${byHand}:00`)
    const samples = read({ now: new Date(at(`${time}:00`)), rollout: { windows, openUntil } })
    const only = (moment: string | undefined) => (moment === undefined ? {} : { '': at(`${moment}:00`) / 1_000 })
    expect(valuesOf(samples, 'caretaker_upgrade_window_open')).toEqual({ '': isOpen })
    expect(valuesOf(samples, 'caretaker_upgrade_window_open_timestamp_seconds')).toEqual(only(opens))
    expect(valuesOf(samples, 'caretaker_upgrade_window_close_timestamp_seconds')).toEqual(only(closes))
  })
})

describe('the power', () => {
  test('shows a reading in base units, and no figure that the UPS does not report', () => {
    const reading = { status: ['OB', 'DISCHRG', 'WORD'], chargePercent: 83, runtimeMs: 312_000 }
    const rack = upsOf('rack', { mode: 'on-battery', lastHeardAt: '2026-11-27T01:59:59.000Z', reading })
    const samples = read({ power: { upses: [rack, upsOf('desk')], shutdownRequestedAt: undefined } })
    expect(chosenIn(samples, 'caretaker_ups_state')).toEqual(['rack on-battery', 'desk on-mains'])
    expect(chosenIn(samples, 'caretaker_ups_status')).toEqual(['rack OB', 'rack DISCHRG'])
    expect(valuesOf(samples, 'caretaker_ups_battery_charge_ratio')).toEqual({ rack: 0.83 })
    expect(valuesOf(samples, 'caretaker_ups_battery_runtime_seconds')).toEqual({ rack: 312 })
    expect(valuesOf(samples, 'caretaker_ups_load_ratio')).toEqual({})
    const heard = Date.parse('2026-11-27T01:59:59.000Z') / 1_000
    expect(valuesOf(samples, 'caretaker_ups_last_heard_timestamp_seconds')).toEqual({ rack: heard })
  })

  test('shows the input voltage of those that have told it lately, and when they did', () => {
    const rack = { ...upsOf('rack'), inputVolts: 231.4, inputVoltsMsAgo: 9_000 }
    const samples = read({ power: { upses: [rack, upsOf('desk')], shutdownRequestedAt: undefined } })
    expect(valuesOf(samples, 'caretaker_ups_input_voltage_volts')).toEqual({ rack: 231.4 })
    const at = now.getTime() / 1_000 - 9
    expect(valuesOf(samples, 'caretaker_ups_input_voltage_read_timestamp_seconds')).toEqual({ rack: at })
  })

  test('shows what a shutdown needs and what there is for it; what is not known is left out', () => {
    expect(
      valuesOf(read({ shutdown: { needsMs: 43_000, leftMs: null } }), 'caretaker_shutdown_battery_seconds'),
    ).toEqual({})
    const samples = read({ shutdown: { needsMs: 43_000, leftMs: 3_480_000 } })
    expect(valuesOf(samples, 'caretaker_shutdown_needed_seconds')).toEqual({ '': 43 })
    expect(valuesOf(samples, 'caretaker_shutdown_battery_seconds')).toEqual({ '': 3_480 })
  })

  test('shows the stage of an outage until it is over', () => {
    const outage = {
      startedAt: '2026-11-27T01:00:00.000Z',
      reason: 'low-battery',
      stage: 'stopping',
      nodes: { 'w-1': { wasUp: true, state: 'off' }, 'cp-1': { wasUp: true, state: 'drained' } },
    } as const
    const during = read({ outage })
    expect(chosenIn(during, 'caretaker_outage_stage')).toEqual(['stopping'])
    expect(valuesOf(during, 'caretaker_outage_machines')).toMatchObject({ off: 1, drained: 1, back: 0 })
    const after = read({ outage: { ...outage, stage: 'over', endedAt: now.toISOString() } })
    expect(chosenIn(after, 'caretaker_outage_stage')).toEqual([])
    expect(valuesOf(after, 'caretaker_outage_machines')).toMatchObject({ off: 0 })
    expect(valuesOf(after, 'caretaker_outage_end_timestamp_seconds')).toEqual({ '': now.getTime() / 1_000 })
  })
})

describe('Caretaker itself', () => {
  test('counts alerts by severity, those that there are none of too', () => {
    const alerts = [
      { id: 'ups.silent:rack', severity: 'critical', text: '' },
      { id: 'ups.silent:desk', severity: 'critical', text: '' },
      { id: 'rollout.stuck', severity: 'warning', text: '' },
    ] as const
    const samples = read({ alerts })
    expect(valuesOf(samples, 'caretaker_alerts')).toEqual({ critical: 2, warning: 1, info: 0 })
    expect(valuesOf(samples, 'caretaker_alert_kinds')).toEqual({ 'ups.silent critical': 2, 'rollout.stuck warning': 1 })
  })

  test('shows what runs, what waits, and what does not answer', () => {
    const services = [
      { name: 'queue', state: 'down', since: '', text: undefined },
      { name: 'api', state: 'running', since: '', text: undefined },
    ] as const
    const known = { running: ['upgrade-node'], steps: ['drain', 'drain'] as const, services, queue: undefined }
    const samples = read({ known, waiting: [{ channel: 'phone' }], channels: ['phone', 'mail'] })
    expect(valuesOf(samples, 'caretaker_service_running')).toEqual({ queue: 0, api: 1 })
    expect(valuesOf(samples, 'caretaker_step_running')).toEqual({ drain: 2 })
    expect(valuesOf(samples, 'caretaker_queue_up')).toEqual({ '': 0 })
    expect(valuesOf(samples, 'caretaker_notifications_waiting')).toEqual({ phone: 1, mail: 0 })
    const up = read({ known: { queue: { wait: 3, failed: 0 } } })
    expect(valuesOf(up, 'caretaker_queue_jobs')).toEqual({ wait: 3, failed: 0 })
  })
})
