import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { renderPlan, renderStatus } from '../../src/cli/render.ts'
import type { PlanAnswer, StatusAnswer } from '../../src/core/operator.ts'
import { clusterOf, worker } from '../core/cluster/nodes.ts'

const remark = 'w-2 runs v1.13.9-k7.1.9, which is not an official release: it is left alone'
const status: StatusAnswer = {
  version: '1.0.0',
  pid: 7,
  startedAt: '2026-11-01T00:00:00Z',
  cluster: { ...clusterOf(worker('w-1')), observedAt: '2026-11-02T00:00:00Z' },
  power: { upses: [], shutdownRequestedAt: undefined },
  target: undefined,
  news: 'v1.13.9 is the newest',
  leftBehind: [remark],
  leaseHolder: undefined,
  activities: [],
  alerts: { open: 0, worst: undefined },
  outage: undefined,
  paused: undefined,
  published: undefined,
  images: [{ name: 'amd64', file: 'metal-amd64-uki.efi', published: undefined, note: undefined }],
  queue: {},
  services: [],
  missing: [],
  configuration: undefined,
  journalDegraded: undefined,
}
const rendered = (changed: Partial<StatusAnswer>) =>
  stripVTControlCharacters(
    renderStatus({ ...status, ...changed }, { now: Date.parse('2026-11-02T00:00:00Z'), zone: 'UTC' }),
  )

test('status names who stays behind, below the release', () => {
  expect(rendered({})).toContain(`release    v1.13.9 is the newest\n           ${remark}\n`)
})

test('status names what the daemon does without, and no nodes where there are none', () => {
  const text = rendered({
    cluster: { ...clusterOf(), observedAt: '2026-11-02T00:00:00Z' },
    missing: ['nodes: list them under nodes'],
    configuration: 'caretaker.yaml was changed since the start; restart needed for: hosts',
    services: [
      { name: 'queue', state: 'down', since: '2026-11-01T00:00:00Z', text: 'no such host' },
      { name: 'ups-watch', state: 'running', since: '2026-11-01T00:00:00Z', text: undefined },
      { name: 'schematics-watch', state: 'running', since: '2026-11-01T00:00:00Z', text: 'gpu.yaml is not there' },
    ],
  })
  expect(text).toContain('missing    nodes: list them under nodes')
  expect(text).toContain('config     caretaker.yaml was changed since the start; restart needed for: hosts')
  expect(text).toContain('service    queue is down: no such host')
  expect(text).toContain('service    schematics-watch: gpu.yaml is not there')
  expect(text).not.toMatch(/ups-watch|kubernetes|NODE/)
})

test('status says it once', () => {
  const news = `v1.13.9 is the newest; ${remark}`
  expect(rendered({ news }).split(remark)).toHaveLength(2)
})

test('status says what the upgrade waits for, or is stuck at', () => {
  const waiting = 'w-1 booted its previous release: `caretaker retry w-1` tries again'
  expect(rendered({ waiting })).toContain(`\nupgrade    ${waiting}\n`)
  expect(rendered({})).not.toContain('upgrade')
})

test('the plan says whose step is to be approved, and how', () => {
  const plan: PlanAnswer = {
    release: { kind: 'target', version: 'v1.13.9', reason: 'the newest patch of 1.13, from v1.12.11' },
    held: [],
    version: 'v1.13.9',
    decision: { kind: 'upgraded' },
    order: ['w-2', 'w-1'],
    takesMs: 60_000,
    toApprove: ['w-1'],
    warnings: [],
  }
  expect(stripVTControlCharacters(renderPlan(plan, 'UTC'))).toContain(
    '\napprove: `caretaker approve v1.13.9`, for w-1\n',
  )
  expect(stripVTControlCharacters(renderPlan({ ...plan, toApprove: [] }, 'UTC'))).not.toContain('approve')
})
