import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { ServiceStatus } from '../../../src/core/service.ts'
import { createSupervisor } from '../../../src/engine/supervisor.ts'
import { startBootFiles } from '../../../src/services/boot-files/work.ts'
import { silentLog } from '../../fakes/log.ts'
import { fetchFile } from '../../lab/tftp-client.ts'
import { patience } from '../../patience.ts'
import { contextIn, program } from './context.ts'

const address = '127.0.120.9'
const [tftp, http] = [6_979, 8_429]
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caretaker-boot-taken-'))
  await writeFile(join(folder, 'metal-amd64-uki.efi'), 'image')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Another program that has a port. */
async function hold(script: string): Promise<ChildProcess> {
  const holder = spawn(process.execPath, ['-e', `${script}.once('listening', () => console.log('bound'))`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  return holder
}

test.each([
  {
    what: 'UDP',
    script: `require('dgram').createSocket('udp4').bind(${tftp}, '${address}')`,
    says: `bootFiles.tftp.port: UDP port ${tftp} of ${address}`,
  },
  {
    what: 'TCP',
    script: `require('net').createServer().listen(${http}, '${address}')`,
    says: `bootFiles.http.port: TCP port ${http} of ${address}`,
  },
])('a $what port that another program has is named with it, and is taken once it is free', async ({ script, says }) => {
  const holder = await hold(script)
  const { context, alerts } = contextIn(folder, { listen: [address], tftp: { port: tftp }, http: { port: http } })
  const supervisor = createSupervisor({
    services: [{ name: 'boot-files' }],
    start: () => startBootFiles(context, { program }),
    alerts: {
      open: (id, content) => !alerts.has(id) && Boolean(alerts.set(id, content)),
      settle: (id) => alerts.delete(id),
    },
    log: silentLog,
    now: () => new Date(),
    limits: { firstWait: 20, longestWait: 200, steady: 100 },
  })
  onTestFinished(() => supervisor.stop())
  await supervisor.start()
  const state = (): ServiceStatus['state'] => supervisor.status[0]!.state
  const alert = () => alerts.get('service.down:boot-files')?.text
  await expect.poll(alert, patience).toContain(`${says} is in use by node (process ${holder.pid}): stop that`)
  holder.kill('SIGKILL')
  await expect.poll(state, patience).toBe('running')
  await expect.poll(alert, patience).toBeUndefined()
  const { bytes } = await fetchFile('metal-amd64-uki.efi', { address, port: tftp })
  expect(bytes.toString()).toBe('image')
  expect(await (await fetch(`http://${address}:${http}/metal-amd64-uki.efi`)).text()).toBe('image')
})
