import { z } from '@hono/zod-openapi'
import { expect, test } from 'vitest'
import { type Access, socketAccess } from '../../src/http/access.ts'
import { AgentError } from '../../src/core/errors.ts'
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

test('what is for the control socket alone is refused at every other door, whoever asks, and is not begun', async () => {
  const answer = schemaOf<{ readonly done: boolean }>()('Done', z.object({ done: z.boolean() }))
  let begun = 0
  const secret = route({ ...look, scope: 'admin', door: 'socket', answer }, () => ({ done: ++begun > 0 }))
  const ask = async (access: Access) => {
    const app = serve([secret], { access, gate: createGate(socketLimits) })
    app.onError((error) => new Response(error instanceof AgentError ? error.code : 'no', { status: 500 }))
    return (await app.request('/look')).text()
  }
  expect(await ask({ admit: () => ({ name: 'desk', verified: true }) })).toBe('forbidden')
  expect(begun).toBe(0)
  expect(await ask(socketAccess)).toBe('{"done":true}')
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
