import { chmod, mkdir, stat, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createControlClient } from '../../src/http/client.ts'
import type { RunAnswer } from '../../src/http/protocol.ts'
import type { PowerControl } from '../../src/http/routes/power.ts'
import type { RolloutControl } from '../../src/http/routes/rollouts.ts'
import { type Control, serveControl } from '../../src/http/control.ts'
import { AgentError, type ErrorCode } from '../../src/core/errors.ts'
import { temporaryFolder } from '../lab/process.ts'
import { unprivileged } from '../lab/unprivileged.ts'

interface Call {
  readonly job: string
  readonly wait: boolean
  readonly signal: AbortSignal
  readonly answer: PromiseWithResolvers<RunAnswer>
}

/** A daemon that answers as the test says. */
async function daemon(overrides: Partial<Control> = {}) {
  const folder = await temporaryFolder()
  const socket = join(folder.path, 'control.sock')
  const calls: Call[] = []
  const limits: number[] = []
  const spoken: (readonly unknown[])[] = []
  const refuse = () => {
    throw new Error('not part of this test')
  }
  const run = (job: string, { wait, signal }: { wait: boolean; signal: AbortSignal }) => {
    const answer = Promise.withResolvers<RunAnswer>()
    calls.push({ job, wait, signal, answer })
    if (!wait) answer.resolve({ outcome: 'started', detail: `${job} was asked to run` })
    return answer.promise
  }
  const said = (...words: readonly unknown[]) => {
    spoken.push(words)
    return Promise.resolve({ said: words.join(' ') })
  }
  const rollouts: RolloutControl = {
    rollout: refuse,
    rollouts: () => [],
    pause: (reason) => said('pause', reason),
    resume: () => said('resume'),
    start: () => said('start'),
    abort: () => said('abort'),
    approve: (version) => said('approve', version),
    runNow: (lasts) => said('run-now', lasts),
    pauseNode: (node, reason) => said('pause', node, reason),
    retry: (node) => said('retry', node),
    rollback: (node, force) => said('rollback', node, force),
  }
  const power: PowerControl = {
    power: refuse,
    plan: refuse,
    outages: () => [],
    shutDown: () => said('shut down'),
    cancel: () => said('cancel'),
    wake: (machine, { all }) => said('wake', machine, all),
    drill: refuse,
  }
  const control: Control = {
    alerts: () => [],
    status: refuse,
    plan: refuse,
    power,
    rollouts,
    staged: async () => [],
    jobs: () => [{ name: 'look', about: 'Looks.', triggers: [], runs: 'queue', lastRun: undefined }],
    run,
    stage: (version, options) => run(`stage ${version ?? 'the target'}`, options),
    journal: (limit) => (limits.push(limit), []),
    runs: (limit) => (limits.push(limit), []),
    ...overrides,
  }
  const server = await serveControl(socket, control)
  return {
    socket,
    calls,
    limits,
    spoken,
    client: createControlClient(socket),
    stop: () => server[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

describe('the control socket', () => {
  test('is open to the user of the daemon only, also in a folder that others may look into', async () => {
    await using folder = await temporaryFolder()
    await chmod(folder.path, 0o777)
    const before = process.umask(0)
    try {
      const socket = join(folder.path, 'control.sock')
      await using _ = await serveControl(socket, {} as Control)
      expect((await stat(socket)).mode & 0o777).toBe(0o600)
    } finally {
      process.umask(before)
    }
  })

  test('takes the place of one that a killed daemon left behind, and leaves nothing itself', async () => {
    await using folder = await temporaryFolder()
    const socket = join(folder.path, 'control.sock')
    await writeFile(socket, '')
    const server = await serveControl(socket, { jobs: () => [] } as unknown as Control)
    expect(await createControlClient(socket).get('/jobs')).toEqual([])
    await server[Symbol.asyncDispose]()
    await expect(stat(socket)).rejects.toThrow('ENOENT')
  })

  test.each([
    ['a folder that is not there', (path: string) => join(path, 'none', 'control.sock')],
    ['a path longer than a socket’s may be', (path: string) => join(path, 'x'.repeat(120))],
  ])('can not be opened in %s, and the daemon says so', async (_, pathIn) => {
    await using folder = await temporaryFolder()
    const socket = pathIn(folder.path)
    await expect(serveControl(socket, {} as Control)).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining(socket),
    })
  })

  test('answers a question, and one that nobody knows with a hint', async () => {
    await using at = await daemon()
    expect(await at.client.get('/jobs')).toEqual([{ name: 'look', about: 'Looks.', triggers: [], runs: 'queue' }])
    for (const ask of [at.client.get('/jobs/look'), at.client.post('/jobs'), at.client.get('/nothing?a=b')]) {
      await expect(ask).rejects.toMatchObject({ code: 'rejected', message: /is the CLI newer than the daemon/ })
    }
  })

  test.each<ErrorCode>(['unreachable', 'timed-out', 'rejected', 'malformed', 'misconfigured'])(
    'carries a failure that is %s over, with its words',
    async (code) => {
      const fail = () => {
        throw new AgentError(code, `because of “${code}”`)
      }
      await using at = await daemon({ status: async () => fail(), jobs: fail })
      for (const path of ['/status', '/jobs']) {
        const failure = await at.client.get(path).catch((error: unknown) => error)
        expect(failure).toBeInstanceOf(AgentError)
        expect(failure).toMatchObject({ code, message: `because of “${code}”` })
      }
    },
  )

  test('carries a fault of our own over as malformed', async () => {
    await using at = await daemon()
    await expect(at.client.get('/power')).rejects.toMatchObject({ code: 'malformed', message: 'not part of this test' })
  })

  test.each([
    ['', 50],
    ['?limit=7', 7],
    ['?limit=0', 50],
    ['?limit=-1', 50],
    ['?limit=x', 50],
    ['?limit=1.5', 50],
    ['?limit=99999999', 10_000],
  ])('shows as much of the journal as %j asks for, within reason', async (query, limit) => {
    await using at = await daemon()
    await at.client.get(`/journal${query}`)
    await at.client.get(`/runs${query}`)
    expect(at.limits).toEqual([limit, limit])
  })
})

test.each<[string, readonly unknown[]]>([
  [`/rollout/pause?reason=${encodeURIComponent('guests & all')}`, ['pause', 'guests & all']],
  ['/rollout/pause', ['pause', 'rollouts are paused']],
  ['/rollout/resume', ['resume']],
  ['/rollout/start', ['start']],
  ['/rollout/abort', ['abort']],
  ['/rollout/approve', ['approve', undefined]],
  ['/rollout/approve?version=v1.14.1', ['approve', 'v1.14.1']],
  ['/rollout/run-now?for=60000', ['run-now', 60_000]],
  ['/rollout/retry', ['retry', undefined]],
  ['/rollout/retry?node=w-1', ['retry', 'w-1']],
  ['/nodes/w-1/pause?reason=spare%20part', ['pause', 'w-1', 'spare part']],
  ['/nodes/w-1/resume', ['pause', 'w-1', undefined]],
  ['/nodes/w-1/rollback', ['rollback', 'w-1', false]],
  ['/nodes/w-1/rollback?force=true', ['rollback', 'w-1', true]],
])('%s is heard', async (path, words) => {
  await using at = await daemon()
  expect(await at.client.post(path)).toEqual({ said: words.join(' ') })
  expect(at.spoken).toEqual([words])
})

test.each(['', '?for=0', '?for=-5', '?for=soon', `?for=${8 * 86_400_000}`])(
  'a window is not opened by hand for %j',
  async (query) => {
    await using at = await daemon()
    await expect(at.client.post(`/rollout/run-now${query}`)).rejects.toThrow('up to 7 days')
    expect(at.spoken).toEqual([])
  },
)

describe('running a job from the CLI', () => {
  test('returns when it was asked to run', async () => {
    await using at = await daemon()
    expect(await at.client.post('/jobs/look/run')).toEqual({ outcome: 'started', detail: 'look was asked to run' })
    expect(at.calls[0]).toMatchObject({ job: 'look', wait: false })
    await at.client.post('/jobs/look/run?wait=false')
    expect(at.calls[1]).toMatchObject({ wait: false })
  })

  test('and waiting for it returns what became of it, while other questions are answered', async () => {
    await using at = await daemon()
    const running = at.client.post<RunAnswer>('/jobs/look/run?wait')
    await expect.poll(() => at.calls).toHaveLength(1)
    expect(at.calls[0]!.wait).toBe(true)
    await at.client.get('/jobs')
    expect(at.calls[0]!.signal.aborted).toBe(false)
    at.calls[0]!.answer.resolve({ outcome: 'later', detail: 'cp-1 not ready' })
    expect(await running).toEqual({ outcome: 'later', detail: 'cp-1 not ready' })
  })

  test('and waiting for it carries its failure over', async () => {
    await using at = await daemon()
    const running = at.client.post('/jobs/look/run?wait=true')
    await expect.poll(() => at.calls).toHaveLength(1)
    at.calls[0]!.answer.reject(new AgentError('misconfigured', 'there is no job look'))
    await expect(running).rejects.toMatchObject({ code: 'misconfigured', message: 'there is no job look' })
  })

  test('stops to wait when the CLI is gone', async () => {
    await using at = await daemon()
    const cli = hastyClient(at.socket, 'POST /jobs/look/run?wait=true')
    await expect.poll(() => at.calls).toHaveLength(1)
    cli.hangUp()
    await expect.poll(() => at.calls[0]!.signal.aborted).toBe(true)
    at.calls[0]!.answer.reject(new AgentError('unreachable', 'the CLI has gone'))
    // And nobody else is harmed.
    expect(await at.client.get('/staged')).toEqual([])
  })

  test('ends in words when the daemon stops meanwhile, which does not wait for it', async () => {
    await using at = await daemon()
    const running = at.client.post('/jobs/look/run?wait=true')
    const failure = running.catch((error: unknown) => error)
    await expect.poll(() => at.calls).toHaveLength(1)
    const before = performance.now()
    await at.stop()
    expect(await failure).toMatchObject({ code: 'unreachable', message: expect.stringMatching(/daemon/) })
    expect(performance.now() - before).toBeLessThan(1_000)
  })

  test('takes a name and a version as they are written', async () => {
    await using at = await daemon()
    await at.client.post(`/jobs/${encodeURIComponent('a/b c?')}/run`)
    await at.client.post('/stage?version=v1.14.0')
    await at.client.post('/stage')
    expect(at.calls.map(({ job }) => job)).toEqual(['a/b c?', 'stage v1.14.0', 'stage the target'])
  })
})

describe('the CLI', () => {
  test('is told how to start a daemon where there is none, and where one was killed', async () => {
    await using folder = await temporaryFolder()
    const socket = join(folder.path, 'control.sock')
    const hint = { code: 'unreachable', message: expect.stringMatching(/no daemon runs for .* `caretaker start`/) }
    await expect(createControlClient(socket).get('/status')).rejects.toMatchObject(hint)
    await writeFile(socket, '')
    await expect(createControlClient(socket).get('/status')).rejects.toMatchObject(hint)
  })

  test('is told when it may not open the socket', async () => {
    await using folder = await temporaryFolder()
    await mkdir(join(folder.path, 'state'), { mode: 0o000 })
    const socket = join(folder.path, 'state', 'control.sock')
    await unprivileged(() =>
      expect(createControlClient(socket).get('/status')).rejects.toThrow(/run the CLI as the user of the daemon/),
    )
  })

  test.each([
    ['breaks off its answer', 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"version"', 'unreachable'],
    ['says nothing and hangs up', '', 'unreachable'],
    ['answers with something else', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello', 'malformed'],
    ['fails without words', 'HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n', 'malformed'],
  ])('gets an error when the daemon %s', async (_, answer, code) => {
    await using folder = await temporaryFolder()
    const socket = join(folder.path, 'control.sock')
    const server = createServer((peer) => {
      peer.on('error', () => {})
      peer.once('data', () => peer.end(answer))
    }).listen(socket)
    await once(server, 'listening')
    try {
      await expect(createControlClient(socket).get('/status')).rejects.toMatchObject({ name: 'AgentError', code })
    } finally {
      server.close()
    }
  })
})

/** Asks, and goes away without waiting for the answer, as a CLI does at Ctrl-C. */
function hastyClient(path: string, ask: string) {
  const socket = connect(path)
  socket.on('error', () => {})
  socket.write(`${ask} HTTP/1.1\r\nhost: caretaker\r\n\r\n`)
  return { hangUp: () => void socket.destroy() }
}

test('open alerts are told, and with `all` those too that are settled', async () => {
  const asked: boolean[] = []
  const alert = {
    id: 'lease',
    severity: 'warning',
    subject: 'cluster',
    text: 'held',
    since: '2026-11-22T10:00:00Z',
  } as const
  await using at = await daemon({ alerts: (all) => (asked.push(all), [alert]) })
  expect(await at.client.get('/alerts')).toEqual([alert])
  await at.client.get('/alerts?all')
  expect(asked).toEqual([false, true])
})
