import { describe, expect, test } from 'vitest'
import type { Step } from '../../src/core/plan.ts'
import { english } from '../../src/core/wording.ts'

const machine = { role: 'worker' } as const
const mark = { why: 'upgrade', at: '2026-03-07T02:00:00Z' } as const
const image = 'factory.talos.dev/metal-installer/abc:v1.13.9'
const waking = { hasMac: true, powerOnAfter: undefined, retryInterval: 1, within: 1 }
const setting = { system: 'ceph', namespace: 'rook-ceph', name: 'noout', before: 'unset', during: 'set' } as const
const order = {
  schematic: 'abc',
  version: 'v1.13.9',
  architecture: 'amd64',
  secureBoot: false,
  kind: 'uki',
  kernelArguments: [],
} as const

/** One of each kind: a kind that is missing here does not compile. */
const each: { readonly [Do in Step['do']]: readonly [Extract<Step, { do: Do }>, string] } = {
  'pull-image': [{ do: 'pull-image', node: 'w-1', image, within: 1 }, 'pull v1.13.9 on w-1'],
  cordon: [{ do: 'cordon', node: 'w-1', mark, within: 1 }, 'cordon w-1'],
  'note-failure': [
    { do: 'note-failure', node: 'w-1', attempts: { release: 'v1.13.9', count: 1 } },
    'record the failure on w-1',
  ],
  drain: [{ do: 'drain', node: 'w-1', policy: {}, within: 1 }, 'drain w-1'],
  confirm: [
    { do: 'confirm', node: 'w-1', machine, limits: { parallel: 1, twoMembers: 'refuse' } },
    'confirm that w-1 may go down',
  ],
  'snapshot-etcd': [{ do: 'snapshot-etcd', node: 'cp-1', release: 'v1.13.9', within: 1 }, 'snapshot etcd on cp-1'],
  'forfeit-leadership': [{ do: 'forfeit-leadership', node: 'cp-1', machine }, 'forfeit etcd leadership on cp-1'],
  'note-staged': [{ do: 'note-staged', node: 'w-1', mark }, 'mark w-1 as staged'],
  install: [{ do: 'install', node: 'w-1', machine, image, within: 1 }, 'install v1.13.9 on w-1'],
  reboot: [{ do: 'reboot', node: 'w-1', machine, bootId: 'b', mark, mode: 'default' }, 'reboot w-1'],
  'install-and-reboot': [
    { do: 'install-and-reboot', node: 'w-1', machine, image, bootId: 'b', mark, mode: 'default', within: 1 },
    'install v1.13.9 on w-1 and reboot it',
  ],
  'roll-back': [
    { do: 'roll-back', node: 'w-1', machine, bootId: 'b', mark, force: false, twoMembers: 'refuse' },
    'roll back w-1',
  ],
  'await-upgraded': [
    {
      do: 'await-upgraded',
      node: 'w-1',
      version: 'v1.13.9',
      schematic: 'abc',
      bootId: 'b',
      within: 1,
      identity: { extensions: [] },
    },
    'wait until w-1 is upgraded',
  ],
  'await-rolled-back': [
    { do: 'await-rolled-back', node: 'w-1', bootId: 'b', mark, within: 1 },
    'wait until w-1 is rolled back',
  ],
  'await-checks': [{ do: 'await-checks', node: 'w-1', checks: [], within: 1 }, 'wait until the checks pass on w-1'],
  'await-etcd': [{ do: 'await-etcd', within: 1 }, 'wait until etcd is healthy'],
  uncordon: [{ do: 'uncordon', node: 'w-1', why: 'upgrade' }, 'uncordon w-1'],
  settle: [{ do: 'settle', node: 'w-1', lasts: 1 }, 'wait for w-1 to settle'],
  'shut-down': [{ do: 'shut-down', node: 'w-1', force: true, within: 1 }, 'shut down w-1'],
  'await-down': [{ do: 'await-down', node: 'w-1', within: 1 }, 'wait until w-1 is down'],
  'shut-down-host': [{ do: 'shut-down-host', host: 'nas', within: 1 }, 'shut down nas'],
  'await-host-down': [{ do: 'await-host-down', host: 'nas', within: 1 }, 'wait until nas is down'],
  scale: [
    {
      do: 'scale',
      workload: { kind: 'Deployment', namespace: 'media', name: 'films', replicas: 3 },
      replicas: 0,
      within: 1,
    },
    'scale media/films to 0',
  ],
  'set-storage': [{ do: 'set-storage', setting, value: 'set', within: 1 }, 'set ceph noout to set'],
  'await-storage': [{ do: 'await-storage', within: 1 }, 'wait until storage is healthy'],
  'ups-command': [
    { do: 'ups-command', ups: 'rack', command: 'shutdown.return', within: 1 },
    'send shutdown.return to rack',
  ],
  'log-out-of-ups': [{ do: 'log-out-of-ups', ups: 'rack' }, 'log out of rack'],
  'log-in-to-ups': [{ do: 'log-in-to-ups', ups: 'rack' }, 'log in to rack'],
  'bring-back': [{ do: 'bring-back', node: 'w-1', afterKubernetes: true, ready: true, ...waking }, 'wake w-1'],
  'bring-back-host': [{ do: 'bring-back-host', host: 'nas', ...waking }, 'wake nas'],
  'stage-image': [{ do: 'stage-image', image: order }, 'stage v1.13.9'],
}

describe('a person reads steps in words', () => {
  test.each(Object.values(each).map(([step, words]) => ({ step, words })))('$words', ({ step, words }) => {
    expect(english.describeStep(step)).toBe(words)
  })
})
