import { describe, expect, test } from 'vitest'
import { armedEntries, controlPlanes, worker } from '../core/cluster/nodes.ts'
import { asks, came, marked, type Requested, rollout, wentBack } from './rolling-back.ts'

describe('a node is rolled back', () => {
  test.each<{ name: string; asked: Requested; said: string; to?: string }>([
    {
      name: 'to what our record says that it ran before',
      asked: { rollouts: [came] },
      said: 'w-1 will be rolled back from v1.13.8 to v1.13.7',
      to: 'v1.13.7',
    },
    {
      name: 'to what the mark of its upgrade says that it ran before',
      asked: { w1: { talos: { version: 'v1.13.9', bootId: 'boot-2' }, kubernetes: marked({ rebooting: true }) } },
      said: 'w-1 will be rolled back from v1.13.9 to v1.13.8',
      to: 'v1.13.8',
    },
    {
      name: 'where it says itself that there is something to boot',
      asked: { w1: { talos: { hasOtherEntry: true } } },
      said: 'w-1 will be rolled back from v1.13.8',
    },
    {
      name: 'with force, where nobody knows whether there is something',
      asked: { force: true },
      said: 'w-1 will be rolled back from v1.13.8',
    },
    {
      name: 'with force, where it says that there is nothing',
      asked: { force: true, w1: { talos: { hasOtherEntry: false } } },
      said: 'w-1 will be rolled back from v1.13.8',
    },
    {
      name: 'with force, forward again',
      asked: { force: true, rollouts: [wentBack] },
      said: 'w-1 will be rolled back from v1.13.8 to v1.13.9',
      to: 'v1.13.9',
    },
    {
      name: 'with force, though it has booted the release before already',
      asked: { force: true, w1: { kubernetes: marked({ rebooting: true, bootId: 'boot-0' }) } },
      said: 'w-1 will be rolled back from v1.13.8 to v1.13.8',
      to: 'v1.13.8',
    },
    {
      name: 'by being disarmed, where another release is installed',
      asked: { w1: { talos: armedEntries } },
      said: 'w-1 is disarmed: it reboots into the release that it runs',
    },
    {
      name: 'by being disarmed, also after it was rolled back once',
      asked: { w1: { talos: armedEntries }, rollouts: [wentBack] },
      said: 'w-1 is disarmed: it reboots into the release that it runs',
    },
    {
      name: 'by being disarmed, and what it came from stays known in case nothing was installed',
      asked: { w1: { talos: armedEntries }, rollouts: [came] },
      said: 'w-1 is disarmed: it reboots into the release that it runs',
      to: 'v1.13.7',
    },
    {
      name: 'by being disarmed, where another release was installed after its upgrade',
      asked: {
        w1: {
          talos: {
            version: 'v1.13.9',
            bootId: 'boot-2',
            bootedEntry: 'Talos-v1.13.9.efi',
            defaultEntry: 'Talos-v1.14.1.efi',
          },
          kubernetes: marked({ rebooting: true }),
        },
      },
      said: 'w-1 is disarmed: it reboots into the release that it runs',
    },
    {
      name: 'with force by being disarmed, where an upgrade is staged',
      asked: { force: true, w1: { talos: { staged: true } } },
      said: 'w-1 is disarmed: it reboots into the release that it runs',
    },
    {
      name: 'by being left as it is, where its upgrade was only begun',
      asked: { w1: { talos: { hasOtherEntry: false }, kubernetes: marked({}) } },
      said: 'the upgrade of w-1 is stopped: it keeps v1.13.8',
    },
    {
      name: 'once its upgrade was begun, whoever brought it there',
      asked: { w1: { kubernetes: marked({}) } },
      said: 'w-1 will be rolled back from v1.13.8',
    },
    {
      name: 'as a control plane whose etcd can read the data',
      asked: {
        node: 'cp-1',
        cp1: {
          talos: { hasOtherEntry: true },
          kubernetes: marked({ from: 'v1.13.7', bootId: 'boot-0', release: 'v1.13.8' }),
        },
      },
      said: 'cp-1 will be rolled back from v1.13.8 to v1.13.7',
      to: 'v1.13.7',
    },
  ])('$name', async ({ asked, said, to }) => {
    const ran = await asks({ isPaused: true, ...asked })
    expect([ran.said.split('; waiting: ')[0], ran.changed, ran.written, ran.started]).toEqual([
      said,
      true,
      1,
      ['upgrade-node'],
    ])
    const { node = 'w-1', force = false } = asked
    const bootId =
      asked.w1?.talos === undefined || asked.w1.talos === 'silent' ? 'boot-1' : (asked.w1.talos.bootId ?? 'boot-1')
    expect(ran.requests).toEqual([{ node, bootId, force, ...(to === undefined ? {} : { to }) }])
  })

  test('with force although that costs the quorum, which is said', async () => {
    const nodes = controlPlanes({}, {}, { talos: 'silent' })
    const { said } = await asks({ nodes, node: 'cp-1', force: true })
    expect(said).toMatch(/^cp-1 will be rolled back from v1\.13\.8, although etcd would be left with 1 of 3/)
    const { said: ofWorker } = await asks({ nodes: [...nodes, worker('w-1')], force: true })
    expect(ofWorker).not.toMatch(/although/)
  })

  test('with force although one of two members is to leave, whatever the configuration allows', async () => {
    const { said } = await asks({ nodes: controlPlanes({}, {}), node: 'cp-1', force: true })
    expect(said).toMatch(/, although etcd has two members/)
  })

  test('without force the quorum is waited for', async () => {
    const kubernetes = marked({ from: 'v1.13.7', bootId: 'boot-0', release: 'v1.13.8' })
    const nodes = controlPlanes({ talos: { hasOtherEntry: true }, kubernetes }, {}, { talos: 'silent' })
    const { said, changed } = await asks({ nodes, node: 'cp-1' })
    expect([said, changed]).toEqual(['cp-1 will be rolled back from v1.13.8 to v1.13.7', true])
  })
})

describe('a node is not rolled back, and nothing changes', () => {
  const forward = /^rejected: w-1 can't be rolled back any further: it was rolled back from v1\.13\.9, .*--force$/
  const unknown =
    /^rejected: w-1 can't be rolled back: it is unknown whether it has a previous release to boot.*--force$/
  test.each<{ name: string; asked: Requested; said: RegExp }>([
    {
      name: 'where another machine answers at its address, whatever is asked',
      asked: { force: true, w1: { identity: { kind: 'another', machineId: 'abcdef0123', as: 'w-2' } } },
      said: /^rejected: w-1 can't be rolled back: it is not the machine that answers at its address: that is w-2/,
    },
    {
      name: 'where the next boot would install what is staged',
      asked: { w1: { talos: { staged: true } } },
      said: /^rejected: w-1 can't be rolled back: any next boot installs .*`talosctl -n w-1 meta delete 0x07`$/,
    },
    {
      name: 'where it has booted the release before already',
      asked: { w1: { talos: { hasOtherEntry: true }, kubernetes: marked({ rebooting: true, bootId: 'boot-0' }) } },
      said: /^rejected: w-1 runs v1\.13\.8 already, .*`caretaker retry w-1`$/,
    },
    { name: 'forward', asked: { rollouts: [wentBack] }, said: forward },
    { name: 'where nobody knows what it would boot', asked: {}, said: unknown },
    {
      name: 'where it was never upgraded',
      asked: { w1: { talos: { hasOtherEntry: false } } },
      said: /^rejected: w-1 can't be rolled back: it has no previous release to boot, because it was never upgraded/,
    },
    {
      name: 'where its etcd could not read the data',
      asked: { node: 'cp-1', cp1: { talos: { hasOtherEntry: true } } },
      said: /^rejected: cp-1 can't be rolled back: the release that cp-1 would roll back to is unknown.*--force$/,
    },
    {
      name: 'where it does not answer',
      asked: { force: true, w1: { talos: 'silent' } },
      said: /^unreachable: no route to host$/,
    },
  ])('$name', async ({ asked, said }) => {
    const open1 = { ...rollout('v1.14.1', undefined, false), id: '2026-05-01T02:50:00.000Z' }
    const ran = await asks({ ...asked, rollouts: [...(asked.rollouts ?? []), open1] })
    expect(ran.said).toMatch(said)
    expect([ran.requests, ran.aborts, ran.record?.release]).toEqual([[], [], 'v1.14.1'])
    expect([ran.started, ran.written]).toEqual([[], 0])
  })
})
