import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { geteuid, kill } from 'node:process'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { claimAddress } from '../../lab/net-claim.ts'
import type { RunningService } from '../../../src/core/service.ts'
import type { CheckContext } from '../../../src/operations/service.ts'
import { checkBootFiles } from '../../../src/services/boot-files/check.ts'
import type { BootFilesSection } from '../../../src/services/boot-files/section.ts'
import { startBootFiles } from '../../../src/services/boot-files/work.ts'
import { valuesOf } from '../../core/metrics/facts.ts'
import { fetchFile } from '../../lab/tftp-client.ts'
import { writeUki } from '../../lab/uki-writer.ts'
import { unprivileged } from '../../lab/unprivileged.ts'
import { contextIn, type Images, program } from './context.ts'

const address = '127.0.120.4'
beforeAll(async () => {
  const claim = await claimAddress(address)
  return () => claim[Symbol.asyncDispose]()
})
const [tftp, http] = [6_970, 8_422]
const image = randomBytes(3_000_000)
let folder = ''
const running: RunningService[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caretaker-boot-'))
  await chmod(folder, 0o755)
  await writeFile(join(folder, 'metal-amd64-uki.efi'), image)
})
afterAll(() => rm(folder, { recursive: true, force: true }))
afterEach(async () => {
  for (const one of running.splice(0)) await one[Symbol.asyncDispose]()
})

const contextOf = (given: unknown, images?: Images) => contextIn(folder, given, images)

async function start(given: unknown, means = {}, images?: Images) {
  const { context, ...seen } = contextOf(given, images)
  const service = await startBootFiles(context, { program, ...means })
  running.push(service)
  return { service, ...seen }
}

const usual = { listen: [address], tftp: { port: tftp }, http: { port: http } }
const fetch = () =>
  fetchFile('metal-amd64-uki.efi', { address, port: tftp, options: { blksize: '1468', windowsize: '4' } })

test('without the section nothing listens', async () => {
  const { service } = await start(undefined)
  expect(service.status?.()).toMatch(/^off/)
})

test('the share is served by a process of its own, and what machines do is told', async () => {
  const { service, events, endings, meter } = await start(usual)
  expect(service.status?.()).toBe(`tftp://${address}:${tftp}, http://${address}:${http}`)
  expect((await fetch()).bytes.equals(image)).toBe(true)
  await expect
    .poll(() => events.map(({ type }) => type).filter((type) => type !== 'boot.progressed'))
    .toEqual(['boot.started', 'boot.done'])
  const answer = await globalThis.fetch(`http://${address}:${http}/metal-amd64-uki.efi`)
  expect(Buffer.from(await answer.arrayBuffer()).equals(image)).toBe(true)
  // Noted before the end of the file has left, each time.
  expect(endings).toHaveLength(2)
  expect((await globalThis.fetch(`http://${address}:${http}/nothing.efi`)).status).toBe(404)
  const values = (name: string) => valuesOf(meter.read(), `caretaker_boot_${name}`)
  await expect.poll(() => values('refusals_total')).toEqual({ 'http not-found': 1 })
  expect(values('transfers_total')).toEqual({ 'tftp done': 1, 'http done': 1 })
  expect(values('transferred_bytes_total')).toEqual({ tftp: image.length, http: image.length })
  expect(values('transfers')).toEqual({ '': 0 })
  await service[Symbol.asyncDispose]()
  expect(values('transfers')).toEqual({})
})

test('iPXE is sent on to the name that an image has now, where each release has its own', async () => {
  const names: object[] = []
  const publish = async (version: string, publishedAt: string) => {
    const file = `talos-${version}.efi`
    await writeFile(join(folder, file), writeUki({ version, cmdline: `talos.platform=metal ${version}` }))
    names.push({ file, publishedAt })
  }
  await publish('v1.14.0', '2026-11-26T00:00:00Z')
  const { happens } = await start(usual, {}, { share: 'talos-{version}.efi', names })
  const script = async () => (await globalThis.fetch(`http://${address}:${http}/ipxe`)).text()
  await expect.poll(script).toContain('kernel talos-v1.14.0.efi talos.platform=metal v1.14.0')
  await publish('v1.14.1', '2026-11-27T00:00:00Z')
  happens('image.staged')
  await expect.poll(script).toContain('kernel talos-v1.14.1.efi')
})

test('when it is disposed of, its ports are free at once', async () => {
  for (let count = 0; count < 2; count += 1) {
    const { service } = await start(usual)
    await service[Symbol.asyncDispose]()
    running.length = 0
  }
  expect(await checkBootFiles(contextOf(usual).context)).toEqual([])
})

/** The child, found by its command line. */
async function childOf(parent: number): Promise<number> {
  const tasks = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8').catch(() => '')
  for (const id of tasks.trim().split(' ')) {
    const line = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')
    if (line.includes('boot-files/child')) return Number(id)
  }
  throw new Error('no child found')
}

test('a process that dies ends the service, so that it is started again', async () => {
  const { service } = await start(usual)
  kill(await childOf(process.pid), 'SIGKILL')
  await expect(service.ended).rejects.toThrow(/has died: it ended with SIGKILL/)
})

test('it has the lower priority of the two, and little of our environment', async () => {
  await start(usual)
  const child = await childOf(process.pid)
  const own = Number((await readFile('/proc/self/stat', 'utf8')).split(') ')[1]!.split(' ')[16])
  const its = Number((await readFile(`/proc/${child}/stat`, 'utf8')).split(') ')[1]!.split(' ')[16])
  // However nice the daemon itself was started.
  expect(its).toBe(Math.min(19, own + 5))
  expect(await readFile(`/proc/${child}/environ`, 'utf8')).not.toContain('PATH=')
})

describe('where it can’t listen it says why', () => {
  test('another program has the port', async () => {
    const other = createSocket('udp4')
    await new Promise<void>((resolve) => other.bind(tftp, address, resolve))
    try {
      await expect(start(usual)).rejects.toThrow(
        /bootFiles\.tftp\.port: UDP port 6970 of 127\.0\.120\.4 is in use by .*process/,
      )
      const [fault] = await checkBootFiles(contextOf(usual).context)
      expect(fault).toMatchObject({ setting: 'bootFiles.tftp.port', why: expect.stringMatching(/in use by/) })
    } finally {
      other.close()
    }
  })

  test.skipIf(geteuid?.() !== 0)('a port below 1024 takes a right', async () => {
    const { context } = contextOf({ listen: [address], tftp: { port: 69 } })
    const faults = await unprivileged(() => checkBootFiles(context as CheckContext<BootFilesSection | undefined>))
    expect(faults).toMatchObject([{ severity: 'warning', why: expect.stringMatching(/CAP_NET_BIND_SERVICE/) }])
  })

  test('what is named is not there', async () => {
    await expect(start({ listen: ['eth99'] })).rejects.toThrow(/bootFiles\.listen: eth99 is neither an interface/)
    expect(await checkBootFiles(contextOf({ listen: ['eth99'] }).context)).toMatchObject([
      { setting: 'bootFiles.listen', why: expect.stringMatching(/eth99 is neither an interface/) },
    ])
  })
})

test('one name that is missing keeps nobody from the others', async () => {
  const { service, warnings } = await start({ ...usual, listen: [address, 'eth99'] })
  expect(warnings).toEqual(['not listened on'])
  expect(service.status?.()).toMatch(/eth99 is neither an interface/)
})

test('an interface is meant with its addresses', async () => {
  const [name, all = []] = Object.entries(networkInterfaces()).find(([, some]) => some?.some((one) => one.internal))!
  const { service } = await start({ listen: [name], tftp: { port: tftp } })
  for (const one of all.filter(({ family }) => family === 'IPv4'))
    expect(service.status?.()).toContain(`tftp://${one.address}:${tftp}`)
})

test.each([
  { name: 'without the section', given: undefined },
  { name: 'without HTTPS', given: { listen: [address], tftp: { port: tftp } } },
])('alerts of a certificate are settled $name', async ({ given }) => {
  const { context, alerts } = contextOf(given)
  for (const id of ['certificate', 'renewal'])
    alerts.set(`boot-files.${id}`, { severity: 'warning', subject: 'boot-files', text: 'it expires' })
  running.push(await startBootFiles(context, { program }))
  expect(alerts).toEqual(new Map())
})
