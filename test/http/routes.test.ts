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
  { path: '/netboot/machines/w-1/once', request: 'netboot once', about: { machine: 'w-1', cancel: false } },
  {
    path: '/netboot/machines/52%3A54%3A00%3A12%3A34%3A56/once',
    body: { cancel: true },
    request: 'netboot once',
    about: { machine: '52:54:00:12:34:56', cancel: true },
  },
  {
    path: '/machines/BCDF-GHJK/approve',
    body: { role: 'worker', name: 'worker-2', labels: { 'example.com/gpu': 'nvidia' }, patches: ['gpu.yaml', ' '] },
    request: 'approve machine',
    about: {
      machine: 'BCDF-GHJK',
      role: 'worker',
      name: 'worker-2',
      labels: { 'example.com/gpu': 'nvidia' },
      patches: ['gpu.yaml'],
      force: false,
    },
  },
  {
    path: '/machines/52%3A54%3A00%3A12%3A34%3A56/reject',
    body: { reason: 'not ours' },
    request: 'reject machine',
    about: { machine: '52:54:00:12:34:56', reason: 'not ours' },
  },
  { path: '/machines/worker-2/forget', request: 'forget machine', about: { machine: 'worker-2' } },
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
  { path: '/rollout/pause', body: { why: 'guests' }, says: 'why is unknown; is this CLI newer than the daemon?' },
  { path: '/rollout/approve', body: { losing: 'gvisor' }, says: 'losing is not a list' },
  { path: '/rollout/approve', body: { losing: Array(65).fill('a') }, says: 'losing has more than 64 entries' },
  { path: '/nodes/w-1/rollback', body: { force: 'maybe' }, says: 'force is neither true nor false' },
  { path: '/nodes/w-1/pause', body: { reason: 'x'.repeat(70_000) }, says: 'the request is larger than 64 KiB' },
])('POST $path is refused, because $says', async ({ path, body, says }) => {
  await using at = await startDaemon()
  await expect(at.raw.post(path, body)).rejects.toMatchObject({ code: 'misconfigured', message: says })
  expect(at.heard).toEqual([])
})

const lists = ['/journal', '/runs', '/outages', '/rollouts', '/alerts/settled', '/notifications']

test.each([
  { query: '', page: { limit: 50 } },
  { query: '?limit=7', page: { limit: 7 } },
  { query: '?limit=99999999', page: { limit: 10_000 } },
  { query: '?before=000000000007&limit=2', page: { limit: 2, before: '000000000007' } },
])('shows as much of each list as $query asks for, within reason', async ({ query, page }) => {
  await using at = await startDaemon()
  for (const path of lists) expect(await at.raw.get(`${path}${query}`)).toEqual({ items: [] })
  expect(at.pages).toEqual(lists.map(() => page))
})

test.each([
  { query: '?limit=0', says: 'limit is not a whole number above 0' },
  { query: '?limit=-1', says: 'limit is not a whole number above 0' },
  { query: '?limit=x', says: 'limit is not a whole number above 0' },
  { query: '?limit=1.5', says: 'limit is not a whole number above 0' },
  { query: '?limit=1&limit=2', says: 'limit is not a string' },
  { query: '?most=1', says: 'most is unknown; is this CLI newer than the daemon?' },
  { query: `?before=${'x'.repeat(301)}`, says: 'before is longer than 300 characters' },
])('refuses a query that makes no sense: $query', async ({ query, says }) => {
  await using at = await startDaemon()
  for (const path of lists)
    await expect(at.raw.get(`${path}${query}`)).rejects.toMatchObject({ code: 'misconfigured', message: says })
  expect(at.pages).toEqual([])
})

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

test('the network is asked in the name of a machine, and a recipe is for a router that there is', async () => {
  await using at = await startDaemon()
  await at.raw.post('/netboot/check', { machine: 'w-1', loads: 'http' })
  expect(at.heard).toMatchObject([{ request: 'netboot check', about: { machine: 'w-1', loads: 'http' } }])
  expect(await at.raw.get('/netboot')).toEqual([])
  expect(await at.raw.get('/netboot/recipes/kea')).toMatchObject({ router: 'kea' })
  await expect(at.raw.get('/netboot/recipes/toaster')).rejects.toMatchObject({ code: 'misconfigured' })
  await expect(at.raw.post('/netboot/check', { loads: 'mail' })).rejects.toMatchObject({ code: 'misconfigured' })
})

test.each([
  { path: '/doctor', body: undefined, about: { send: false } },
  { path: '/doctor', body: { only: ['node', ' '], send: true }, about: { only: ['node'], send: true } },
  { path: '/doctor/fix', body: { only: ['files'] }, about: { only: ['files'], send: false, fix: true } },
])('POST $path with $body examines $about', async ({ path, body, about }) => {
  await using at = await startDaemon()
  expect(await at.raw.post(path, body)).toMatchObject({ checks: [], tookMs: 12 })
  expect(at.heard).toEqual([{ request: 'examine', about, by: 'anonymous' }])
  expect(await at.raw.get('/doctor')).toEqual({})
})
