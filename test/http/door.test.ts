import { z } from '@hono/zod-openapi'
import { expect, test } from 'vitest'
import { socketAccess } from '../../src/http/access.ts'
import { serve } from '../../src/http/door.ts'
import { createGate, socketLimits } from '../../src/http/limits.ts'
import { route } from '../../src/http/route.ts'
import { schemaOf } from '../../src/http/schemas/answer.ts'
import { plan } from '../../src/http/schemas/upgrade.ts'
import type { PlanAnswer } from '../../src/core/operator.ts'
import type { UpgradePreview } from '../../src/core/upgrade/preview.ts'

const look = { method: 'get', path: '/look', summary: 'Looks', scope: 'read' } as const

test('what JSON would carry over as something else does not compile as an answer', async () => {
  const until = new Date('2026-11-26T10:00:00Z')
  const answer = schemaOf<{ readonly until: string; readonly maybe?: string | undefined }>()(
    'Look',
    z.object({ until: z.string(), maybe: z.string().optional() }),
  )
  // @ts-expect-error -- a date
  route({ ...look, answer }, () => ({ until }))
  // @ts-expect-error -- a preview, which has dates
  route({ ...look, answer: plan }, () => ({}) as UpgradePreview)
  route({ ...look, answer: plan }, () => ({}) as PlanAnswer)
  const app = serve([route({ ...look, answer }, () => ({ until: until.toISOString(), maybe: undefined }))], {
    access: socketAccess,
    gate: createGate(socketLimits),
  })
  expect(await (await app.request('/look')).json()).toEqual({ until: '2026-11-26T10:00:00.000Z' })
})

test('a schema that says more or less than the answer does not compile', () => {
  interface SentThread {
    readonly name: string
    readonly since?: string
  }
  // @ts-expect-error -- a field that is forgotten
  schemaOf<SentThread>()('SentThread', z.object({ name: z.string() }))
  // @ts-expect-error -- a field that is never answered
  schemaOf<SentThread>()('SentThread', z.object({ name: z.string(), since: z.string().optional(), at: z.string() }))
  // @ts-expect-error -- a field that may be absent
  schemaOf<SentThread>()('SentThread', z.object({ name: z.string(), since: z.string() }))
  // @ts-expect-error -- a field of another type
  schemaOf<SentThread>()('SentThread', z.object({ name: z.number(), since: z.string().optional() }))
  expect(
    schemaOf<SentThread>()('SentThread', z.object({ name: z.string(), since: z.string().optional() })).safeParse({})
      .success,
  ).toBe(false)
})
