import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { hostname, tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../src/core/errors.ts'
import { endStore, type LabDaemon, runCli, startDaemon } from '../lab/daemon.ts'
import { type Homelab, startHomelab } from '../lab/homelab.ts'

/** The CLI as a person uses it, beside a daemon in a process of its own. */

let lab: Homelab
let directory: string
let file: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'caretaker-requests-'))
  lab = await startHomelab({ net: 64, controlPlanes: 1, workers: 1, versions: ['v1.13.9'] })
  file = await lab.writeConfig(directory)
})
afterAll(async () => {
  await lab[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const cli = (command: string, environment: Readonly<Record<string, string>> = {}) =>
  runCli([...command.split(' '), '-c', file], environment)

describe('a request', () => {
  let daemon: LabDaemon
  beforeAll(async () => {
    daemon = await startDaemon({ config: file, directory })
  })
  afterAll(async () => {
    await daemon.stop()
    await endStore(directory)
  })

  test('that changes something is in the journal with who asked: as stated, by option, by environment, or the user', async () => {
    const answers = [
      await cli('pause w-1 a guest --as alice'),
      await cli('resume w-1', { CARETAKER_OPERATOR: 'bob' }),
      await cli('rollout pause holidays'),
      await cli('rollout resume'),
    ]
    expect(answers.map(({ code, stdout }) => `${code} ${stdout.trim()}`)).toEqual([
      '0 w-1 is paused: a guest',
      '0 w-1 is no longer paused',
      '0 rollouts are paused: holidays',
      '0 rollouts are no longer paused',
    ])
    const user = `${userInfo().username}@${hostname()}`
    const { stdout } = await cli('journal')
    for (const text of [
      'w-1 is paused: a guest; by alice (unverified)',
      'w-1 is no longer paused; by bob (unverified)',
      `rollouts are paused: holidays; by ${user} (unverified)`,
      `rollouts are no longer paused; by ${user} (unverified)`,
    ])
      expect(stdout).toContain(text)
  })

  test('that changes nothing says so and ends with 0, and its JSON says so too', async () => {
    expect(await cli('resume w-1')).toMatchObject({ code: 0, stdout: 'w-1 was not paused\n' })
    expect(await cli('rollout resume')).toMatchObject({ code: 0, stdout: 'rollouts were not paused\n' })
    const { code, stdout } = await cli('power cancel --json')
    expect({ code, answer: JSON.parse(stdout) as unknown }).toEqual({
      code: 0,
      answer: {
        said: 'there is nothing to cancel: no shutdown is running or about to start',
        changed: false,
      },
    })
  })

  test.each([
    { command: 'pause w-9', code: 2, says: 'there is no node w-9; there are cp-1 and w-1' },
    { command: 'power wake nas', code: 2, says: 'there is no machine nas; there are cp-1 and w-1' },
    { command: 'run look', code: 2, says: 'there is no job look; there are ' },
    { command: 'approve newest', code: 2, says: 'newest is not a Talos release such as v1.13.9' },
    { command: 'run-now --for 8d', code: 2, says: 'a window can be opened for up to 7 days' },
    { command: 'run-now --for soon', code: 2, says: 'use a duration such as 500ms, 30s, 10m or 2h' },
    { command: 'power wake', code: 1, says: 'no outage is open: name the machine to wake' },
  ])('that can’t be carried out is refused: $command', async ({ command, code, says }) => {
    const { stderr, ...ended } = await cli(command)
    expect(ended).toEqual({ code, stdout: '' })
    expect(stderr).toContain(says)
  })
})

test.each<{ code: ErrorCode; status: number; exits: number }>([
  { code: 'misconfigured', status: 400, exits: 2 },
  { code: 'unauthenticated', status: 401, exits: 1 },
  { code: 'forbidden', status: 403, exits: 1 },
  { code: 'not-found', status: 404, exits: 2 },
  { code: 'rejected', status: 409, exits: 1 },
  { code: 'internal', status: 500, exits: 1 },
  { code: 'malformed', status: 502, exits: 1 },
  { code: 'unreachable', status: 502, exits: 4 },
  { code: 'not-now', status: 503, exits: 3 },
  { code: 'timed-out', status: 504, exits: 4 },
])('a daemon that answers $code ends the command with $exits', async ({ code, status, exits }) => {
  const state = join(directory, 'state')
  await mkdir(state, { recursive: true })
  const server = createServer((_, response) => {
    response.writeHead(status).end(JSON.stringify({ detail: `it is ${code}`, code }))
  }).listen(join(state, 'control.sock'))
  await once(server, 'listening')
  try {
    expect(await cli('status')).toEqual({ code: exits, stdout: '', stderr: `caretaker: it is ${code}\n` })
  } finally {
    server.close()
    server.closeAllConnections()
  }
})

test('--help says what each exit code means', async () => {
  const { code, stdout } = await runCli(['--help'])
  expect(code).toBe(0)
  const lines = stdout.slice(stdout.indexOf('Exit codes:')).trimEnd().split('\n')
  expect(lines.map((line) => line.trim().split(' ')[0])).toEqual(['Exit', '0', '1', '2', '3', '4'])
})
