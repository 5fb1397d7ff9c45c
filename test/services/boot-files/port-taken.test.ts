import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claimAddress } from '../../lab/net-claim.ts'
import { startBootFiles } from '../../../src/services/boot-files/work.ts'
import { holdPort } from '../../lab/port-holder.ts'
import { supervise } from '../../lab/supervised.ts'
import { fetchFile } from '../../lab/tftp-client.ts'
import { patience } from '../../patience.ts'
import { contextIn, program } from './context.ts'

const address = '127.0.120.9'
beforeAll(async () => {
  const claim = await claimAddress(address)
  return () => claim[Symbol.asyncDispose]()
})
const [tftp, http] = [6_979, 8_429]
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caretaker-boot-taken-'))
  await writeFile(join(folder, 'metal-amd64-uki.efi'), 'image')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test.each([
  { protocol: 'udp', port: tftp, says: `bootFiles.tftp.port: UDP port ${tftp} of ${address}` },
  { protocol: 'tcp', port: http, says: `bootFiles.http.port: TCP port ${http} of ${address}` },
] as const)(
  'a $protocol port that another program has is named with it, and is taken once it is free',
  async ({ protocol, port, says }) => {
    const holder = await holdPort(protocol, port, address)
    const { context, alerts } = contextIn(folder, { listen: [address], tftp: { port: tftp }, http: { port: http } })
    const it = await supervise('boot-files', () => startBootFiles(context, { program }), alerts)
    await expect.poll(it.down, patience).toContain(`${says} is in use by node (process ${holder.pid}): stop that`)
    holder.kill('SIGKILL')
    await expect.poll(it.state, patience).toBe('running')
    await expect.poll(it.down, patience).toBeUndefined()
    const { bytes } = await fetchFile('metal-amd64-uki.efi', { address, port: tftp })
    expect(bytes.toString()).toBe('image')
    expect(await (await fetch(`http://${address}:${http}/metal-amd64-uki.efi`)).text()).toBe('image')
  },
)
