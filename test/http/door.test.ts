import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { socketAccess } from '../../src/http/access.ts'
import { createDoor } from '../../src/http/door.ts'
import { createGate, socketLimits } from '../../src/http/limits.ts'
import type { PlanAnswer } from '../../src/core/operator.ts'
import type { UpgradePreview } from '../../src/core/upgrade/preview.ts'

test('what JSON would carry over as something else does not compile as an answer', async () => {
  const { answer } = createDoor(createGate(socketLimits), socketAccess)
  const until = new Date('2026-11-26T10:00:00Z')
  const app = new Hono()
    // @ts-expect-error -- a date
    .get('/date', (c) => answer(c, 'asking', () => ({ until })))
    // @ts-expect-error -- a map, deep inside
    .get('/map', (c) => answer(c, 'asking', () => ({ nodes: [{ volumes: new Map([['a', 1]]) }] })))
    // @ts-expect-error -- a preview, which has dates
    .get('/preview', (c) => answer(c, 'asking', () => ({}) as UpgradePreview))
    .get('/plan', (c) => answer(c, 'asking', () => ({}) as PlanAnswer))
    .get('/text', (c) => answer(c, 'asking', () => ({ until: until.toISOString(), maybe: undefined })))
  expect(await (await app.request('/text')).json()).toEqual({ until: '2026-11-26T10:00:00.000Z' })
})
