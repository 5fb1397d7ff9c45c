import { once } from 'node:events'
import { chmod, mkdir, open, readFile, rmdir, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Supervisor, takeSupervisor } from '../../src/main/systemd.ts'
import { temporaryFolder } from '../lab/process.ts'
import { hasNotify, openNotifySocket } from '../lab/systemd.ts'

const self = { pid: 4_711, parent: undefined }
const silent = { warn: () => {} }
const path = process.env['PATH']

function supervisorOf(
  environment: Record<string, string | undefined>,
  who = self as Parameters<typeof takeSupervisor>[1],
) {
  return takeSupervisor(environment, who, silent)
}

test('without systemd there is nobody to speak to', () => {
  expect(supervisorOf({})).toBeUndefined()
  expect(supervisorOf({ NOTIFY_SOCKET: '' })).toBeUndefined()
  expect(supervisorOf({ WATCHDOG_USEC: '1000000' })).toBeUndefined()
})

test('what the daemon starts is not told by whom it speaks for the daemon', () => {
  const environment: Record<string, string | undefined> = {
    NOTIFY_SOCKET: '/run/nobody',
    CARETAKER_NOTIFY_FD: '3 socket:[1]',
    WATCHDOG_USEC: '10000000',
    WATCHDOG_PID: '4711',
    HOME: '/',
  }
  expect(supervisorOf(environment)).toBeDefined()
  expect(environment).toEqual({ HOME: '/' })
})

test.each([
  { name: 'ten seconds', given: { WATCHDOG_USEC: '10000000' }, restartsAfter: 10_000 },
  { name: 'ours', given: { WATCHDOG_USEC: '10000000', WATCHDOG_PID: '4711' }, restartsAfter: 10_000 },
  { name: 'of our launcher', given: { WATCHDOG_USEC: '10000000', WATCHDOG_PID: '4710' }, restartsAfter: 10_000 },
  { name: 'somebody else’s', given: { WATCHDOG_USEC: '10000000', WATCHDOG_PID: '1' }, restartsAfter: undefined },
  { name: 'none', given: {}, restartsAfter: undefined },
  { name: 'nonsense', given: { WATCHDOG_USEC: 'soon' }, restartsAfter: undefined },
  { name: 'endless', given: { WATCHDOG_USEC: 'Infinity' }, restartsAfter: undefined },
])('the patience of the watchdog is read: $name', ({ given, restartsAfter }) => {
  const supervisor = supervisorOf({ NOTIFY_SOCKET: '/run/nobody', ...given }, { pid: 4_711, parent: 4_710 })
  expect(supervisor?.restartsAfter).toBe(restartsAfter)
})

/** A `systemd-notify` of our own, which notes what it is given, and then does as it is told. */
async function withNotifier(
  script: string,
  use: (supervisor: Supervisor, told: () => Promise<string[]>) => Promise<void>,
) {
  await using folder = await temporaryFolder()
  const program = join(folder.path, 'systemd-notify')
  const told = join(folder.path, 'told')
  await writeFile(program, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> '${told}'\n${script}\n`)
  await chmod(program, 0o755)
  const environment = { NOTIFY_SOCKET: '/run/nobody', PATH: `${folder.path}:${path}` }
  const lines = async () => (await readFile(told, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
  await use(supervisorOf(environment)!, lines)
}

test('without a socket that is open it speaks by systemd-notify', async () => {
  await withNotifier('', async (supervisor, told) => {
    supervisor.tell('READY=1', 'STATUS=guards the power')
    await expect.poll(told).toEqual(['/run/nobody READY=1 STATUS=guards the power'])
  })
})

test('while one systemd-notify is at work no other is started, and nothing that was said meanwhile is lost', async () => {
  await using gate = await temporaryFolder()
  await mkdir(join(gate.path, 'shut'))
  await withNotifier(`while [ -d '${gate.path}/shut' ]; do sleep 0.05; done`, async (supervisor, told) => {
    supervisor.tell('READY=1')
    await expect.poll(async () => (await told()).length).toBe(1)
    supervisor.tell('WATCHDOG=1')
    supervisor.tell('STOPPING=1')
    expect(await told()).toHaveLength(1)
    await rmdir(join(gate.path, 'shut'))
    await expect.poll(told).toEqual(['/run/nobody READY=1', '/run/nobody WATCHDOG=1 STOPPING=1'])
  })
})

test('a systemd-notify that hangs is ended, and the next one is tried', async () => {
  await withNotifier('exec sleep 1000', async (supervisor, told) => {
    supervisor.tell('WATCHDOG=1')
    supervisor.tell('STOPPING=1')
    await expect.poll(told).toHaveLength(2)
  })
})

test('a systemd-notify that is missing or fails is said once, and tried each time', async () => {
  await using folder = await temporaryFolder()
  const warnings: string[] = []
  const log = { warn: (_fields: object, message: string) => void warnings.push(message) }
  const supervisor = takeSupervisor({ NOTIFY_SOCKET: '/run/nobody', PATH: folder.path }, self, log)!
  for (let count = 0; count < 3; count++) {
    supervisor.tell('WATCHDOG=1')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await expect.poll(() => warnings).toEqual(['systemd-notify failed: systemd may restart us'])
  // It is there by now: what was missing may have been memory.
  const told = join(folder.path, 'told')
  await writeFile(join(folder.path, 'systemd-notify'), `#!/bin/sh\necho "$*" >> '${told}'\n`)
  await chmod(join(folder.path, 'systemd-notify'), 0o755)
  supervisor.tell('WATCHDOG=1')
  await expect.poll(() => readFile(told, 'utf8').catch(() => '')).toBe('WATCHDOG=1\n')
})

test.skipIf(!hasNotify)('the real systemd-notify hands it on', async () => {
  await using folder = await temporaryFolder()
  await using systemd = await openNotifySocket(join(folder.path, 'notify'))
  const supervisor = supervisorOf({ NOTIFY_SOCKET: systemd.path, PATH: path })!
  supervisor.tell('READY=1', 'STATUS=guards the power', 'WATCHDOG=1')
  await expect.poll(() => systemd.heard).toEqual([['READY=1', 'STATUS=guards the power', 'WATCHDOG=1']])
})

test('a descriptor that has become another socket is not written to', async () => {
  await using folder = await temporaryFolder()
  const heard: Buffer[] = []
  const over = Promise.withResolvers<void>()
  const server = createServer((socket) => socket.on('data', (data) => heard.push(data)).on('close', over.resolve))
  const path = join(folder.path, 'other')
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const client = connect(path)
  await once(client, 'connect')
  const { fd } = Reflect.get(client, '_handle') as { fd: number }
  const environment = { NOTIFY_SOCKET: '/run/nobody', CARETAKER_NOTIFY_FD: `${fd} socket:[1]`, PATH: folder.path }
  supervisorOf(environment)!.tell('WATCHDOG=1')
  client.end()
  await over.promise
  server.close()
  expect(heard).toEqual([])
})

test('a descriptor that has become a file is not written to', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'file')
  await writeFile(file, '')
  await using handle = await open(file, 'r+')
  const environment = {
    NOTIFY_SOCKET: '/run/nobody',
    CARETAKER_NOTIFY_FD: `${handle.fd} socket:[1]`,
    PATH: folder.path,
  }
  supervisorOf(environment)!.tell('WATCHDOG=1')
  expect(await readFile(file, 'utf8')).toBe('')
})
