import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Alert } from '../../src/core/alert.ts'
import type { StatusAnswer } from '../../src/core/operator.ts'
import { runCli } from '../lab/daemon.ts'
import { followCli } from '../lab/followed.ts'
import { temporaryFolder } from '../lab/process.ts'
import { startDaemon } from '../http/daemon.ts'
import { serveApi } from '../http/server.ts'

const token = 'caretaker_0123456789abcdef'

/** A daemon behind a port, a folder without any configuration, and the token in a file. */
async function open(overrides: Parameters<typeof startDaemon>[0] = {}) {
  const stack = new AsyncDisposableStack()
  const at = stack.use(await startDaemon(overrides))
  const server = stack.use(await serveApi(at.operator, token))
  const folder = stack.use(await temporaryFolder())
  const file = join(folder.path, 'token')
  await writeFile(file, `${token}\n`)
  const environment = {
    CARETAKER_SERVER: server.url,
    CARETAKER_TOKEN_FILE: file,
    CARETAKER_CONFIG: join(folder.path, 'nothing.yaml'),
  }
  return {
    at,
    server,
    file,
    environment,
    folder: folder.path,
    run: (...args: string[]) => runCli(args, environment),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

test('a machine without any configuration asks a daemon elsewhere, by options or by variables', async () => {
  await using it = await open()
  expect(await it.run('jobs', '--json')).toMatchObject({ code: 0, stdout: expect.stringContaining('"look"') })
  const options = ['--server', `${it.server.url}/`, '--token-file', it.file]
  expect(await runCli(['pause', 'w-1', 'spare part', ...options])).toMatchObject({ code: 0, stdout: 'pause\n' })
  expect(it.at.heard).toEqual([{ request: 'pause', about: { node: 'w-1', reason: 'spare part' }, by: 'token laptop' }])
})

test('what is wrong with the server, the token or its file is told in one line', async () => {
  await using it = await open()
  await writeFile(join(it.folder, 'empty'), '\n')
  await writeFile(join(it.folder, 'other'), 'caretaker_other')
  const cases = [
    { args: ['--server', 'nas.lan'], code: 2, says: 'nas.lan is no server: use an address such as' },
    { args: ['--server', 'http://a:b@nas.lan'], code: 2, says: 'has a name or a password in it' },
    { args: ['--token-file', join(it.folder, 'nowhere')], code: 2, says: 'the token file: ' },
    { args: ['--token-file', join(it.folder, 'empty')], code: 2, says: 'holds no token' },
    { args: ['--token-file', join(it.folder, 'other')], code: 1, says: 'refuses the token' },
    { args: ['--ca', join(it.folder, 'other')], code: 2, says: 'holds no certificate in PEM' },
  ]
  for (const { args, code, says } of cases) {
    const told = await it.run('jobs', ...args)
    expect(told).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(says) })
    expect(told.stderr.trim().split('\n')).toHaveLength(1)
    expect(told.stderr).not.toContain('caretaker_')
  }
})

test('commands that read the configuration here say that they can not ask elsewhere', async () => {
  await using it = await open()
  for (const args of [
    ['start', '--server', it.server.url],
    ['config', 'check', '--server', it.server.url],
  ])
    expect(await it.run(...args)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('leave out --server and $CARETAKER_SERVER'),
    })
})

test('what the configuration of this machine would say is asked of the daemon there', async () => {
  const variables = { 'ups.status': 'OL', 'battery.charge': '97' }
  const pace = { driver: { pollIntervalMs: 2_000 } }
  const value = { variables, writable: [], commands: [], clients: [], secure: true, ...pace }
  const rack = { label: 'rack', details: { ok: true, value } } as const
  const attic = { label: 'attic', details: { ok: false, error: 'upsd at nas:3493 is gone' } } as const
  const state = {
    mode: 'on-mains',
    since: '2026-11-22T10:00:00Z',
    forMs: 1,
    reading: { status: ['OL'], chargePercent: 97 },
  }
  const still = { loginRefused: undefined, silentForMs: undefined, driver: undefined, triggers: [] }
  await using it = await open({
    rollouts: {
      releases: async () => [
        { version: 'v1.15.0-beta.1', isPrerelease: true, isWithdrawn: false },
        { version: 'v1.14.1', isPrerelease: false, isWithdrawn: false },
      ],
    },
    power: {
      upses: async () => [rack, attic],
      ups: async () => rack,
      state: () => ({
        upses: [
          { label: 'rack', state, ...still },
          { label: 'attic', state: { ...state, reading: undefined, why: 'gone' }, ...still },
        ] as never,
        shutdownRequestedAt: undefined,
      }),
    },
  })
  expect(await it.run('releases')).toMatchObject({ code: 0, stdout: 'v1.14.1\n' })
  const one = await it.run('ups', 'rack', '--json')
  const asHere = { driver: { pollInterval: 2_000 }, secure: true }
  expect([one.code, JSON.parse(one.stdout)]).toEqual([0, { ...value, name: 'rack', ...asHere }])
  expect(await it.run('ups')).toMatchObject({
    code: 4,
    stdout: expect.stringMatching(/battery.charge: 97[^]*attic\nupsd at nas:3493 is gone/),
  })
  const watched = await it.run('ups', '--watch', '--count', '1', '--json')
  expect(
    watched.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual([
    { name: 'rack', at: expect.any(String), reading: { status: ['OL'], chargePercent: 97 } },
    { name: 'attic', at: expect.any(String), why: 'gone' },
  ])
})

test('a token is printed once, alone on the last line', async () => {
  await using it = await open()
  const created = await it.run('token', 'create', 'phone', '--scope', 'operate', '--for', '90d')
  expect(created).toMatchObject({ code: 0, stderr: '' })
  expect(created.stdout.trim().split('\n').at(-1)).toBe('caretaker_x')
  expect(JSON.parse((await it.run('token', 'create', 'tv', '--scope', 'read', '--json')).stdout)).toEqual({
    said: 'create token',
    changed: true,
    token: 'caretaker_x',
  })
  expect(await it.run('token', 'create', 'phone')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--scope'),
  })
  expect(await it.run('token', 'list')).toMatchObject({ code: 0, stdout: 'no tokens\n' })
  expect(await it.run('token', 'revoke', 'phone')).toMatchObject({ code: 0, stdout: 'revoke token\n' })
  expect(it.at.heard).toMatchObject([
    { about: { name: 'phone' } },
    { about: { name: 'tv' } },
    { about: { name: 'phone' } },
  ])
})

test('a test message that a channel did not take is a failure of the command', async () => {
  let sent = true
  const notifications = {
    test: async () => [{ channel: 'ntfy', sent, detail: sent ? 'sent' : 'HTTP 403', tookMs: 12 }],
  }
  await using it = await open({ notifications })
  expect(await it.run('notify', 'test', 'ntfy')).toMatchObject({ code: 0, stdout: expect.stringMatching(/ntfy +yes/) })
  sent = false
  expect(await it.run('notify', 'test')).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/ntfy +no .*HTTP 403/),
  })
  expect(await it.run('notify', 'log')).toMatchObject({ code: 0, stdout: 'no messages yet\n' })
})

test('alerts are told as they happen, and what was settled while the daemon was away', async () => {
  const alert: Alert = {
    id: 'lease',
    severity: 'warning',
    subject: 'cluster',
    text: 'held',
    since: '2026-11-22T10:00:00Z',
  }
  let present: readonly Alert[] = [alert]
  const overrides = { status: async () => ({ version: '1' }) as StatusAnswer, alerts: () => present }
  await using it = await open(overrides)
  await using cli = followCli(['alerts', '--watch', '--json'], it.environment)
  await expect.poll(() => cli.lines()).toEqual([{ change: 'open', alert }])
  const late = { ...alert, id: 'ups.silent:rack', text: 'rack is silent' }
  it.at.tell({ type: 'alert', change: 'opened', alert: late })
  await expect.poll(() => cli.lines()).toHaveLength(2)
  present = [late]
  it.server.cut()
  await expect.poll(() => cli.lines()).toHaveLength(3)
  expect(cli.lines().slice(1)).toEqual([
    { change: 'opened', alert: late },
    { change: 'settled', alert },
  ])
  expect(cli.notes()).toMatch(/closed the connection.*; trying again/)
  expect(await cli.interrupt()).toBe(0)
})
