import type { ServerResponse } from 'node:http'
import { expect, onTestFinished, test, vi } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import { readLines } from '../../../src/services/notifications/stream.ts'
import { startHttp } from '../../lab/http.ts'

/** Everything that is read of an answer, and how it ended. */
async function readAll(serve: (response: ServerResponse) => void, silence = 60_000) {
  const server = await startHttp((_, response) => serve(response), '127.0.201.5')
  onTestFinished(() => server[Symbol.asyncDispose]())
  const outgoing = { doing: 'phone', url: new URL(`http://${server.host}/secret-topic/json`), method: 'GET' }
  const lines: string[] = []
  const refuse = () => new AgentError('rejected', 'refused')
  try {
    for await (const line of readLines(outgoing, { silence, refuse }, new AbortController().signal)) lines.push(line)
    return { lines }
  } catch (error) {
    const { code, message } = error as AgentError
    return { lines, failure: message.includes('secret-topic') ? message : code }
  }
}

test('lines are told whole, however they are cut on their way', async () => {
  const bytes = Buffer.from('żółw\n\n{"a":1}\nrest')
  const read = await readAll((response) => {
    const next = (at: number) => {
      if (at === bytes.length) response.end()
      else response.write(bytes.subarray(at, at + 1), () => setImmediate(next, at + 1))
    }
    next(0)
  })
  expect(read).toEqual({ lines: ['żółw', '{"a":1}'] })
})

test.each<{ what: string; serve: (response: ServerResponse) => void; silence?: number; failure: string }>([
  { what: 'a server that does not answer', serve: () => {}, silence: 50, failure: 'timed-out' },
  { what: 'a server that falls silent', serve: (response) => response.write('a\n'), silence: 50, failure: 'timed-out' },
  { what: 'a connection that breaks', serve: (response) => response.destroy(), failure: 'unreachable' },
  { what: 'a refusal', serve: (response) => response.writeHead(403).end(), failure: 'rejected' },
  { what: 'a line without end', serve: (response) => response.end('x'.repeat(70_000)), failure: 'malformed' },
])('$what is told as $failure', async ({ serve, silence, failure }) => {
  expect((await readAll(serve, silence)).failure).toBe(failure)
})

test('a server that says something now and then is heard for as long as it does', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { promise, resolve } = Promise.withResolvers<ServerResponse>()
  const server = await startHttp((_, response) => resolve(response), '127.0.201.5')
  onTestFinished(() => server[Symbol.asyncDispose]())
  const outgoing = { doing: 'phone', url: new URL(`http://${server.host}/`), method: 'GET' }
  const limits = { silence: 100_000, refuse: () => new AgentError('rejected', 'refused') }
  const lines = readLines(outgoing, limits, new AbortController().signal)
  const first = lines.next()
  const response = await promise
  response.write('keepalive\n')
  expect((await first).value).toBe('keepalive')
  for (let count = 0; count < 3; count += 1) {
    vi.advanceTimersByTime(60_000)
    response.write('keepalive\n')
    expect((await lines.next()).value).toBe('keepalive')
  }
  const next = lines.next()
  vi.advanceTimersByTime(100_000)
  await expect(next).rejects.toMatchObject({ code: 'timed-out' })
})
