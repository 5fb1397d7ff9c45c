import { expect, test } from 'vitest'
import { startDaemon } from './daemon.ts'

interface Case {
  readonly path: string
  readonly body?: unknown
  readonly request: string
  readonly about?: unknown
}

test.each<Case>([
  {
    path: '/rollout/pause',
    body: { reason: 'guests & all' },
    request: 'pause rollouts',
    about: { reason: 'guests & all' },
  },
  { path: '/rollout/pause', request: 'pause rollouts' },
  { path: '/rollout/resume', request: 'resume rollouts' },
  { path: '/rollout/start', request: 'start' },
  { path: '/rollout/abort', request: 'abort' },
  { path: '/rollout/abort', body: { version: 'v1.14.1' }, request: 'abort', about: { version: 'v1.14.1' } },
  { path: '/queue/clear', request: 'clear the queue' },
  { path: '/rollout/approve', request: 'approve' },
  {
    path: '/rollout/approve',
    body: { version: 'v1.14.1', losing: ['siderolabs/gvisor', ' '] },
    request: 'approve',
    about: { version: 'v1.14.1', losing: ['siderolabs/gvisor'] },
  },
  { path: '/rollout/run-now', body: { lastsMs: 60_000 }, request: 'open window', about: { lastsMs: 60_000 } },
  { path: '/rollout/retry', request: 'retry' },
  { path: '/rollout/retry', body: { node: 'w-1' }, request: 'retry', about: { node: 'w-1' } },
  {
    path: '/nodes/w-1/pause',
    body: { reason: 'spare part' },
    request: 'pause',
    about: { node: 'w-1', reason: 'spare part' },
  },
  { path: '/nodes/w-1/resume', request: 'resume', about: { node: 'w-1' } },
  { path: '/nodes/w-1/rollback', request: 'rollback', about: { node: 'w-1', force: false } },
  { path: '/nodes/w-1/rollback', body: { force: true }, request: 'rollback', about: { node: 'w-1', force: true } },
  { path: '/power/shutdown', request: 'shut down' },
  { path: '/power/cancel', request: 'cancel' },
  { path: '/power/wake', request: 'wake', about: { all: false } },
  { path: '/power/wake', body: { machine: 'nas' }, request: 'wake', about: { machine: 'nas', all: false } },
])('POST $path with $body is the request to $request', async ({ path, body, request, about = {} }) => {
  await using at = await startDaemon()
  expect(await at.raw.post(path, body)).toEqual({ said: request, changed: true })
  expect(at.heard).toEqual([{ request, about, by: 'anonymous' }])
})

test.each([
  { path: '/rollout/run-now', body: undefined, says: 'lastsMs is not a number' },
  { path: '/rollout/run-now', body: { lastsMs: 'soon' }, says: 'lastsMs is not a number' },
  { path: '/rollout/pause', body: { reason: 'x'.repeat(301) }, says: 'reason is longer than 300 characters' },
  { path: '/rollout/pause', body: { reason: 7 }, says: 'reason is not a string' },
  { path: '/rollout/pause', body: ['guests'], says: 'the request is not an object' },
  { path: '/rollout/pause', body: { why: 'guests' }, says: 'why is unknown; is the CLI newer than the daemon?' },
  { path: '/rollout/approve', body: { losing: 'gvisor' }, says: 'losing is not a list' },
  { path: '/rollout/approve', body: { losing: Array(65).fill('a') }, says: 'losing has more than 64 entries' },
  { path: '/nodes/w-1/rollback', body: { force: 'maybe' }, says: 'force is neither true nor false' },
  { path: '/nodes/w-1/pause', body: { reason: 'x'.repeat(70_000) }, says: 'the request is larger than 64 KiB' },
])('POST $path is refused, because $says', async ({ path, body, says }) => {
  await using at = await startDaemon()
  await expect(at.raw.post(path, body)).rejects.toMatchObject({ code: 'misconfigured', message: says })
  expect(at.heard).toEqual([])
})

test.each([
  { query: '', count: 50 },
  { query: '?limit=7', count: 7 },
  { query: '?limit=99999999', count: 10_000 },
])('shows as much of the journal as $query asks for, within reason', async ({ query, count }) => {
  await using at = await startDaemon()
  await at.raw.get(`/journal${query}`)
  await at.raw.get(`/runs${query}`)
  expect(at.counts).toEqual([count, count])
})

test.each(['?limit=0', '?limit=-1', '?limit=x', '?limit=1.5', '?limit=1&limit=2'])(
  'refuses a query that makes no sense: %s',
  async (query) => {
    await using at = await startDaemon()
    for (const path of ['/journal', '/runs'])
      await expect(at.raw.get(`${path}${query}`)).rejects.toMatchObject({
        code: 'misconfigured',
        message: 'limit is not a whole number above 0',
      })
  },
)

test.each([
  { stated: 'admin%40nas', by: 'admin@nas' },
  { stated: encodeURIComponent('Zoë Ångström'), by: 'Zoë Ångström' },
  { stated: encodeURIComponent('root\n2026-01-01 alert: all is lost'), by: 'root 2026-01-01 alert: all is lost' },
  { stated: encodeURIComponent('\u001B[31madmin\u202Enimda'), by: '[31madmin nimda' },
  { stated: 'x'.repeat(500), by: 'x'.repeat(64) },
  { stated: encodeURIComponent(' \u0000 '), by: 'anonymous' },
  { stated: '%E0%A4%A', by: '%E0%A4%A' },
])('who asks is heard as $by, in one line', async ({ stated, by }) => {
  await using at = await startDaemon()
  await at.raw.post('/rollout/resume', undefined, { 'x-caretaker-by': stated })
  expect(at.heard).toEqual([{ request: 'resume rollouts', about: {}, by }])
})

test.each([
  { query: '', all: false },
  { query: '?all=true', all: true },
])('open alerts are told, and where all are asked for those too that are settled: $query', async ({ query, all }) => {
  const alert = {
    id: 'lease',
    severity: 'warning',
    subject: 'cluster',
    text: 'held',
    since: '2026-11-22T10:00:00Z',
  } as const
  const asked: unknown[] = []
  await using at = await startDaemon({ alerts: (request) => (asked.push(request), [alert]) })
  expect(await at.raw.get(`/alerts${query}`)).toEqual([alert])
  expect(asked).toEqual([{ all }])
})
