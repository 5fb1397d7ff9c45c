import { describe, expect, test } from 'vitest'
import type { CordonMark, KubernetesFacts, TalosFacts } from '../../../src/core/cluster/cluster.ts'
import { armedRelease, isInstalled, nextBootObstacle, nextBootOf } from '../../../src/core/cluster/next-boot.ts'
import { armedEntries, worker } from './nodes.ts'

const mark: CordonMark = { why: 'upgrade', at: '2026-03-07T02:00:00Z', release: 'v1.14.1', bootId: 'boot-1' }
const grub = { bootedEntry: undefined, defaultEntry: undefined }
const noAdmin = { defaultEntry: undefined }
const cordoned = (changes: Partial<CordonMark>): Partial<KubernetesFacts> => ({
  unschedulable: true,
  cordon: { ...mark, ...changes },
})

test.each([
  ['Talos-v1.13.9.efi', true],
  ['Talos-v1.13.9~1.efi', true],
  ['talos-V1.13.9.EFI', true],
  ['a-name-of-somebody.efi', true],
  ['Talos-v1.12.11.efi', false],
])('%s holds v1.13.9, or may: %s', (defaultEntry, holds) => {
  expect(isInstalled(worker('w-1', { talos: { defaultEntry } }), 'v1.13.9')).toBe(holds)
})

describe('what the next boot of a node starts', () => {
  test.each<{
    name: string
    talos?: Partial<TalosFacts>
    kubernetes?: Partial<KubernetesFacts>
    next: 'same' | 'unknown' | 'another'
    installed?: boolean
  }>([
    { name: 'is what runs, where systemd-boot says so', next: 'same' },
    {
      name: 'is another release, where systemd-boot says so, whoever installed it',
      talos: { defaultEntry: 'Talos-v1.14.1.efi' },
      next: 'another',
      installed: true,
    },
    {
      name: 'is another image of the same release',
      talos: { defaultEntry: 'Talos-v1.13.8~1.efi' },
      next: 'another',
      installed: true,
    },
    { name: 'is the same in other letters', talos: { defaultEntry: 'talos-V1.13.8.EFI' }, next: 'same' },
    {
      name: 'is what runs, where the entry of the last firmware boot is shown after a kexec',
      talos: { bootedEntry: 'Talos-v1.12.11.efi' },
      next: 'same',
    },
    {
      name: 'is another release, also where the entry of the last firmware boot is shown after a kexec',
      talos: { bootedEntry: 'Talos-v1.12.11.efi', defaultEntry: 'Talos-v1.14.1.efi' },
      next: 'another',
      installed: true,
    },
    { name: 'is not known by a pattern', talos: { defaultEntry: 'Talos-*' }, next: 'unknown' },
    { name: 'is not known with GRUB', talos: grub, next: 'unknown' },
    { name: 'is not known without os:admin', talos: noAdmin, next: 'unknown' },
    {
      name: 'may be what our installer was started for, with GRUB',
      talos: grub,
      kubernetes: cordoned({ installer: 'started' }),
      next: 'another',
      installed: false,
    },
    {
      name: 'is what our installer has installed, with GRUB',
      talos: grub,
      kubernetes: cordoned({ installer: 'succeeded' }),
      next: 'another',
      installed: true,
    },
    {
      name: 'is what was installed on purpose, without os:admin',
      talos: noAdmin,
      kubernetes: { staged: { ...mark, installer: 'succeeded' } },
      next: 'another',
      installed: true,
    },
    {
      name: 'is not known any more once it has booted since our installer ran',
      talos: { ...grub, bootId: 'boot-2' },
      kubernetes: cordoned({ installer: 'succeeded' }),
      next: 'unknown',
    },
    {
      name: 'is what runs, although our installer was started: systemd-boot knows better',
      kubernetes: cordoned({ installer: 'started' }),
      next: 'same',
    },
    {
      name: 'is not known by a mark of a node that was only cordoned',
      talos: grub,
      kubernetes: cordoned({}),
      next: 'unknown',
    },
    {
      name: 'is not known without a disk: what the firmware remembers is of one that it had once',
      talos: { onDisk: false, defaultEntry: 'Talos-v1.14.1.efi' },
      next: 'unknown',
    },
    {
      name: 'is not known without a disk, whatever is staged',
      talos: { onDisk: false, staged: true },
      next: 'unknown',
    },
    { name: 'is known with a disk', talos: { onDisk: true }, next: 'same' },
    {
      name: 'is not known where only the entry that runs is missing',
      talos: { bootedEntry: undefined, defaultEntry: 'Talos-v1.14.1.efi' },
      next: 'unknown',
    },
    { name: 'installs a staged upgrade first', talos: { staged: true }, next: 'another', installed: true },
    {
      name: 'may be another while META 0x06 stays on a node that is up, with GRUB',
      talos: { ...grub, fallbackPending: true },
      next: 'another',
      installed: true,
    },
    {
      name: 'is what runs in the moment between a good boot and its confirmation',
      talos: { fallbackPending: true },
      next: 'same',
    },
    { name: 'is not asked of a node that boots', talos: { stage: 'booting' }, next: 'unknown' },
    { name: 'is known of a node that has fallen ill', talos: { ready: false }, next: 'same' },
    {
      name: 'is another on a node that has fallen ill after the installation, by its entries',
      talos: { ...armedEntries, ready: false },
      next: 'another',
      installed: true,
    },
    {
      name: 'is another on a node that has fallen ill after the installation, by our mark alone',
      talos: { ...grub, ready: false },
      kubernetes: cordoned({ installer: 'succeeded' }),
      next: 'another',
      installed: true,
    },
    {
      name: 'is not told by META 0x06 before the boot has proven itself',
      talos: { ...grub, fallbackPending: true, ready: false },
      next: 'unknown',
    },
    {
      name: 'may be another by what is left of our mark after a person has uncordoned the node',
      talos: grub,
      kubernetes: { leftover: { ...mark, installer: 'succeeded' } },
      next: 'another',
      installed: true,
    },
  ])('$name', ({ talos = {}, kubernetes = {}, next, installed = false }) => {
    const node = worker('w-1', { talos, kubernetes })
    expect(nextBootOf(node).kind).toBe(next)
    expect(isInstalled(node)).toBe(installed)
  })

  test('of a silent node is not known', () => {
    expect(nextBootOf(worker('w-1', { talos: 'silent' })).kind).toBe('unknown')
  })

  test('has the release that our mark says, in the boot that the mark is about', () => {
    const kubernetes = cordoned({ installer: 'started' })
    expect(armedRelease(worker('w-1', { kubernetes }))).toBe('v1.14.1')
    expect(armedRelease(worker('w-1', { talos: { bootId: 'boot-2' }, kubernetes }))).toBe(undefined)
  })
})

test('of several marks the one whose installer was started counts', () => {
  const staged: CordonMark = { ...mark, release: 'v1.14.0', installer: 'succeeded' }
  const node = worker('w-1', { talos: grub, kubernetes: { ...cordoned({}), staged } })
  expect([nextBootOf(node).kind, armedRelease(node)]).toEqual(['another', 'v1.14.0'])
  expect(armedRelease(worker('w-1', { talos: 'silent', kubernetes: { staged } }))).toBeUndefined()
})

test('after a reboot, what runs and what the next boot starts must be one', () => {
  const facts = (changes: Partial<TalosFacts>) => {
    const { talos } = worker('w-1', { talos: changes })
    if (!talos.ok) throw new Error('it is there')
    return talos.value
  }
  expect(nextBootObstacle(facts({}))).toBe(undefined)
  expect(nextBootObstacle(facts(grub))).toBe(undefined)
  expect(nextBootObstacle(facts({ bootedEntry: 'Talos-v1.12.11.efi' }))).toBe(undefined)
  // None of these says that another one boots next.
  expect(nextBootObstacle(facts({ defaultEntry: 'Talos-*' }))).toBe(undefined)
  expect(nextBootObstacle(facts({ bootedEntry: undefined, defaultEntry: 'Talos-v1.12.11.efi' }))).toBe(undefined)
  expect(nextBootObstacle(facts(noAdmin))).toBe(undefined)
  expect(nextBootObstacle(facts({ onDisk: false, defaultEntry: 'Talos-v1.12.11.efi' }))).toBe(undefined)
  expect(nextBootObstacle(facts({ onDisk: true, defaultEntry: 'Talos-v1.12.11.efi' }))).toBeDefined()
  expect(nextBootObstacle(facts({ bootedEntry: 'mine.efi', defaultEntry: 'other.efi' }))).toBeDefined()
  expect(nextBootObstacle(facts({ defaultEntry: 'Talos-v1.12.11.efi' }))).toBe(
    'it runs v1.13.8 (Talos-v1.13.8.efi), but its next boot starts Talos-v1.12.11.efi',
  )
})
