import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import { openTokenFiles } from '../../../src/services/api/token-files.ts'
import { findToken } from '../../../src/services/api/tokens.ts'
import { createAlerts } from '../../../src/operations/alerts.ts'
import { memoryJournal } from '../../fakes/journal.ts'
import { silentLog } from '../../fakes/log.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { bearer, openDoor } from './door.ts'

const secret = 'secret-of-the-panel-0123456789'

/** A door that knows a token from a file that may be written again, and looks at it all the time. */
async function openWithFile(text: string | undefined) {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const file = join(folder.path, 'panel')
  if (text !== undefined) await writeFile(file, text)
  const tokens = [{ name: 'panel', scope: 'operate', token: { file } }]
  // However often it is tried until a look has come.
  const limits = { signIns: { burst: 1e9, perSecond: 1 }, requests: { burst: 1e9, perSecond: 1 } }
  const section = { tokens, anonymous: 'never' }
  const door = await openDoor({ tokens: [], section, means: { looksEvery: 5, limits } })
  const status = async (token: string) => (await door.ask({ headers: bearer(token) })).status
  return { door, file, status, alerts: () => door.alerts.all.map(({ id, text }) => `${id}: ${text}`) }
}

describe('a token from a file', () => {
  test('lets in, without the line break at its end', async () => {
    const { door, status } = await openWithFile(`${secret}\n`)
    await using _ = door
    expect(await status(secret)).toBe(200)
    expect(door.status()).toMatch(/, 1 token$/)
  })

  test('that is changed lets in by its new text, and no more by its old one', async () => {
    const { door, file, status } = await openWithFile(secret)
    await using _ = door
    await writeFile(file, 'another-of-the-panel-0123456789')
    await expect.poll(() => status('another-of-the-panel-0123456789')).toBe(200)
    expect(await status(secret)).toBe(401)
  })

  test.each([
    { what: 'is deleted', spoil: (file: string) => rm(file), why: /panel does not exist/ },
    {
      what: 'becomes too short',
      spoil: (file: string) => writeFile(file, secret.slice(0, 19)),
      why: /19 characters, which can be guessed/,
    },
  ])('that $what lets nobody in, and is an alert until it is back', async ({ spoil, why }) => {
    const { door, file, status, alerts } = await openWithFile(secret)
    await using _ = door
    await spoil(file)
    await expect.poll(() => status(secret)).toBe(401)
    await expect.poll(alerts).toEqual([expect.stringMatching(why)])
    expect(alerts().join()).not.toContain('secret-of')
    expect(await status(secret.slice(0, 19))).toBe(401)
    await writeFile(file, secret)
    await expect.poll(alerts).toEqual([])
    expect(await status(secret)).toBe(200)
  })

  test('that is not there yet lets in once it is', async () => {
    const { door, file, status, alerts } = await openWithFile(undefined)
    await using _ = door
    expect(alerts()).toHaveLength(1)
    await writeFile(file, secret)
    await expect.poll(() => status(secret)).toBe(200)
  })
})

/** Looks that are made one by one: what each finds is said before it. */
async function looksThat(...finds: readonly (string | AgentError)[]) {
  const journal = memoryJournal()
  const stop = new AbortController()
  let looks = 0
  const readSecret = async () => {
    const found = finds[Math.min(looks, finds.length - 1)]!
    looks += 1
    if (looks > finds.length) stop.abort()
    if (typeof found !== 'string') throw found
    return found
  }
  const alerts = createAlerts(journal, () => new Date())
  const context = { files: { readSecret }, alerts, log: silentLog } as never
  const files = await openTokenFiles([{ name: 'panel', scope: 'read', token: { file: 'panel' } }], context, 1)
  await files.follow(stop.signal)
  return {
    isKnown: findToken(files.all, secret, 0) !== undefined,
    opened: alerts.settled(9).length + alerts.all.length,
  }
}

const empty = new AgentError('misconfigured', 'the file panel is empty')
const silent = new AgentError('unreachable', 'panel did not answer within 3 s')

test('a file that is being written for the length of one look changes nothing', async () => {
  expect(await looksThat(secret, empty, secret)).toEqual({ isKnown: true, opened: 0 })
})

test('a file that is no token at two looks in a row lets nobody in', async () => {
  expect(await looksThat(secret, empty, empty)).toEqual({ isKnown: false, opened: 1 })
})

test('a file whose disk is silent does as before', async () => {
  expect(await looksThat(secret, silent, silent, silent)).toEqual({ isKnown: true, opened: 1 })
})
