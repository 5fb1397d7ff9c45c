import { randomBytes } from 'node:crypto'
import { mkdir, rename } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeUki } from '../../lab/uki-writer.ts'
import { ports, type ServedFolder, serveFolder } from './desk.ts'

const address = '127.0.120.3'
const bytes = randomBytes(900_000)
let served: ServedFolder
beforeAll(async () => {
  const images = [
    { file: 'metal-amd64-uki.efi', architecture: 'amd64' },
    { file: 'metal-arm64-uki.efi', architecture: 'arm64' },
  ]
  served = await serveFolder(address, { images, limits: { burst: 1_000 } })
  await served.write('boot.efi', bytes)
  await mkdir(join(served.root, 'talos'))
})
afterAll(() => served[Symbol.asyncDispose]())

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly from?: string
}

/** As it is written: no client cleans the path. */
function ask(path: string, { method = 'GET', headers = {}, from = '127.0.0.1' }: Asked = {}) {
  return new Promise<{ status: number; headers: Readonly<Record<string, unknown>>; body: Buffer }>(
    (resolve, reject) => {
      const asked = request(
        { host: address, port: ports.http, path, method, headers, localAddress: from },
        (answer) => {
          const parts: Buffer[] = []
          answer.on('data', (part: Buffer) => parts.push(part))
          answer.on('end', () =>
            resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(parts) }),
          )
          answer.on('error', reject)
        },
      )
      asked.on('error', reject)
      asked.end()
    },
  )
}

test('firmware asks for the size by HEAD, and then loads the file', async () => {
  const from = '127.0.120.40'
  const head = await ask('/boot.efi', { method: 'HEAD', from })
  expect(head).toMatchObject({
    status: 200,
    headers: { 'content-length': '900000', 'content-type': 'application/efi' },
  })
  expect(head.body.length).toBe(0)
  const whole = await ask('/boot.efi', { from })
  expect(whole.status).toBe(200)
  expect(whole.body.equals(bytes)).toBe(true)
  await expect.poll(() => served.told(from)).toEqual(['probed', 'started', 'done'])
})

test('a range is of no meaning where only the size is asked for', async () => {
  const head = await ask('/boot.efi', { method: 'HEAD', headers: { range: 'bytes=5-9' } })
  expect(head).toMatchObject({ status: 200, headers: { 'content-length': '900000' } })
})

test.each([
  { range: 'bytes=300000-600000', start: 300_000, end: 600_001 },
  { range: 'bytes=-1', start: 899_999, end: 900_000 },
  { range: 'bytes=262143-262144', start: 262_143, end: 262_145 },
])('a download that broke off goes on with $range', async ({ range, start, end }) => {
  const { headers: first } = await ask('/boot.efi', { method: 'HEAD' })
  const part = await ask('/boot.efi', { headers: { range, 'if-range': String(first['etag']) } })
  expect(part.status).toBe(206)
  expect(part.headers['content-range']).toBe(`bytes ${start}-${end - 1}/900000`)
  expect(part.body.equals(bytes.subarray(start, end))).toBe(true)
})

test.each([
  { name: 'another file', headers: { 'if-match': '"another"' }, status: 412 },
  { name: 'one of several files', headers: { 'if-match': '"another", TAG' }, status: 206 },
  { name: 'whatever is there', headers: { 'if-match': '*' }, status: 206 },
  { name: 'a file of long ago', headers: { 'if-unmodified-since': 'Wed, 01 Jan 2020 00:00:00 GMT' }, status: 412 },
  { name: 'the file as it was written', headers: { 'if-unmodified-since': 'WRITTEN' }, status: 206 },
  { name: 'no date', headers: { 'if-unmodified-since': 'yesterday' }, status: 206 },
])('firmware that goes on with $name is answered $status', async ({ headers, status }) => {
  const { headers: first } = await ask('/boot.efi', { method: 'HEAD' })
  const known = ([name, value]: [string, string]) =>
    [name, value.replace('TAG', String(first['etag'])).replace('WRITTEN', String(first['last-modified']))] as const
  const said = Object.fromEntries(Object.entries(headers).map(known))
  const part = await ask('/boot.efi', { headers: { range: 'bytes=500000-', ...said } })
  expect(part.status).toBe(status)
  expect(part.body.equals(bytes.subarray(500_000))).toBe(status === 206)
})

test('a part is told with where it begins', async () => {
  const from = '127.0.120.43'
  await ask('/boot.efi', { headers: { range: 'bytes=500000-' }, from })
  await expect.poll(() => served.told(from)).toEqual(['started', 'done'])
  expect(served.events.filter(({ transfer }) => transfer.client === from).at(-1)).toMatchObject({
    from: 500_000,
    bytes: 400_000,
  })
})

test('the rest of other bytes is the whole file', async () => {
  const all = await ask('/boot.efi', { headers: { range: 'bytes=5-', 'if-range': '"another"' } })
  expect(all.status).toBe(200)
  expect(all.body.length).toBe(900_000)
})

test('a version that is published between HEAD and GET waits for the next boot', async () => {
  const from = '127.0.120.41'
  const [older, newer] = [randomBytes(1_000), randomBytes(2_000)]
  await served.write('other.efi', older)
  await ask('/other.efi', { method: 'HEAD', from })
  await served.write('.new.part', newer)
  await rename(join(served.root, '.new.part'), join(served.root, 'other.efi'))
  expect((await ask('/other.efi', { from })).body.equals(older)).toBe(true)
})

describe('what is no file to be read is refused', () => {
  test.each([
    { path: '/nothing.efi', status: 404 },
    { path: '/../../etc/passwd', status: 403 },
    { path: '/%2e%2e/%2e%2e/etc/passwd', status: 403 },
    { path: '/..%5c..%5cetc/passwd', status: 403 },
    { path: '/talos', status: 403 },
    { path: '/', status: 404 },
    { path: '/.boot.efi.part', status: 404 },
    { path: '/boot.efi%00.txt', status: 404 },
    { path: '/boot.efi', method: 'PUT', status: 405 },
    { path: '/boot.efi', method: 'DELETE', status: 405 },
    { path: '/boot.efi', headers: { range: 'bytes=900000-' }, status: 416 },
  ])('$method $path', async ({ path, status, ...how }) => {
    const answer = await ask(path, how)
    expect(answer.status).toBe(status)
    expect(answer.body.toString()).not.toContain(served.root)
  })

  test('two slashes, a query and a whole URL lead to the file all the same, without a redirect', async () => {
    expect(await ask('//boot.efi?x=1')).toMatchObject({ status: 200 })
    expect(await ask('http://boot.lan:8421/boot.efi')).toMatchObject({ status: 200 })
    expect(await ask('http://boot.lan/../../etc/passwd')).toMatchObject({ status: 403 })
  })
})

test('iPXE is sent on to the images that are there, each with its own command line', async () => {
  const uki = writeUki({ version: 'v1.14.0', cmdline: 'talos.platform=metal console=tty0' })
  await served.write('metal-amd64-uki.efi', uki)
  // No UKI at all.
  await served.write('metal-arm64-uki.efi', 'text')
  const script = (await ask('/ipxe')).body.toString()
  expect(script).toContain('kernel metal-amd64-uki.efi talos.platform=metal console=tty0\nboot\n')
  expect(script).not.toContain('metal-arm64')
  expect((await ask('/ipxe', { method: 'HEAD' })).body.length).toBe(0)
})

test('a machine that hangs up is told of as such', async () => {
  const from = '127.0.120.42'
  await served.write('large.efi', randomBytes(30_000_000))
  await new Promise<void>((resolve) => {
    const asked = request({ host: address, port: ports.http, path: '/large.efi', localAddress: from }, (answer) => {
      answer.once('data', () => asked.destroy())
      answer.once('close', resolve)
      answer.once('error', () => {})
    })
    asked.once('error', () => {})
    asked.end()
  })
  await expect.poll(() => served.told(from)).toEqual(['started', 'aborted hung-up'])
  expect(served.failures).toEqual([])
})
