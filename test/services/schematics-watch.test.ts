import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import type { RegisteredSchematic } from '../../src/core/release/schematic.ts'
import { loadSchematics } from '../../src/services/schematics-watch/watch.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import schematicsWatch from '../../src/services/schematics-watch/service.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { silentLog } from '../fakes/log.ts'
import { temporaryFolder } from '../lab/process.ts'
import { patience } from '../patience.ts'

/** Any text but 'bad…' is good, and its own id. */
function parse(text: string, file: string): RegisteredSchematic {
  if (text.startsWith('bad')) throw new AgentError('misconfigured', `${file}: ${text}`)
  return { id: text.trim(), schematic: {} }
}

async function lab(files: Readonly<Record<string, string>>) {
  const folder = await temporaryFolder()
  const path = (file: string) => join(folder.path, file)
  for (const [file, text] of Object.entries(files)) await writeFile(path(file), text)
  const changes: string[] = []
  const refusals: string[] = []
  const schematics = await loadSchematics({
    directory: folder.path,
    parse,
    changed: async (name) => void changes.push(name),
    refused: (name, why) => refusals.push(why === undefined ? `${name} is good` : `${name}: ${why}`),
    log: silentLog,
  }).catch(async (error: unknown) => {
    await folder[Symbol.asyncDispose]()
    throw error
  })
  return {
    path,
    changes,
    refusals,
    schematics,
    id: (name: string) => schematics.current.get(name)?.id,
    [Symbol.asyncDispose]: async () => {
      await schematics[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

describe('the folder of schematics', () => {
  test('is read at the start: one file, one schematic, and nothing else in it counts', async () => {
    await using at = await lab({
      'homelab.yaml': 'one',
      'gpu.yaml': 'two',
      'notes.md': 'x',
      '.swap.yaml': 'x',
      'a.yaml~': 'x',
    })
    expect([...at.schematics.current].map(([name, { id }]) => [name, id])).toEqual([
      ['gpu', 'two'],
      ['homelab', 'one'],
    ])
  })

  test('must be good at the start, and names every fault at once', async () => {
    await expect(lab({ 'a.yaml': 'bad one', 'b.yaml': 'fine', 'c.yaml': 'bad two' })).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(/a\.yaml: bad one\n.*c\.yaml: bad two/),
    })
    await expect(
      loadSchematics({
        directory: '/no/such/folder',
        parse,
        changed: async () => {},
        refused: () => {},
        log: silentLog,
      }),
    ).rejects.toMatchObject({ code: 'misconfigured', message: expect.stringContaining('/no/such/folder') })
  })

  test('takes an edit in place, one by renaming, and a new file', async () => {
    await using at = await lab({ 'homelab.yaml': 'one' })
    at.schematics.watch()
    await writeFile(at.path('homelab.yaml'), 'two')
    await expect.poll(() => at.id('homelab'), patience).toBe('two')
    await writeFile(at.path('.homelab.yaml.new'), 'three')
    await rename(at.path('.homelab.yaml.new'), at.path('homelab.yaml'))
    await expect.poll(() => at.id('homelab'), patience).toBe('three')
    await writeFile(at.path('gpu.yaml'), 'four')
    await expect.poll(() => at.id('gpu'), patience).toBe('four')
    expect(at.changes).toEqual(['homelab', 'homelab', 'gpu'])
    expect(new Set(at.refusals)).toEqual(new Set(['homelab is good', 'gpu is good']))
  })

  test('takes an edit that came before it was watched', async () => {
    await using at = await lab({ 'homelab.yaml': 'one', 'gpu.yaml': 'same' })
    await writeFile(at.path('homelab.yaml'), 'two')
    at.schematics.watch()
    await expect.poll(() => at.id('homelab'), patience).toBe('two')
    expect(at.changes).toEqual(['homelab'])
  })

  test('keeps the last good one after a bad edit and after a removal, and says so', async () => {
    await using at = await lab({ 'homelab.yaml': 'one', 'gpu.yaml': 'two' })
    at.schematics.watch()
    await writeFile(at.path('homelab.yaml'), 'bad edit')
    // The watch reads the other file at its start, too, sooner or later.
    const lastOf = (name: string) => at.refusals.findLast((text) => text.startsWith(name))
    await expect
      .poll(() => lastOf('homelab'), patience)
      .toMatch(/^homelab: .*bad edit.*; its last version stays in use$/)
    await rm(at.path('gpu.yaml'))
    await expect.poll(() => lastOf('gpu'), patience).toMatch(/^gpu: .*was removed; its last version stays in use/)
    expect([at.id('homelab'), at.id('gpu')]).toEqual(['one', 'two'])
    expect(at.changes).toEqual([])
    // Mended without a change: nothing is new, and nothing is wrong any more.
    await writeFile(at.path('homelab.yaml'), 'one')
    await expect.poll(() => lastOf('homelab'), patience).toBe('homelab is good')
    expect(at.changes).toEqual([])
    await writeFile(at.path('homelab.yaml'), 'three')
    await expect.poll(() => at.changes, patience).toEqual(['homelab'])
  })
})

test('an alert about a schematic that was deleted is settled at the next start, and one that is still bad stays open', async () => {
  await using folder = await temporaryFolder()
  for (const [file, text] of Object.entries({ 'homelab.yaml': 'one', 'old.yaml': 'bad', 'gpu.yaml': 'bad' }))
    await writeFile(join(folder.path, file), text)
  const journal = memoryJournal()
  const alerts = createAlerts(journal, () => new Date())
  const start = async () => {
    const service = await schematicsWatch.start({
      config: () => ({ schematic: 'homelab', nodes: [], images: [] }),
      ports: { journal },
      alerts,
      files: { schematics: folder.path, parseSchematic: parse },
      notice: { schematics: async () => {} },
      log: silentLog,
    } as unknown as Parameters<typeof schematicsWatch.start>[0])
    await service[Symbol.asyncDispose]()
    return alerts.all.map(({ id }) => id).toSorted()
  }
  expect(await start()).toEqual(['schematic.refused:gpu', 'schematic.refused:old'])
  await rm(join(folder.path, 'old.yaml'))
  expect(await start()).toEqual(['schematic.refused:gpu'])
})
