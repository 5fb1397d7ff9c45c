import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import type { StatusAnswer } from '../../src/core/operator.ts'
import { startDaemon } from './daemon.ts'

const one = { inFlight: 1, within: 60_000 }
const never = () => new Promise<never>(() => {})

describe('questions in flight', () => {
  test('are limited, and one too many hears that it may try again', async () => {
    const status = Promise.withResolvers<StatusAnswer>()
    await using at = await startDaemon({ status: () => status.promise }, { limits: { asking: one } })
    const first = at.raw.get('/status')
    await expect
      .poll(() => at.raw.get('/jobs').catch((error: unknown) => error))
      .toMatchObject({
        code: 'not-now',
        message: '1 requests are already in progress: try again in a moment',
      })
    status.resolve({ version: '1' } as StatusAnswer)
    expect(await first).toEqual({ version: '1' })
    expect(await at.raw.get('/jobs')).toHaveLength(1)
  })

  test('leave room for requests and for waits, which are counted for themselves', async () => {
    const limits = { asking: one, ordering: one, waiting: one }
    await using at = await startDaemon({ status: never, power: { cancel: never } }, { limits })
    const gone = [at.raw.get('/status'), at.raw.post('/power/cancel'), at.raw.post('/jobs/look/run', { wait: true })]
    for (const request of gone) request.catch(() => {})
    await expect.poll(() => at.raw.get('/jobs').catch(({ code }) => code as unknown)).toBe('not-now')
    await expect.poll(() => at.raw.post('/rollout/resume').catch(({ code }) => code as unknown)).toBe('not-now')
    await expect
      .poll(() => at.raw.post('/jobs/look/run', { wait: true }).catch(({ code }) => code as unknown))
      .toBe('not-now')
  })

  test('do not keep a shutdown from being cancelled', async () => {
    await using at = await startDaemon({ status: never }, { limits: { asking: one, waiting: one } })
    at.raw.get('/status').catch(() => {})
    at.raw.post('/jobs/look/run', { wait: true }).catch(() => {})
    await expect.poll(() => at.raw.get('/jobs').catch(({ code }) => code as unknown)).toBe('not-now')
    expect(await at.raw.post('/power/cancel')).toEqual({ said: 'cancel', changed: true })
  })

  test('end when their client goes, and make room', async () => {
    const aborted: unknown[] = []
    const status = (signal: AbortSignal) =>
      new Promise<never>(() => {
        signal.addEventListener('abort', () => aborted.push(signal.reason))
      })
    await using at = await startDaemon({ status }, { limits: { asking: one } })
    const client = await rawClient(at.socket, 'GET /api/v1/status HTTP/1.1\r\nhost: caretaker\r\n\r\n')
    await expect.poll(() => at.raw.get('/jobs').catch(({ code }) => code as unknown)).toBe('not-now')
    client.destroy()
    await expect.poll(() => at.raw.get('/jobs').catch(({ code }) => code as unknown)).toHaveLength(1)
    expect(aborted).toMatchObject([{ code: 'unreachable' }])
  })
})

test.each([
  { kind: 'asking', ask: 'GET /status' },
  { kind: 'waiting', ask: 'POST /jobs/look/run' },
] as const)('a request of the kind $kind ends when its time is over, and its signal aborts', async ({ kind }) => {
  const aborted: unknown[] = []
  const wait = (signal: AbortSignal) =>
    new Promise<never>(() => {
      signal.addEventListener('abort', () => aborted.push(signal.reason))
    })
  const overrides = { status: wait, jobs: { run: (_: unknown, { signal }: { signal: AbortSignal }) => wait(signal) } }
  await using at = await startDaemon(overrides, { limits: { [kind]: { inFlight: 1, within: 20 } } })
  const call = kind === 'asking' ? at.raw.get('/status') : at.raw.post('/jobs/look/run', { wait: true })
  await expect(call).rejects.toMatchObject({
    code: 'timed-out',
    message: 'not answered within 0.02 s; the daemon may still carry it out',
  })
  expect(aborted).toMatchObject([{ code: 'timed-out' }])
})

describe('a client that is slow', () => {
  test.each([
    { what: 'never ends its headers', sends: 'GET /api/v1/jobs HTTP/1.1\r\nhost: care', limits: { headersWithin: 30 } },
    {
      what: 'never sends its body',
      sends:
        'POST /api/v1/rollout/pause HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{',
      limits: { headersWithin: 30, requestWithin: 60 },
    },
  ])('and $what is hung up on', async ({ sends, limits }) => {
    await using at = await startDaemon({}, { limits })
    const client = await rawClient(at.socket, sends)
    await expect.poll(() => client.closed).toBe(true)
    expect(await at.raw.get('/jobs')).toHaveLength(1)
  })

  test('and does not read its answer is hung up on', async () => {
    const long = { id: 1, at: '', kind: 'event' as const, subject: undefined, text: 'x'.repeat(8_000_000) }
    const journal = () => ({ items: [long] })
    await using at = await startDaemon({ journal }, { limits: { readWithin: 50 } })
    const client = connect(at.socket).pause()
    client.on('error', () => {})
    await once(client, 'connect')
    client.write('GET /api/v1/journal HTTP/1.1\r\nhost: caretaker\r\n\r\n')
    // Hung up on, and so no whole answer is there to be read.
    await expect.poll(() => isCut(client)).toBe(true)
    expect(await at.raw.get('/jobs')).toHaveLength(1)
  })

  test('and has more connections than there may be is hung up on', async () => {
    await using at = await startDaemon({ status: never }, { limits: { connections: 1 } })
    await using stack = new AsyncDisposableStack()
    const first = await rawClient(at.socket, 'GET /api/v1/status HTTP/1.1\r\nhost: caretaker\r\n\r\n')
    stack.defer(() => void first.destroy())
    const second = await rawClient(at.socket, 'GET /api/v1/jobs HTTP/1.1\r\nhost: caretaker\r\n\r\n')
    await expect.poll(() => second.closed).toBe(true)
    expect(first.destroyed).toBe(false)
  })
})

/** Whether the other side has hung up, as a write shows without reading anything. */
function isCut(client: Socket): boolean {
  client.write('\r\n')
  return client.destroyed || client.errored !== null
}

async function rawClient(path: string, sends: string): Promise<Socket> {
  const client = connect(path)
  client.on('error', () => {})
  await once(client, 'connect')
  client.resume()
  client.write(sends)
  return client
}
