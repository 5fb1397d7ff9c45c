import { describe, expect, test } from 'vitest'
import type { Alert } from '../../../src/core/alert.ts'
import { journalView } from '../../../src/services/dashboard/journal/page.ts'
import { type Overview, overviewView } from '../../../src/services/dashboard/overview/view.ts'
import { settingsView } from '../../../src/services/dashboard/settings/page.ts'
import type { MachineDetails } from '../../../src/core/provision/requests.ts'
import { machinesView } from '../../../src/services/machine-config/pages/view.ts'
import { jobsView } from '../../../src/services/queue/jobs/page.ts'
import { imagesView } from '../../../src/services/schematics-watch/images/page.ts'
import { judgeRelease, releasesView } from '../../../src/services/schematics-watch/releases/page.ts'
import { nodesView } from '../../../src/services/node-watch/nodes/view.ts'
import { rolloutView } from '../../../src/services/node-watch/rollout/view.ts'
import { powerView } from '../../../src/services/ups-watch/page/view.ts'
import { bootsView } from '../../../src/services/boot-files/boots/view.ts'
import { worker } from '../../core/cluster/nodes.ts'
import { at, outage, textOf, ups, viewing } from './drawn.ts'

/** What somebody puts where a name or a reason goes. */
const evil = `<script>alert(1)</script>" onload='x' &`
const alert: Alert = { id: 'x', severity: 'warning', subject: evil, text: evil, action: evil, since: at }

const overview: Overview = {
  status: {
    alerts: { open: 1, worst: alert },
    power: { upses: [ups({}, evil)], shutdownRequestedAt: undefined },
    cluster: { observedAt: at, nodes: [worker(evil)], kubernetes: { ok: false, error: evil } },
    activities: [{ job: 'x', step: evil, since: at, hint: evil }],
    services: [{ name: evil, state: 'down', since: at, text: evil }],
    leftBehind: [evil],
    missing: [evil],
    news: evil,
    waiting: evil,
    paused: { reason: evil, by: evil },
  } as never,
  alerts: [alert],
  window: undefined,
  countdown: undefined,
  rollout: { release: evil, done: 1, total: 2, leftMs: 1 },
  lately: [{ id: 1, at, kind: 'alert', subject: evil, text: evil }],
}

const plan = {
  release: { kind: 'wait', version: evil, reason: evil },
  decision: { kind: 'stuck', node: evil, reason: evil },
  order: [evil],
  toApprove: [evil],
  held: [evil],
  warnings: [evil],
  takesMs: 1,
  version: evil,
}
const rollout = {
  id: at,
  release: evil,
  startedAt: at,
  endedAt: at,
  nodes: { [evil]: { role: 'worker', from: evil, startedAt: at, failures: [evil], phases: {} } },
}

const machine: MachineDetails = {
  id: evil,
  name: evil,
  state: 'pending',
  since: at,
  role: 'worker',
  mac: evil,
  maker: evil,
  serial: evil,
  uuid: evil,
  address: evil,
  way: 'maintenance',
  code: evil,
  lastAt: at,
  said: evil,
  next: evil,
  claimants: [1, 2].map(() => ({
    address: evil,
    code: evil,
    asked: 1,
    firstAt: at,
    lastAt: at,
    mac: evil,
    serial: evil,
    hostname: evil,
  })),
  evidence: [{ kind: 'odd', text: evil }],
  approval: { at, until: at, by: evil },
  delivery: { at, address: evil, way: 'plain', sha256: evil, isWhole: false },
  order: { name: evil, role: 'worker', labels: { [evil]: evil }, patches: [evil] },
  patchFiles: [evil],
}
const chosen = { details: machine, console: [evil] }

describe('what comes from elsewhere is text on every page', () => {
  test.each([
    { page: 'the overview', drawn: () => overviewView(overview, viewing) },
    {
      page: 'the journal',
      drawn: () =>
        journalView(
          {
            page: { items: overview.lately, next: evil },
            wanted: { kind: undefined, about: evil, text: evil, before: undefined },
          },
          viewing,
        ),
    },
    {
      page: 'settings',
      drawn: () =>
        settingsView(
          {
            file: evil,
            configuration: evil,
            services: overview.status.services,
            settings: [{ path: `a.${evil}`, value: evil, line: 1, about: evil }],
          },
          viewing,
        ),
    },
    {
      page: 'jobs',
      drawn: () =>
        jobsView(
          {
            jobs: [{ name: evil, about: evil, triggers: [{ cron: evil }], runs: 'queue', lastRun: undefined }],
            runs: [{ id: 1, job: evil, startedAt: at, endedAt: at, outcome: 'failed', detail: evil }],
            queue: {},
            failed: [{ job: evil, reason: evil, attempts: 1, failedAt: at }],
          },
          viewing,
        ),
    },
    {
      page: 'images',
      drawn: () =>
        imagesView(
          {
            directory: evil,
            image: evil,
            sections: new Map([[evil, [{ name: evil, bytes: 20_000_000 }]]]),
            images: [
              {
                version: evil,
                schematic: evil,
                architecture: evil,
                sha256: evil,
                bytes: 1,
                stagedAt: at,
                path: evil,
                kind: 'uki',
                secureBoot: true,
                published: true,
              } as never,
            ],
          },
          viewing,
        ),
    },
    {
      page: 'releases',
      drawn: () =>
        releasesView(
          {
            releases: [
              judgeRelease(
                { version: evil, isPrerelease: false, isWithdrawn: false },
                { decision: plan.release as never, running: [], policy: { channel: 'stable', skip: [] } as never },
              ),
            ],
            decision: plan.release as never,
            running: [],
          },
          viewing,
        ),
    },
    {
      page: 'nodes',
      drawn: () =>
        nodesView(
          {
            outage: undefined,
            cluster: {
              ...overview.status.cluster,
              workloads: {
                ok: true,
                value: {
                  pending: [],
                  blocking: [{ budget: evil, why: evil, pods: [{ name: evil, node: evil, owner: evil }] }],
                },
              },
            },
            target: evil,
            leftBehind: [evil],
            machines: [
              { name: evil, address: evil, kind: 'node', feed: evil, wakes: evil },
              { name: evil, address: evil, kind: 'NAS', feed: evil, wakes: evil },
            ],
          },
          viewing,
        ),
    },
    { page: 'machines', drawn: () => machinesView({ machines: [machine], chosen: { missing: evil } }, viewing) },
    {
      page: 'a machine',
      drawn: () => machinesView({ machines: [], chosen }, { ...viewing, scope: 'admin' }),
    },
    {
      page: 'boots',
      drawn: () => {
        const last = {
          startedAt: at,
          lastAt: at,
          machine: evil,
          phase: 'loading',
          asked: 1,
          said: evil,
          next: evil,
        } as const
        const told = {
          mac: evil,
          uuid: evil,
          address: evil,
          file: evil,
          firmware: evil,
          classId: evil,
          bytes: 9,
          arrived: 3,
        }
        const machine = { machine: evil, isKnown: false, mac: evil, maker: evil, boots: true, why: evil, last }
        return bootsView(
          {
            machines: [machine],
            chosen: { ...machine, tries: [{ ...last, ...told, blockSize: 512 }] },
            services: [{ name: evil, state: 'down', since: at, text: evil }],
            alerts: [alert],
          },
          viewing,
        )
      },
    },
    {
      page: 'the rollout',
      drawn: () =>
        rolloutView(
          {
            answer: {
              plan,
              current: rollout,
              approved: evil,
              aborted: [{ release: evil, by: evil, at }],
              paused: { reason: evil, by: evil },
              openUntil: at,
              snapshot: undefined,
            } as never,
            activities: overview.status.activities,
            past: [rollout as never],
          },
          viewing,
        ),
    },
    {
      page: 'power',
      drawn: () =>
        powerView(
          {
            power: {
              upses: [
                {
                  ...ups({}, evil),
                  loginRefused: evil,
                  noReading: { forMs: 1, why: evil },
                  triggers: [{ reason: 'low-battery', text: evil, disarmed: evil }],
                },
              ],
              shutdownRequestedAt: at,
            },
            plan: {
              form: 'short',
              reason: evil,
              leftMs: null,
              leftUnknown: evil,
              needsMs: 1,
              timeline: [{ phase: 'drain', steps: [evil], reversible: false, fromMs: 0, toMs: 1 }],
              unread: [],
            },
            outages: [outage('stopping', evil)],
            countdown: undefined,
            readings: [{ label: evil, samples: [{ at }] }],
            identities: new Map([[evil, { model: evil, serial: evil, firmware: evil, driver: evil, battery: evil }]]),
          },
          viewing,
        ),
    },
  ])('on $page', async ({ drawn }) => {
    const text = await textOf(drawn())
    expect(text).toMatch(/^(?!.*<script>).*&lt;script&gt;alert\(1\)&lt;\/script&gt;/s)
    expect(text).not.toMatch(/"[^"<>]*" onload='x'/)
  })
})
