import { fakeHomelab, type FakeHomelab } from '../../fakes/homelab.ts'
import { startAgent, type StartedAgent, type StartOptions } from '../../fakes/agent.ts'
import { offered } from '../../fakes/rollout.ts'
import { online, two } from '../../fakes/stories.ts'
import { remembered } from '../../../src/operations/facts.ts'
import type { Journal } from '../../../src/core/journal.ts'
import type { Condition } from './life.ts'

interface Seen {
  readonly name?: string
  readonly options?: StartOptions
  readonly begin: (homelab: FakeHomelab) => void
  readonly end: (homelab: FakeHomelab) => void
  /** What is there when the first process starts. */
  readonly record?: (journal: Journal, homelab: FakeHomelab) => void
  readonly looksBefore?: boolean
  /** The jobs that look, in this order. */
  readonly by: readonly string[]
  readonly look?: (it: StartedAgent) => Promise<unknown>
}

/** A condition of the homelab that jobs see. */
function seen({ name, options = {}, begin, end, record, looksBefore = false, by, look }: Seen): () => Condition {
  return () => {
    const homelab = fakeHomelab(two, offered)
    let isRecorded = false
    return {
      ...(name === undefined ? {} : { name }),
      looksBefore,
      begin: () => begin(homelab),
      end: () => end(homelab),
      start: ({ journal, alerts }) => {
        Object.assign(homelab.ports, { journal })
        if (!isRecorded) record?.(journal, homelab)
        isRecorded = true
        const it = startAgent(homelab, { alerts, ...options })
        return {
          look: async () => {
            await it.reads(online)
            await it.agent.idle()
            for (const job of by) await it.run(job).catch(() => {})
            await look?.(it)
            await it.agent.idle()
          },
          die: it.die,
        }
      },
    }
  }
}

const rollout = ['watch-releases', 'stage-image', 'upgrade-node']
const off = (homelab: FakeHomelab, up: boolean) =>
  void Object.assign(homelab.machine('w-1'), { up, stage: up ? 'running' : 'off' })

export const clusterConditions = {
  'cluster.lease': seen({
    begin: (homelab) => {
      homelab.lease = { holder: 'another', purpose: 'recovery', lasts: 3_600_000, until: Date.now() + 3_600_000 }
    },
    end: (homelab) => void (homelab.lease = undefined),
    by: rollout,
  }),
  'job.failed': seen({
    name: 'watch-releases',
    record: (_, homelab) => {
      const versions = async () => {
        if (homelab.versions.length === 0) throw new Error('the list is broken')
        return homelab.versions
      }
      Object.assign(homelab.ports, { factory: { ...homelab.ports.factory, versions } })
    },
    begin: (homelab) => void (homelab.versions = []),
    end: (homelab) => void (homelab.versions = ['v1.13.9']),
    by: ['watch-releases'],
  }),
  'journal.ordered': 'as `journal.unmarked`, of the same look: test/stories/journal-lost.test.ts',
  'journal.unmarked': seen({
    record: (journal) => remembered.lost.remember(journal, { at: '2026-11-22T10:00:00.000Z', why: 'not a database' }),
    begin: (homelab) => off(homelab, false),
    end: (homelab) => off(homelab, true),
    by: ['wake-cluster'],
  }),
  'node.armed': seen({
    name: 'w-1',
    options: { upgrade: { enabled: false } },
    begin: (homelab) => void (homelab.machine('w-1').installed = { version: 'v1.14.9', schematic: 'a'.repeat(64) }),
    end: (homelab) => void (homelab.machine('w-1').installed = { version: 'v1.13.9', schematic: 'a'.repeat(64) }),
    by: ['upgrade-node'],
  }),
  'node.identity': seen({
    name: 'w-1',
    options: { upgrade: { enabled: false } },
    begin: (homelab) => void homelab.addresses.set('w-1', 'cp-1'),
    end: (homelab) => void homelab.addresses.delete('w-1'),
    by: ['upgrade-node'],
  }),
  'node.role': seen({
    name: 'w-1',
    options: { upgrade: { enabled: false } },
    begin: (homelab) => void (homelab.machine('w-1').machineType = 'controlplane'),
    end: (homelab) => void (homelab.machine('w-1').machineType = 'worker'),
    by: ['upgrade-node'],
  }),
  'power.rehearsal': seen({
    begin: (homelab) => void (homelab.forbidden = ['cordon nodes']),
    end: (homelab) => void (homelab.forbidden = []),
    by: ['check-power'],
  }),
  'release.vanished': seen({
    begin: (homelab) => void (homelab.versions = ['v1.13.9']),
    end: (homelab) => void homelab.versions.push('v1.14.1'),
    looksBefore: true,
    by: ['watch-releases'],
  }),
  'release.withdrawn': seen({
    begin: (homelab) => void (homelab.withdrawn = ['v1.13.9']),
    end: (homelab) => void (homelab.withdrawn = []),
    by: ['watch-releases'],
  }),
  'rollout.approval': seen({
    options: { upgrade: { approval: 'minor' } },
    begin: () => {},
    end: (homelab) => remembered.approved.remember(homelab.ports.journal, 'v1.14.1'),
    by: rollout,
  }),
  'rollout.failed': 'the next try opens or settles it: test/stories/upgrade-adversity.test.ts',
  'rollout.held': 'a node that stays cordoned is looked at by each run: test/stories/rollout-adversity.test.ts',
  'rollout.stuck': seen({
    begin: (homelab) => void (homelab.machine('w-1').attempts = { release: 'v1.14.1', count: 9, failure: 'no' }),
    end: (homelab) => void (homelab.machine('w-1').attempts = undefined),
    by: [...rollout, 'upgrade-node', 'upgrade-node', 'upgrade-node'],
  }),
  'storage.recovery': 'opened in the middle of an outage: test/stories/power-storage.test.ts',
} as const
