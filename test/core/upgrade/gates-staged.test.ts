import { describe, expect, test } from 'vitest'
import { armedEntries, schematic, worker } from '../cluster/nodes.ts'
import { outline, summary } from './rollout.ts'
import { three, decide, at, saturday, upgraded } from './gated.ts'

const all = [...three(), worker('w-1'), worker('w-2')]

describe('with mode: staged', () => {
  const wednesday = at('2026-03-04T12:00:00Z')
  const mode = { mode: 'staged', windows: [...saturday] } as const
  const mark = { why: 'upgrade', at: '2026-03-04T11:00:00Z', release: 'v1.13.9', schematic, bootId: 'boot-1' } as const
  const staged = (name: string, changed: object = {}) =>
    worker(name, { talos: { ...armedEntries }, kubernetes: { staged: { ...mark, ...changed } } })
  test('a node gets its release outside of windows, and stays in service', () => {
    const decision = decide([...three(), worker('w-1'), worker('w-2')], { now: wednesday }, mode)
    expect(summary(decision)).toBe('go w-1')
    expect(outline(decision)).toEqual([
      'pull-images: pull v1.13.9 on w-1',
      'annotate: mark w-1 as staged',
      'install: install v1.13.9 on w-1',
      'annotate: mark w-1 as staged',
    ])
  })
  test('then the next one', () => {
    expect(summary(decide([...three(), staged('w-1'), worker('w-2')], { now: wednesday }, mode))).toBe('go w-2')
  })
  test('and then the window is waited for', () => {
    const rest = upgraded(three())
    expect(summary(decide([...rest, staged('w-1')], { now: wednesday }, mode))).toBe(
      'wait: the next window opens on 2026-03-07 02:00 CET; it is already installed on w-1',
    )
  })
  test('in the window it is only drained and rebooted', () => {
    expect(outline(decide([...three(), staged('w-1')], {}, mode))).toEqual([
      'pull-images: pull v1.13.9 on w-1, pull v1.13.9 on cp-2, pull v1.13.9 on cp-3, pull v1.13.9 on cp-1',
      'cordon: cordon w-1',
      'drain: drain w-1',
      'confirm: confirm that w-1 may go down',
      'reboot: reboot w-1',
      'verify-boot: wait until w-1 is upgraded',
      'settle: wait for w-1 to settle',
      'uncordon: uncordon w-1',
    ])
  })
  test('what was staged for an older release is installed anew', () => {
    const nodes = [...three(), staged('w-1', { release: 'v1.13.7' })]
    expect(outline(decide(nodes, { now: wednesday }, mode))).toContain('install: install v1.13.9 on w-1')
  })
  const inWindow = (node: ReturnType<typeof staged>) => outline(decide([...upgraded(three()), node], {}, mode))
  const installs = 'install: install v1.13.9 on w-1'
  test('in the window too, whatever its next boot is called', () => {
    expect(inWindow(staged('w-1'))).not.toContain(installs)
    expect(inWindow(staged('w-1', { release: 'v1.13.7' }))).toContain(installs)
  })
  test('what may not be whole is installed anew: the installer was started, and nobody knows how it ended', () => {
    const talos = { bootedEntry: undefined, defaultEntry: undefined }
    const grub = (installer: 'started' | 'succeeded') =>
      worker('w-1', { talos, kubernetes: { staged: { ...mark, installer } } })
    expect(inWindow(grub('started'))).toContain(installs)
    expect(inWindow(grub('succeeded'))).not.toContain(installs)
  })
  test('what is noted and not installed is installed', () => {
    const noted = worker('w-1', { kubernetes: { staged: { ...mark, installer: 'started' } } })
    expect(outline(decide([...upgraded(three()), noted], { now: wednesday }, mode))).toContain(installs)
  })
  const waits = /^wait: the next window opens on 2026-03-07 02:00 CET/
  test('a node of Talos 1.12 waits for its window: there install and reboot are one call', () => {
    const older = worker('w-1', { talos: { version: 'v1.12.11' } })
    const decision = decide([...upgraded(three()), older], { now: wednesday }, mode)
    expect(summary(decision)).toMatch(waits)
    expect(decision).toMatchObject({ gate: 'window', until: at('2026-03-07T01:00:00Z') })
  })
  test('a node without an installation waits for its window', () => {
    const order = { version: 'v1.13.9', schematic, architecture: 'amd64', secureBoot: false, kind: 'uki' } as const
    const boot = { order: { ...order, kernelArguments: [] }, file: 'w-1.efi' }
    const goal = { networkBootOf: (name: string) => (name === 'w-1' ? boot : undefined) }
    const go = (...nodes: Parameters<typeof decide>[0]) => summary(decide(nodes, { now: wednesday }, mode, goal))
    expect(go(...upgraded(three()), worker('w-1'))).toMatch(waits)
    expect(go(...upgraded(three()), worker('w-1'), worker('w-2'))).toBe('go w-2')
  })
  test('nobody is armed before the canary has proven anything', () => {
    const canary = { node: 'w-2', watch: 3_600_000 }
    const go = (...nodes: Parameters<typeof decide>[0]) =>
      summary(decide(nodes, { now: wednesday }, { ...mode, canary }))
    expect(go(worker('w-1'), worker('w-2'), worker('w-3'))).toBe('go w-2')
    expect(go(worker('w-1'), staged('w-2'), worker('w-3'))).toMatch(waits)
    expect(go(worker('w-1'), ...upgraded([worker('w-2')]), worker('w-3'))).toBe('go w-1')
  })
  test('a node that can’t be next is not armed either', () => {
    const cordoned = worker('w-1', { kubernetes: { unschedulable: true } })
    expect(summary(decide([...upgraded(three()), cordoned], { now: wednesday }, mode))).toBe(
      'wait: w-1 was cordoned by someone else: uncordon it to continue',
    )
  })
  test('what somebody else has armed stops everything', () => {
    expect(summary(decide([...three(), staged('w-1', { bootId: 'boot-0' })], { now: wednesday }, mode))).toMatch(
      /^wait: w-1 has an upgrade installed that Caretaker did not start/,
    )
  })
  test('nothing is installed while something speaks against it', () => {
    expect(summary(decide(all, { now: wednesday, powerObstacle: 'the UPS is on battery' }, mode))).toBe(
      'wait: the UPS is on battery',
    )
  })
})
