import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import { openMemoryJournal } from '../../src/adapters/journal/journal.ts'
import { keepSigners, openFactories } from '../../src/main/factories.ts'
import { loadSettings } from '../../src/main/settings.ts'
import { remembered } from '../../src/operations/facts.ts'
import { temporaryFolder } from '../lab/process.ts'
import { createSigner } from '../lab/uki/sign-image.ts'
import { soon } from '../patience.ts'

/** A Factory that notes who asks it, and offers this. */
async function serve(offers: readonly string[]) {
  const seen: (string | undefined)[] = []
  const server = createServer(({ headers }, response) => {
    seen.push(headers.authorization)
    response.end(JSON.stringify(offers))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.116.6', resolve))
  const stop = () => (server.closeAllConnections(), void server.close())
  onTestFinished(stop)
  return { seen, stop, url: `http://127.0.116.6:${(server.address() as AddressInfo).port}` }
}

async function lab(factory: object) {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const path = (name: string) => join(folder.path, name)
  await writeFile(
    path('caretaker.yaml'),
    stringify({ schematic: 'homelab', share: { directory: 'share' }, state: 'state', factory }),
  )
  return { path, settings: await loadSettings(path('caretaker.yaml'), {}), journal: openMemoryJournal() }
}

describe('a Factory of the configuration', () => {
  test('is asked with a password from a file, and with another one once the file has another', async () => {
    const { url, seen } = await serve(['v1.13.9'])
    const it = await lab({ url, auth: { username: 'me', password: { file: 'password' } } })
    await writeFile(it.path('password'), 'one\n')
    const factory = await openFactories(it)
    await factory.versions(soon())
    await writeFile(it.path('password'), 'another\n')
    await factory.versions(soon())
    expect(seen).toEqual([`Basic ${btoa('me:one')}`, `Basic ${btoa('me:another')}`])
  })

  test('is asked with a token from a file', async () => {
    const { url, seen } = await serve(['v1.13.9'])
    const it = await lab({ url, auth: { token: { file: 'token' } } })
    await writeFile(it.path('token'), 'a-token\n')
    await (await openFactories(it)).versions(soon())
    expect(seen).toEqual(['Bearer a-token'])
  })

  test('whose password is missing is a mistake at a first start, and waits for it at a later one', async () => {
    const { url, seen } = await serve(['v1.13.9'])
    const it = await lab({ url, auth: { username: 'me', password: { file: 'password' } } })
    await expect(openFactories(it)).rejects.toMatchObject({ code: 'misconfigured' })
    const told: (string | undefined)[] = []
    const factory = await openFactories({
      ...it,
      canWait: () => true,
      told: { factoryAccess: (_, why) => told.push(why) },
    })
    await expect(factory.versions(soon())).rejects.toMatchObject({ code: 'misconfigured' })
    expect(told[0]).toContain('does not exist')
    expect(seen).toEqual([])
  })

  test('whose CA is no certificate is a mistake that names the setting', async () => {
    const it = await lab({ url: 'https://factory.lan', ca: 'ca.pem' })
    await writeFile(it.path('ca.pem'), 'nonsense')
    await expect(openFactories(it)).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining('factory.ca: ca.pem holds no PEM certificate'),
    })
  })

  test('that does not answer gives way to the next one, and nothing has vanished', async () => {
    const [first, second] = [await serve(['v1.13.9', 'v1.14.1']), await serve(['v1.13.9'])]
    const it = await lab({ url: first.url, fallbacks: [{ url: second.url }] })
    const told: (string | undefined)[] = []
    const factory = await openFactories({ ...it, told: { factoryAway: (why) => told.push(why) } })
    remembered.versions.remember(it.journal, await factory.versions(soon()))
    first.stop()
    expect(await factory.versions(soon())).toEqual(['v1.13.9', 'v1.14.1'])
    expect(told).toEqual([
      undefined,
      expect.stringContaining(`${first.url} does not answer, and ${second.url} is asked`),
    ])
  })
})

test('the certificates that sign images are read from all of their files, and again when one changes', async () => {
  const [one, other] = [await createSigner('one'), await createSigner('other')]
  const it = await lab({ signedBy: ['one.pem', 'other.pem'] })
  await writeFile(it.path('one.pem'), `${one.certificate}\n${one.certificate}\n`)
  await writeFile(it.path('other.pem'), one.certificate)
  const signers = await keepSigners(it)
  expect(await signers()).toHaveLength(3)
  await writeFile(it.path('other.pem'), other.certificate)
  expect((await signers()).at(-1)!.replaceAll(/\s/g, '')).toBe(other.certificate.replaceAll(/\s/g, ''))
})
