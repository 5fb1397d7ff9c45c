import { once } from 'node:events'
import { chmod, mkdir, stat, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { answerOf } from '../../src/http/client.ts'
import { serveControl } from '../../src/http/control.ts'
import { AgentError } from '../../src/core/errors.ts'
import type { Operator, RunAnswer } from '../../src/core/operator.ts'
import { silentLog } from '../fakes/log.ts'
import { rawControl } from '../lab/control.ts'
import { temporaryFolder } from '../lab/process.ts'
import { unprivileged } from '../lab/unprivileged.ts'
import { startDaemon } from './daemon.ts'

const nobody = {} as Operator
const options = { log: silentLog }

describe('the control socket', () => {
  test('is open to the user of the daemon only, also in a folder that others may look into', async () => {
    await using folder = await temporaryFolder()
    await chmod(folder.path, 0o777)
    const before = process.umask(0)
    try {
      const socket = join(folder.path, 'control.sock')
      await using _ = await serveControl(socket, nobody, options)
      expect((await stat(socket)).mode & 0o777).toBe(0o600)
    } finally {
      process.umask(before)
    }
  })

  test('takes the place of one that a killed daemon left behind, and leaves nothing itself', async () => {
    await using folder = await temporaryFolder()
    const socket = join(folder.path, 'control.sock')
    await writeFile(socket, '')
    const server = await serveControl(socket, { jobs: { list: () => [] } } as unknown as Operator, options)
    expect(await rawControl(socket).get('/jobs')).toEqual([])
    await server[Symbol.asyncDispose]()
    await expect(stat(socket)).rejects.toThrow('ENOENT')
  })

  test.each([
    { where: 'a folder that is not there', pathIn: (path: string) => join(path, 'none', 'control.sock') },
    { where: 'a path longer than a socket’s may be', pathIn: (path: string) => join(path, 'x'.repeat(120)) },
  ])('can not be opened in $where, and the daemon says so', async ({ pathIn }) => {
    await using folder = await temporaryFolder()
    const socket = pathIn(folder.path)
    await expect(serveControl(socket, nobody, options)).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining(socket),
    })
  })

  test('answers a question, and one that nobody knows with a hint', async () => {
    await using at = await startDaemon()
    expect(await at.raw.get('/jobs')).toEqual([{ name: 'look', about: 'Looks.', triggers: [], runs: 'queue' }])
    for (const ask of [at.raw.get('/jobs/look'), at.raw.post('/jobs'), at.raw.get('/nothing?a=b')]) {
      await expect(ask).rejects.toMatchObject({
        code: 'not-found',
        message: 'there is no such request; is this CLI newer than the daemon?',
      })
    }
  })
})

describe('running a job from the CLI', () => {
  test('returns when the run was requested', async () => {
    await using at = await startDaemon()
    const detail = 'a run of look was requested'
    expect(await at.raw.post('/jobs/look/run')).toEqual({ outcome: 'started', detail })
    expect(at.calls[0]).toMatchObject({ job: 'look', wait: false })
    await at.raw.post('/jobs/look/run', { wait: false })
    expect(at.calls[1]).toMatchObject({ wait: false })
  })

  test('and waiting for it returns what became of it, while other questions are answered', async () => {
    await using at = await startDaemon()
    const running = at.raw.post<RunAnswer>('/jobs/look/run', { wait: true })
    await expect.poll(() => at.calls).toHaveLength(1)
    expect(at.calls[0]!.wait).toBe(true)
    await at.raw.get('/jobs')
    expect(at.calls[0]!.asked.signal.aborted).toBe(false)
    at.calls[0]!.answer.resolve({ outcome: 'later', detail: 'cp-1 not ready' })
    expect(await running).toEqual({ outcome: 'later', detail: 'cp-1 not ready' })
  })

  test('and waiting for it carries its failure over', async () => {
    await using at = await startDaemon()
    const running = at.raw.post('/jobs/look/run', { wait: true })
    await expect.poll(() => at.calls).toHaveLength(1)
    at.calls[0]!.answer.reject(new AgentError('not-found', 'there is no job look'))
    await expect(running).rejects.toMatchObject({ code: 'not-found', message: 'there is no job look' })
  })

  test('stops to wait when the CLI is gone', async () => {
    await using at = await startDaemon()
    const cli = hastyClient(at.socket, '/api/v1/jobs/look/run', '{"wait":true}')
    await expect.poll(() => at.calls).toHaveLength(1)
    cli.hangUp()
    await expect.poll(() => at.calls[0]!.asked.signal.aborted).toBe(true)
    // And nobody else is harmed.
    expect(await at.raw.get('/staged')).toEqual([])
  })

  test('ends in words when the daemon stops meanwhile, which does not wait for it', async () => {
    await using at = await startDaemon()
    const running = at.raw.post('/jobs/look/run', { wait: true })
    const failure = running.catch((error: unknown) => error)
    await expect.poll(() => at.calls).toHaveLength(1)
    await at.stop()
    expect(await failure).toMatchObject({ code: 'unreachable', message: expect.stringMatching(/daemon/) })
  })

  test('takes a name and a version as they are written', async () => {
    await using at = await startDaemon()
    await answerOf(
      at.client.jobs[':name'].run.$post({ param: { name: encodeURIComponent('a/b c?') }, json: { wait: false } }),
    )
    await answerOf(at.client.stage.$post({ json: { version: 'v1.14.0', wait: false } }))
    await answerOf(at.client.stage.$post({ json: { wait: false } }))
    expect(at.calls.map(({ job }) => job)).toEqual(['a/b c?', 'stage v1.14.0', 'stage the target'])
  })
})

describe('the CLI', () => {
  test('is told how to start a daemon where there is none, and where one was killed', async () => {
    await using folder = await temporaryFolder()
    const socket = join(folder.path, 'control.sock')
    const hint = { code: 'unreachable', message: expect.stringMatching(/no daemon is running at .* `caretaker start`/) }
    await expect(rawControl(socket).get('/status')).rejects.toMatchObject(hint)
    await writeFile(socket, '')
    await expect(rawControl(socket).get('/status')).rejects.toMatchObject(hint)
  })

  test('is told when it may not open the socket', async () => {
    await using folder = await temporaryFolder()
    await mkdir(join(folder.path, 'state'), { mode: 0o000 })
    const socket = join(folder.path, 'state', 'control.sock')
    await unprivileged(() =>
      expect(rawControl(socket).get('/status')).rejects.toThrow(/run the CLI as the daemon's user/),
    )
  })

  test.each([
    {
      what: 'breaks off its answer',
      answer: 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"version"',
      code: 'unreachable',
    },
    { what: 'says nothing and hangs up', answer: '', code: 'unreachable' },
    {
      what: 'answers with something else',
      answer: 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello',
      code: 'malformed',
    },
    { what: 'fails without words', answer: 'HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n', code: 'malformed' },
    {
      what: 'fails in a way that only newer ones know',
      answer: 'HTTP/1.1 418 Teapot\r\ncontent-length: 38\r\n\r\n{"detail":"short and stout","code":""}',
      code: 'malformed',
    },
  ])('gets an error when the daemon $what', async ({ answer, code }) => {
    await using daemon = await daemonThatSays(answer)
    await expect(rawControl(daemon.socket).get('/status')).rejects.toMatchObject({ name: 'AgentError', code })
  })

  test.each([
    { what: 'before its answer', answer: '' },
    { what: 'in the middle of it', answer: 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"said"' },
  ])('is told where to look when the daemon ends $what: nobody knows what was carried out', async ({ answer }) => {
    await using daemon = await daemonThatSays(answer)
    const { socket } = daemon
    const closed = `the daemon at ${socket} closed the connection before it answered: was it stopped?`
    await expect(rawControl(socket).get('/status')).rejects.toMatchObject({ code: 'unreachable', message: closed })
    const message = `${closed} If the request was carried out, \`caretaker journal\` tells of it`
    await expect(rawControl(socket).post('/rollout/pause')).rejects.toMatchObject({ code: 'unreachable', message })
  })
})

/** What answers each question with these bytes, and ends the connection. */
async function daemonThatSays(answer: string) {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await temporaryFolder())
  const socket = join(folder.path, 'control.sock')
  const server = createServer((peer) => {
    peer.on('error', () => {})
    peer.once('data', () => peer.end(answer))
  }).listen(socket)
  stack.defer(() => void server.close())
  await once(server, 'listening')
  const owned = stack.move()
  return { socket, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Asks, and goes away without waiting for the answer, as a CLI does at Ctrl-C. */
function hastyClient(path: string, where: string, body: string) {
  const socket = connect(path)
  socket.on('error', () => {})
  const type = 'content-type: application/json'
  socket.write(`POST ${where} HTTP/1.1\r\nhost: caretaker\r\n${type}\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
  return { hangUp: () => void socket.destroy() }
}
