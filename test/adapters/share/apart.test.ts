import { execFile } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ApartShare, createApartShare } from '../../../src/adapters/share/apart/apart.ts'
import type { ShareChild } from '../../../src/adapters/share/apart/process.ts'
import { startShareProcess } from '../../../src/main/share-process.ts'
import { type FuseMount, mountFuse, whyNoFuse } from '../../lab/fuse.ts'
import { createSigner } from '../../lab/uki/sign-image.ts'
import { refusal } from '../refusal.ts'
import { bootName, orderOf, type ShareLab, stageOn, startShareLab } from './lab.ts'
import { soon } from '../../patience.ts'

const silent = (directory: string) => ({
  code: 'unreachable',
  message: `the share ${directory} does not answer: is its server up?`,
})

describe.skipIf(whyNoFuse())('a share whose server stops in the middle of a call', () => {
  let at: ShareLab
  let mount: FuseMount
  let directory: string
  let share: ApartShare
  let started = 0
  beforeEach(async () => {
    at = await startShareLab('127.0.113.11')
    directory = await mkdtemp(join(tmpdir(), 'caretaker-fuse-'))
    mount = await mountFuse(at.directory, directory)
    started = 0
    share = createApartShare({
      directory,
      start: () => (started++, startShareProcess(directory)),
      schematicOf: () => undefined,
      // A busy machine takes seconds to start a process.
      answerWithin: 4_000,
      workWithin: 4_000,
      triedAgainAfter: 300,
    })
  })
  afterEach(async () => {
    share[Symbol.dispose]()
    await mount[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
    await at[Symbol.asyncDispose]()
  })

  test('keeps nobody waiting, takes none of our threads, and answers when it is back', async () => {
    await stageOn({ share, factory: at.factory }, orderOf('v1.13.9'))
    mount.stop()
    const began = performance.now()
    for (const error of await Promise.all(Array.from({ length: 20 }, () => refusal(share.staged()))))
      expect(error).toMatchObject(silent(directory))
    // One after another they would take 80 s.
    expect(performance.now() - began).toBeLessThan(40_000)
    expect(await refusal(share.publish(bootName, orderOf('v1.13.9'), soon()))).toMatchObject(silent(directory))
    // Files and names go through the same four threads.
    for (let time = 0; time < 8; time++) {
      expect(await readFile(join(at.directory, bootName))).toEqual(at.image('v1.13.9'))
      await lookup('localhost')
    }
    mount.goOn()
    await expect.poll(() => share.staged().catch(() => [])).toMatchObject([{ version: 'v1.13.9', published: true }])
    expect(started).toBeLessThan(12)
  })

  test('while an image comes: the download is given up, and nothing of it appears later', async () => {
    at.lab.faults.trickleAfterBytes = 50_000
    const staging = refusal(share.stage(orderOf('v1.13.9'), at.factory, soon()))
    const part = join(at.place('v1.13.9'), `.${bootName}.part`)
    await expect
      .poll(() =>
        readFile(part).then(
          ({ length }) => length > 30_000,
          () => false,
        ),
      )
      .toBe(true)
    mount.stop()
    // The share does not take what comes now.
    at.lab.faults.trickleAfterBytes = undefined
    expect(await staging).toMatchObject(silent(directory))
    mount.goOn()
    await expect
      .poll(() => stageOn({ share, factory: at.factory }, orderOf('v1.13.9')).catch(() => undefined))
      .toMatchObject({ version: 'v1.13.9', published: true })
    expect(await at.published()).toEqual(at.image('v1.13.9'))
    expect((await readdir(at.place('v1.13.9'))).toSorted()).toEqual(['manifest.json', bootName].toSorted())
  })
})

describe('processes that hang', () => {
  /** One that takes everything, says nothing, and survives SIGKILL, as one in a system call of a dead NFS mount does. */
  const deaf = (): ShareChild => ({
    pid: undefined,
    send: () => {},
    onReply: () => {},
    onExit: () => {},
    input: new PassThrough(),
    kill: () => {},
  })

  test('are three at most, however long the share is away', async () => {
    let started = 0
    const share = createApartShare({
      directory: '/srv/pxe',
      start: () => (started++, deaf()),
      schematicOf: () => undefined,
      answerWithin: 20,
      workWithin: 20,
      triedAgainAfter: 0,
      // Less than a look takes: each is known to hang before the next one is given up.
      lingersAfter: 1,
    })
    for (let time = 0; time < 12; time++) expect(await refusal(share.staged())).toMatchObject(silent('/srv/pxe'))
    // The fourth starts while the third is not known to hang yet.
    expect([3, 4]).toContain(started)
  })
})

test('one process looks, downloads and publishes; while it downloads, another one looks', async () => {
  await using at = await startShareLab('127.0.113.13')
  let started = 0
  const start = () => (started++, startShareProcess(at.directory))
  using share = createApartShare({ directory: at.directory, start, schematicOf: () => undefined, keptFor: 600_000 })
  const isWhole = expect.objectContaining({ version: 'v1.13.9', published: true })
  await share.staged()
  expect(await stageOn({ share, factory: at.factory }, orderOf('v1.13.9'))).toEqual(isWhole)
  expect(started).toBe(1)
  const opened = Promise.withResolvers<void>()
  const looked = Promise.withResolvers<void>()
  const waiting: ShareLab['factory'] = {
    ...at.factory,
    open: async (...asked) => {
      opened.resolve()
      await looked.promise
      return at.factory.open(...asked)
    },
  }
  const staging = share.stage(orderOf('v1.13.10'), waiting, soon())
  await opened.promise
  expect(await share.staged()).toEqual([isWhole])
  expect(started).toBe(2)
  looked.resolve()
  expect(await staging).toMatchObject({ version: 'v1.13.10' })
  await share.publish(bootName, orderOf('v1.13.10'), soon())
  expect(started).toBe(2)
})

test('a Factory that sends little and slowly is no share that does not answer', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-slow-'))
  const share = createApartShare({
    directory,
    start: () => startShareProcess(directory),
    schematicOf: () => undefined,
    workWithin: 1_000,
  })
  const pieces = 30
  const factory = {
    warm: async () => pieces,
    open: async () => ({
      offset: 0,
      size: pieces,
      etag: undefined,
      source: 'https://factory.talos.dev/image',
      proofs: async () => ({ sha256: undefined, hasSignature: false }),
      body: (async function* () {
        for (let piece = 0; piece < pieces; piece++) {
          await sleep(70)
          yield new Uint8Array(1)
        }
      })(),
    }),
  }
  // It came whole, and is no image.
  expect(await refusal(share.stage(orderOf('v1.13.9'), factory, soon()))).toMatchObject({
    code: 'malformed',
  })
  share[Symbol.dispose]()
  await rm(directory, { recursive: true })
})

test('a process is told what images must be signed by, for all that asks for it', async () => {
  await using at = await startShareLab('127.0.113.12')
  await stageOn(at, orderOf('v1.13.9'))
  const secure = { ...orderOf('v1.13.9'), secureBoot: true }
  // An image for SecureBoot that nobody has signed, from before there was a certificate.
  const [from, to] = [at.place('v1.13.9'), `${at.place('v1.13.9')}-amd64-secureboot`]
  await rename(from, to)
  const manifest = join(to, 'manifest.json')
  await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('"secureBoot": false', '"secureBoot": true'))
  const { certificate } = await createSigner('a Factory')
  await using stack = new AsyncDisposableStack()
  const open = (signedBy: readonly string[]) =>
    stack.use(
      createApartShare({
        directory: at.directory,
        start: () => startShareProcess(at.directory),
        schematicOf: () => undefined,
        signedBy: async () => signedBy,
      }),
    )
  const [careless, careful] = [open([]), open([certificate])]
  const signal = soon()
  expect(await careless.stage(secure, at.factory, signal)).toMatchObject({ secureBoot: true })
  expect((await careless.verify(secure, signal))[0]).not.toHaveProperty('fault')
  expect((await careful.verify(secure, signal))[0]).toMatchObject({ fault: 'it is not signed' })
  expect((await refusal(careful.publish('secure.efi', secure, signal))).message).toContain('it is not signed')
  // Brought anew, which the lab's Factory has no keys for.
  expect((await refusal(careful.stage(secure, at.factory, signal))).message).toContain('secure boot is disabled')
})

test('without a file descriptor to spare there is no process, and we go on', async () => {
  const script = `
    import { closeSync, openSync } from 'node:fs'
    const { startShareProcess } = await import(process.argv[1])
    const open = []
    try { for (;;) open.push(openSync('/dev/null')) } catch {}
    const child = startShareProcess('/')
    child.send({ abort: 1 })
    await new Promise((resolve) => child.onExit(resolve))
    for (const one of open) closeSync(one)
    console.log('told')`
  const module = new URL('../../../src/main/share-process.ts', import.meta.url).href
  const shell = 'ulimit -n 64; exec "$0" --input-type=module -e "$1" "$2"'
  const { stdout } = await promisify(execFile)('sh', ['-c', shell, process.execPath, script, module])
  expect(stdout).toBe('told\n')
})

test('a process that works on a share ends with whoever has started it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-alone-'))
  await mkdir(join(directory, 'talos'))
  const child = startShareProcess(directory)
  const ended = new Promise<void>((resolve) => child.onExit(resolve))
  const share = createApartShare({ directory, start: () => child, schematicOf: () => undefined, keptFor: 50 })
  expect(await share.staged()).toEqual([])
  await ended
  await rm(directory, { recursive: true })
})
