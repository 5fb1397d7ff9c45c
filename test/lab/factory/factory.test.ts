import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createFactory, type LabFactory } from './factory.ts'
import { kernelCommandLine, writeUki } from '../uki-writer.ts'

const vanilla = '376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba'
const homelab = 'ca3fbb9c3bb73ff71b7629ef5b487c827b93878609f361b0e1e555342378b595'
const homelabYaml = `customization:
    systemExtensions:
        officialExtensions:
            - siderolabs/i915
            - siderolabs/iscsi-tools
            - siderolabs/nut-client
`
const uki = 'metal-amd64-uki.efi'
const objdump = '/usr/bin/objdump'

let factory: LabFactory
beforeEach(async () => {
  factory = createFactory({
    address: '127.0.42.12',
    versions: ['1.13.9', 'v1.12.11', 'v1.14.0-rc.1', 'v1.13.10', 'v1.13.0-rc.0'],
  })
  await factory.start()
  await post('{}')
  await post(homelabYaml)
})
afterEach(async () => {
  await factory[Symbol.asyncDispose]()
})

const get = (path: string, init: RequestInit = {}) => fetch(factory.url + path, init)
const post = async (body: string) => {
  const response = await get('/schematics', { method: 'POST', body })
  return { status: response.status, text: await response.text() }
}
const image = (version: string, path = uki, schematic = vanilla) => `/image/${schematic}/${version}/${path}`
const bytes = async (response: Response) => Buffer.from(await response.arrayBuffer())
const answer = async (path: string, init: RequestInit = {}) => {
  const response = await get(path, init)
  return `${response.status} ${await response.text()}`
}
/** What arrives before the connection breaks. */
const partOf = async (response: Response) => {
  const parts: Uint8Array[] = []
  try {
    for await (const part of response.body ?? []) parts.push(part)
    return { part: Buffer.concat(parts), isWhole: true }
  } catch {
    return { part: Buffer.concat(parts), isWhole: false }
  }
}

describe('a UKI', () => {
  test('has its sections where objdump looks for them, and its size', async ({ skip }) => {
    skip(!existsSync(objdump), 'binutils are not installed')
    const folder = await mkdtemp(join(tmpdir(), 'lab-uki-'))
    const file = join(folder, uki)
    await writeFile(file, writeUki({ version: '1.13.9', cmdline: 'talos.platform=metal', fillBytes: 100_000 }))
    const listing = execFileSync(objdump, ['-h', file], { encoding: 'utf8' })
    await rm(folder, { recursive: true })
    expect(listing).toContain('pei-x86-64')
    const rows = [...listing.matchAll(/^ *\d+ (\.\S+) +([0-9a-f]{8})/gm)].map(([, name, size]) => [
      name,
      parseInt(size ?? '', 16),
    ])
    expect(rows.map(([name]) => name)).toEqual([
      '.text',
      '.sdmagic',
      '.osrel',
      '.cmdline',
      '.uname',
      '.linux',
      '.initrd',
      '.profile',
    ])
    expect(rows).toContainEqual(['.cmdline', 'talos.platform=metal'.length])
  })

  test('is the same twice, another after a rebuild, and as long as was asked for', () => {
    const make = (seed: number) => writeUki({ version: 'v1.13.9', cmdline: 'x', fillBytes: 300_000, seed })
    expect(make(0).equals(make(0))).toBe(true)
    expect(make(0).equals(make(1))).toBe(false)
    expect(make(0).length).toBeGreaterThanOrEqual(300_000)
    expect(make(0).length).toBeLessThan(302_000)
  })

  test('has the arguments of its release, with extra ones replacing and removing', () => {
    const of = (version: string, extra: string[] = []) =>
      kernelCommandLine({ version, arch: 'amd64', platform: 'metal', extra })
    expect(of('1.11.0')).toBe(
      'talos.platform=metal console=tty0 init_on_alloc=1 slab_nomerge pti=on consoleblank=0 nvme_core.io_timeout=4294967295 printk.devkmsg=on selinux=1',
    )
    expect(of('1.13.9')).toMatch(/selinux=1 module\.sig_enforce=1 proc_mem\.force_override=never$/)
    expect(of('1.14.0', ['console=ttyS0 console=tty1', '-selinux', '-pti=on', 'a=b'])).toBe(
      'talos.platform=metal console=ttyS0 console=tty1 slab_nomerge consoleblank=0 printk.devkmsg=on module.sig_enforce=1 proc_mem.force_override=never a=b',
    )
  })
})

describe('schematics', () => {
  test('have the ids that the real factory gives', async () => {
    expect([...factory.schematics.keys()]).toEqual([vanilla, homelab])
    expect(JSON.parse((await post(homelabYaml)).text)).toEqual({ id: homelab, schematic: homelabYaml })
    expect(await answer(`/schematics/${homelab}`)).toBe(`200 ${homelabYaml}`)
    expect(await answer(`/schematics/${'0'.repeat(64)}`)).toBe('404 schematic not found\n')
  })

  test.each([
    ['', 'EOF\n'],
    ['something:', 'yaml: construct errors:\n  line 1: field something not found in type schematic.Schematic\n'],
    [
      'customization:\n  extraKernelArgs: abc',
      'yaml: construct errors:\n  line 2: cannot construct !!str `abc` into []string\n',
    ],
    [
      'customization:\n  bootloader: auto',
      'yaml: construct errors:\n  line 2: auto does not belong to BootloaderKind values\n',
    ],
    ['owner: me', 'owner field is only supported in Enterprise edition\n'],
  ])('%j is refused', async (body, text) => {
    expect(await post(body)).toEqual({ status: 400, text })
  })
})

describe('versions', () => {
  test('go up, and a pre-release may be the last', async () => {
    factory.publish('1.13.11')
    factory.withdraw('1.12.11')
    const response = await get('/versions')
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(response.headers.get('server')).toBe('Image Factory v1.5.0')
    expect(await response.text()).toBe('["v1.13.9","v1.13.10","v1.13.11","v1.14.0-rc.1"]\n')
    factory.faults.versionsNull = true
    expect(await answer('/versions')).toBe('200 null\n')
  })

  test('that were withdrawn are named, where it is asked as it is to be asked', async () => {
    expect(await answer('/versions?broken=true')).toBe('200 null\n')
    factory.withdraw('v1.13.10')
    expect(await answer('/versions?broken=true')).toBe('200 ["v1.13.10"]\n')
    expect(await answer('/versions')).not.toContain('v1.13.10')
    for (const query of ['broken=1', 'broken', 'broken=TRUE', 'broken=false'])
      expect(await answer(`/versions?${query}`)).toBe(await answer('/versions'))
    factory.publish('v1.13.10')
    expect(await answer('/versions?broken=true')).toBe('200 null\n')
  })

  test('are answered by an old Factory as if nobody had asked for withdrawn ones', async () => {
    factory.withdraw('v1.13.10')
    factory.faults.ignoresBroken = true
    expect(await answer('/versions?broken=true')).toBe(await answer('/versions'))
  })

  test('have routes as strict as the real ones', async () => {
    const head = await get('/versions', { method: 'HEAD' })
    expect([head.status, head.headers.get('allow')]).toEqual([405, 'GET, OPTIONS'])
    expect(await answer('/nothing')).toBe('404 404 page not found\n')
    const slash = await get('/versions/', { redirect: 'manual' })
    expect([slash.status, slash.headers.get('location')]).toEqual([301, '/versions'])
  })

  test('have extensions, until one is missing from a new release', async () => {
    factory.faults.missingExtensions = { 'v1.13.10': ['siderolabs/i915'] }
    expect(await answer('/version/v1.13.9/extensions/official')).toContain('"name":"siderolabs/i915"')
    expect(await answer('/version/1.13.10/extensions/official')).not.toContain('i915')
    expect(await answer('/version/9.9.9/extensions/official')).toBe('404 version 9.9.9 is not available\n')
    expect(await answer(image('v1.13.10', uki, homelab))).toBe(
      '400 error enhancing profile from schematic: official extension "siderolabs/i915" is not available for Talos version v1.13.10\n',
    )
  })
})

describe('an image', () => {
  test('comes whole and without any means to go on later', async () => {
    const response = await get(image('1.13.9'), { headers: { range: 'bytes=5-' } })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/efi')
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="${uki}"`)
    expect([response.headers.get('etag'), response.headers.get('accept-ranges')]).toEqual([null, null])
    expect((await bytes(response)).equals(factory.imageBytes(vanilla, '1.13.9', uki))).toBe(true)
    expect(factory.requests.at(-1)).toMatchObject({ method: 'GET', range: 'bytes=5-', to: 'factory' })
  })

  test.each([
    [image('1.13.9', `${uki}.sha256`), '402 enterprise not enabled: checksum endpoint is not available\n'],
    [image('1.13.9', uki, 'aa'), '404 schematic ID "aa" not found\n'],
    [image('vfoo'), '500 internal server error\n'],
    [image('9.9.9'), '404 failed to get kernel: version 9.9.9 is not available\n'],
    [
      image('1.13.9', 'metal-amd64.ssd'),
      '400 error parsing profile from path: invalid profile path: "metal-amd64.ssd"\n',
    ],
    [image('1.13.9', 'metal-foo-uki.efi'), '400 error parsing profile from path: invalid architecture: "foo"\n'],
    [
      image('1.13.9', 'metal-amd64-secureboot-uki.efi'),
      '400 error enhancing profile from schematic: secure boot is disabled\n',
    ],
  ])('%s is refused', async (path, text) => {
    expect(await answer(path)).toBe(text)
  })

  test('is still there after its release was withdrawn, if vanilla and built before', async () => {
    await (await get(image('1.13.9', uki, homelab))).arrayBuffer()
    await (await get(image('1.13.9'))).arrayBuffer()
    factory.withdraw('1.13.9')
    expect((await get(image('1.13.9'), { method: 'HEAD' })).status).toBe(200)
    expect((await get(image('1.13.9', uki, homelab), { method: 'HEAD' })).status).toBe(404)
  })

  test('is built once, for all who ask, also when the first of them leaves', async () => {
    factory.faults.buildMs = 2_000
    const before = performance.now()
    await expect(get(image('1.13.9'), { signal: AbortSignal.timeout(1_300) })).rejects.toThrow('timeout')
    const head = await get(image('1.13.9'), { method: 'HEAD' })
    const waited = performance.now() - before // a second build would have begun at 1,300 ms
    expect(Number(head.headers.get('content-length'))).toBe(factory.imageBytes(vanilla, '1.13.9', uki).length)
    expect(waited).toBeGreaterThan(1_950)
    expect(waited).toBeLessThan(3_290)
  })

  test('lies behind a redirect that expires, and goes on from where it broke', async () => {
    factory.faults.redirect = true
    factory.faults.presignedExpired = true
    factory.faults.cutAfterBytes = 70_000
    const whole = factory.imageBytes(vanilla, '1.13.9', uki)
    expect((await get(image('1.13.9'), { method: 'HEAD', redirect: 'manual' })).status).toBe(200)
    expect((await get(image('1.13.9'), { redirect: 'manual' })).status).toBe(302)
    expect(await answer(image('1.13.9'))).toMatch(/^403 .*Request has expired/s)
    const first = await get(image('1.13.9'))
    const etag = first.headers.get('etag') ?? ''
    const { part, isWhole } = await partOf(first)
    expect([part.length, isWhole, first.headers.get('accept-ranges')]).toEqual([70_000, false, 'bytes'])
    const rest = await get(image('1.13.9'), { headers: { range: `bytes=${part.length}-`, 'if-range': etag } })
    expect(rest.status).toBe(206)
    expect(Buffer.concat([part, await bytes(rest)]).equals(whole)).toBe(true)
    factory.faults.rebuilt = true
    const rebuilt = await get(image('1.13.9'), { headers: { range: `bytes=${part.length}-`, 'if-range': etag } })
    expect([rebuilt.status, rebuilt.headers.get('etag') === etag]).toEqual([200, false])
    expect((await bytes(rebuilt)).equals(whole)).toBe(false)
  })

  test('can be short, slow, wrong, or not an image', async () => {
    factory.faults.shortBody = true
    const short = await get(image('1.13.9'))
    expect((await partOf(short)).part.length).toBeLessThan(Number(short.headers.get('content-length')))
    factory.faults.shortBody = false
    factory.faults.bytesPerSecond = 1_000_000
    const before = performance.now()
    await (await get(image('1.13.9'))).arrayBuffer()
    expect(performance.now() - before).toBeGreaterThan(150)
    factory.faults.bytesPerSecond = undefined
    factory.faults.wrongVersion = '1.12.11'
    expect((await bytes(await get(image('1.13.9')))).toString('latin1')).toContain('VERSION_ID=v1.12.11\n')
    factory.faults.wrongArch = true
    expect((await bytes(await get(image('1.13.9')))).readUInt16LE(0x84)).toBe(0xaa64)
    factory.faults.html = true
    expect(await answer(image('1.13.9'))).toMatch(/^200 <!DOCTYPE html>/)
  })

  test('fails as often as it was told to', async () => {
    factory.faults.failNext = [
      { status: 502, body: 'Bad Gateway', path: '/image/' },
      { status: 500, body: 'internal server error\n' },
    ]
    expect(await answer('/versions')).toBe('500 internal server error\n')
    expect(await answer(image('1.13.9'))).toBe('502 Bad Gateway')
    expect((await get(image('1.13.9'), { method: 'HEAD' })).status).toBe(200)
  })

  test('may be a file of the test', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lab-uki-'))
    await writeFile(join(folder, uki), 'a real one')
    await using other = createFactory({
      address: '127.0.42.12',
      versions: ['1.13.9'],
      files: { '1.13.9': join(folder, uki) },
    })
    await other.start()
    await fetch(`${other.url}/schematics`, { method: 'POST', body: 'null' })
    expect(await (await fetch(other.url + image('v1.13.9'))).text()).toBe('a real one')
    await rm(folder, { recursive: true })
  })

  test('is served again on the same port after the factory was away', async () => {
    const { url } = factory
    await factory[Symbol.asyncDispose]()
    expect(() => factory.url).toThrow('not started')
    await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed')
    await factory.start()
    expect(factory.url).toBe(url)
    expect((await get('/healthz')).status).toBe(200)
  })
})

test('the script for iPXE repeats the command line, and has no UKI', async () => {
  const from = `${factory.url}/image/${vanilla}/v1.13.9`
  const cmdline = kernelCommandLine({ version: '1.13.9', arch: 'amd64', platform: 'metal' })
  expect(await answer(`/pxe/${vanilla}/1.13.9/metal-amd64`)).toBe(
    `200 #!ipxe\n\nimgfree\nkernel ${from}/kernel-amd64 ${cmdline}\ninitrd ${from}/initramfs-amd64.xz\nboot\n`,
  )
})
