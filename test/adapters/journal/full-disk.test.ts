import { execFileSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openJournal } from '../../../src/adapters/journal/journal.ts'
import { withNodeState } from '../../../src/core/power/outage.ts'
import { beginRollout, withNodeStarted } from '../../../src/core/upgrade/record.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { outageOf } from '../../core/power/outages.ts'
import { recall, remember } from './facts.ts'

const outage = outageOf(new Date('2026-11-22T10:00:00Z'), ['cp-1', 'w-1'], new Set(['cp-1', 'w-1']))
const stopping = withNodeState(outage, 'w-1', 'shutdown-sent')
const begun = beginRollout('v1.13.9', new Date('2026-11-22T09:00:00Z'))
const rollout = withNodeStarted(begun, { name: 'w-1', role: 'worker', from: 'v1.13.8' }, new Date(0))

/** A disk of so many bytes; undefined where we may not make one. */
function mountSmallDisk(path: string, size = '512k'): Disposable | undefined {
  if (process.getuid?.() !== 0) return undefined
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  return { [Symbol.dispose]: () => void execFileSync('umount', ['-l', path], { stdio: 'ignore' }) }
}

describe('a disk that is full', () => {
  test('takes nothing from the agent, which goes on in memory and writes all of it when there is room', async (context) => {
    await using folder = await temporaryFolder()
    using disk = mountSmallDisk(folder.path)
    context.skip(!disk, 'only root may mount a small disk')
    const said: (string | undefined)[] = []
    {
      using journal = openJournal(folder.path, { onDegraded: (why) => said.push(why) })
      journal.saveOutage(outage)
      journal.saveRollout(begun)
      const ballast = join(folder.path, 'ballast')
      await writeFile(ballast, Buffer.alloc(2 ** 20)).catch(() => {})

      for (let index = 0; index < 40; index++) journal.write({ kind: 'event', text: `${index} ${'x'.repeat(2_000)}` })
      expect(journal.degraded).toMatch(/full/)
      journal.saveOutage(stopping)
      journal.saveRollout(rollout)
      expect(journal.openRollout()).toEqual(rollout)
      expect(journal.outages(5)).toEqual([stopping])
      expect(journal.rollouts(5)).toEqual([rollout])
      remember(journal, 'wishes', ['v1.14.0'])
      remember(journal, 'paused', 'by hand')
      remember(journal, 'paused', undefined)
      const run = journal.beginRun('shut-down-cluster')
      journal.endRun(run, 'done', 'every node is down')
      expect(journal.firstSeen(['v1.14.0'], 100).get('v1.14.0')).toBe(100)
      expect(journal.firstSeen(['v1.14.0'], 200).get('v1.14.0')).toBe(100)
      expect(journal.openOutage()).toEqual(stopping)
      expect(recall(journal, 'wishes')).toEqual(['v1.14.0'])
      expect(recall(journal, 'paused')).toBeUndefined()
      expect(said).toEqual([expect.stringContaining('full')])

      await rm(ballast)
      journal.write({ kind: 'event', text: 'there is room again' })
      expect(journal.degraded).toBeUndefined()
      expect(said).toEqual([expect.any(String), undefined])
    }
    using again = openJournal(folder.path, { readOnly: true })
    expect(again.openOutage()).toEqual(stopping)
    expect(again.openRollout()).toEqual(rollout)
    expect(recall(again, 'wishes')).toEqual(['v1.14.0'])
    expect(recall(again, 'paused')).toBeUndefined()
    expect(again.firstSeen([], 300).get('v1.14.0')).toBe(100)
    expect(again.runs(1)).toEqual([expect.objectContaining({ outcome: 'done', detail: 'every node is down' })])
    const texts = again.entries(100).map(({ text }) => text.split(' ')[0])
    expect(texts).toEqual(['there', ...Array.from({ length: 40 }, (_, index) => `${39 - index}`)])
  })

  test('gets the last of it when the agent stops after there is room', async (context) => {
    await using folder = await temporaryFolder()
    using disk = mountSmallDisk(folder.path)
    context.skip(!disk, 'only root may mount a small disk')
    {
      using journal = openJournal(folder.path)
      await writeFile(join(folder.path, 'ballast'), Buffer.alloc(2 ** 20)).catch(() => {})
      for (let index = 0; index < 40; index++) journal.write({ kind: 'event', text: 'x'.repeat(2_000) })
      journal.saveOutage(stopping)
      expect(journal.degraded).toMatch(/full/)
      await rm(join(folder.path, 'ballast'))
    }
    using again = openJournal(folder.path, { readOnly: true })
    expect(again.openOutage()).toEqual(stopping)
  })

  test('loses the oldest sentences first where it stays full, and never an outage', async (context) => {
    await using folder = await temporaryFolder()
    using disk = mountSmallDisk(folder.path, '16m')
    context.skip(!disk, 'only root may mount a small disk')
    using journal = openJournal(folder.path)
    await writeFile(join(folder.path, 'ballast'), Buffer.alloc(2 ** 24)).catch(() => {})
    for (let index = 0; index < 40; index++) journal.write({ kind: 'event', text: 'x'.repeat(2_000) })
    expect(journal.degraded).toBeDefined()
    journal.saveOutage(stopping)
    for (let index = 0; index < 10_100; index++) journal.write({ kind: 'event', text: '' })
    await rm(join(folder.path, 'ballast'))
    using reader = openJournal(folder.path, { readOnly: true })
    expect(reader.openOutage()).toBeUndefined()
    journal.write({ kind: 'event', text: 'last' })
    using again = openJournal(folder.path, { readOnly: true })
    expect(again.openOutage()).toEqual(stopping)
    expect(again.entries(1)[0]!.text).toBe('last')
  })
})
