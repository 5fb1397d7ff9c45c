import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readStoreFacts } from '../../../src/services/queue/facts.ts'
import { startHttp } from '../../lab/http.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { isStoreMissing, openStore, skippedWord } from './lab.ts'
import { soon } from '../../patience.ts'

const readSecret = async () => 'wrong'

test.skipIf(isStoreMissing)(`our own store says that it keeps everything${skippedWord}`, async () => {
  await using folder = await temporaryFolder()
  await mkdir(join(folder.path, 'queue'))
  const files = { state: folder.path, readSecret }
  await expect(readStoreFacts({}, files, soon())).rejects.toMatchObject({
    code: 'unreachable',
    message: "the queue's store at its socket: it does not run",
  })
  await using store = await openStore(join(folder.path, 'queue'))
  expect(store.pid).toBeGreaterThan(0)
  expect(await readStoreFacts({}, files, soon())).toMatchObject({
    isOwn: true,
    server: expect.stringMatching(/^(redis|valkey) \d+\./),
    policy: 'noeviction',
    appends: true,
    saves: false,
  })
})

test('a store that is away, and one that is none, are told apart', async () => {
  const files = { state: '/nowhere', readSecret }
  await expect(readStoreFacts({ url: 'redis://127.0.94.1:9' }, files, soon())).rejects.toMatchObject({
    code: 'unreachable',
    message: "the queue's store at 127.0.94.1:9: nothing listens there",
  })
  await using web = await startHttp((_, response) => void response.end(), '127.0.94.2')
  await expect(readStoreFacts({ url: `redis://${web.host}` }, files, soon())).rejects.toThrow(
    `the queue's store at ${web.host}`,
  )
})
