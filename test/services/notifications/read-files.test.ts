import { expect, onTestFinished, test, vi } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import { createReadFiles, followFiles } from '../../../src/services/notifications/read-files.ts'
import { patience } from '../../patience.ts'

const gone = new AgentError('misconfigured', 'does not exist')
const hangs = new AgentError('unreachable', 'did not answer within 3 s')

/** Channels whose secrets are in files of their own, by what these say; each change is noted by the channel's name. */
async function follow(said: Record<string, string | Error>) {
  const reads: string[] = []
  const changes: string[] = []
  const files = {
    readSecret: async (source: { file: string } | { env: string }) => {
      const file = 'file' in source ? source.file : source.env
      reads.push(file)
      const text = said[file]!
      if (text instanceof Error) throw text
      return text
    },
  }
  const end = new AbortController()
  const all = Object.keys(said).map((file) => ({
    file,
    read: createReadFiles(files),
    changed: () => changes.push(file),
  }))
  for (const { file, read } of all) await read.files.readSecret({ file }).catch(() => {})
  const following = followFiles(all, end.signal, 1)
  onTestFinished(async () => {
    end.abort()
    await following
  })
  const looks = async () => {
    const before = reads.length
    await vi.waitFor(() => expect(reads.length).toBeGreaterThan(before + 3), patience)
  }
  return { reads, changes, looks }
}

test('a channel is opened anew when its token is another, or is there at last, and not because a file is gone', async () => {
  const said: Record<string, string | Error> = { phone: 'old', mail: gone }
  const { changes, looks } = await follow(said)
  await looks()
  expect(changes).toEqual([])
  said['phone'] = 'new'
  await vi.waitFor(() => expect(changes).toEqual(['phone']), patience)
  said['mail'] = 'a password'
  await vi.waitFor(() => expect(changes).toEqual(['phone', 'mail']), patience)
  said['phone'] = gone
  await looks()
  said['phone'] = 'new'
  await looks()
  expect(changes).toEqual(['phone', 'mail'])
})

test('no file is read behind one on a share that hangs, and all are once it is back', async () => {
  const said: Record<string, string | Error> = { phone: 'old', mail: 'old' }
  const { reads, changes, looks } = await follow(said)
  said['phone'] = hangs
  await looks()
  reads.length = 0
  said['mail'] = 'new'
  await looks()
  expect(new Set(reads)).toEqual(new Set(['phone']))
  said['phone'] = 'old'
  await vi.waitFor(() => expect(changes).toEqual(['mail']), patience)
})
