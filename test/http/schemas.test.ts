import { expect, test } from 'vitest'
import type { Operator } from '../../src/core/operator.ts'
import { routesOf } from '../../src/http/routes.ts'
import { begin } from '../fakes/rollout.ts'
import { asks, mac } from '../fakes/machines.ts'
import { asked, deskOf, operatorOf } from '../fakes/person.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { onBattery, two } from '../fakes/stories.ts'

/** What is asked about one thing, and which. */
const named: readonly (readonly [prefix: string, params: Readonly<Record<string, string>>])[] = [
  ['/nodes/', { name: 'cp-1' }],
  ['/upses/', { name: 'ups' }],
  ['/netboot/machines/', { machine: 'w-1' }],
  ['/machines/', { machine: mac }],
  ['/netboot/recipes/', { router: 'dnsmasq' }],
]

/** What each question is answered, as JSON, and the same as its schema reads it: what it does not know is left out. */
async function answersOf(operator: Operator) {
  const questions = routesOf(operator).filter(({ spec }) => spec.method === 'get')
  const answers = questions.map(async ({ spec, handle }): Promise<[string, unknown, unknown]> => {
    const query = spec.query?.parse({})
    const params = named.find(([prefix]) => spec.path.startsWith(prefix))?.[1]
    const answer = await handle({ params, query, body: undefined }, asked())
    const told: unknown = JSON.parse(JSON.stringify(answer))
    return [spec.path, told, spec.answer.parse(told)]
  })
  return Promise.all(answers)
}

test('every answer of the homelab is as its schema says, at rest, in a rollout and on battery', async () => {
  const homelab = fakeHomelab(two, { versions: ['v1.13.9', 'v1.14.1'] })
  await using at = await begin(homelab)
  deskOf(homelab, at).ask(asks())
  const operator = operatorOf(homelab, at)
  operator.tokens.create({ name: 'phone', scope: 'operate', lastsMs: 60_000 }, asked())
  const moments: (() => Promise<unknown>)[] = [
    async () => {},
    () => at.next(),
    () => at.reads(onBattery),
    () => operator.power.shutDown(asked()).then(() => at.agent.idle()),
  ]
  for (const moment of moments) {
    await moment()
    for (const [path, told, read] of await answersOf(operator)) expect({ [path]: told }).toEqual({ [path]: read })
  }
  const outages = operator.power.outages({ limit: 5 })
  const history = operator.rollouts.history({ limit: 5 })
  expect([outages.items.length, history.items.length, operator.alerts().length]).toEqual([1, 1, expect.any(Number)])
})

test('every request needs a scope, has a summary of its own, and is reached by one path', () => {
  const specs = routesOf({} as Operator).map(({ spec }) => spec)
  const table = specs.map(({ method, path, scope }) => `${scope} ${method} ${path}`)
  expect(new Set(table).size).toBe(table.length)
  expect(new Set(specs.map(({ summary }) => summary)).size).toBe(specs.length)
  // Whoever may only read changes nothing; tokens, modes of files and secrets, and who gets them, are for whoever may everything.
  const wanted = specs.map(({ method, path }) => {
    const isForAdmins =
      path.startsWith('/tokens') || ['/doctor/fix', '/machine-secrets', '/machines/{machine}/approve'].includes(path)
    const scope = isForAdmins ? 'admin' : method === 'get' ? 'read' : 'operate'
    return `${scope} ${method} ${path}`
  })
  expect(table).toEqual(wanted)
})
