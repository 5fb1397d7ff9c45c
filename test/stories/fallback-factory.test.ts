import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { remembered } from '../../src/operations/facts.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { begin, days, offered, texts } from '../fakes/rollout.ts'
import { two } from '../fakes/stories.ts'

const untold = 'factory.test has not been told the schematic homelab: it is away'

test('no node is brought to a schematic that only a fallback knows: its installer is pulled from the first Factory', async () => {
  const homelab = fakeHomelab(two, offered)
  const { factory, journal } = homelab.ports
  const { register } = factory
  factory.register = async (...given) => ({ ...(await register(...given)), untold: 'it is away' })
  await using it = await begin(homelab)
  expect(await days(it)).toBe(
    'factory.test, where the installer of w-1 is pulled from, has not been told its schematic yet',
  )
  expect((await homelab.share.staged()).map(({ version }) => version)).toContain('v1.14.1')
  expect(homelab.pulled).toEqual([])
  expect(it.agent.alerts.all.map(({ text }) => text)).toContainEqual(expect.stringContaining(untold))

  factory.register = register
  expect(await days(it)).toBe('every node runs v1.14.1')
  expect(texts(homelab, 'alert')).toContainEqual(expect.stringMatching(`settled: ${untold}`))
  expect(remembered.registrations.recall(journal)).toMatchObject({ ['a'.repeat(64)]: { registry: 'factory.test' } })
})

test('a node that has its installer already is finished, whoever knows its schematic', async () => {
  const homelab = fakeHomelab(two, offered)
  const { journal } = homelab.ports
  await using it = await begin(homelab)
  homelab.before = (entry) => {
    if (entry === 'uncordon w-1') throw new AgentError('rejected', 'it is not taken')
  }
  await it.run('upgrade-node').catch(() => undefined)
  homelab.before = undefined
  // Whoever edits factory.url in the middle of a rollout.
  const moved = Object.entries(remembered.registrations.recall(journal)!).map(([own, { id }]) => [own, { id }] as const)
  remembered.registrations.remember(journal, Object.fromEntries(moved))
  const pulled = homelab.pulled.length
  await it.run('upgrade-node')
  expect(homelab.diary.at(-1)).toBe('uncordon w-1')
  expect(await it.next()).toMatch(/has not been told its schematic yet$/)
  expect(homelab.pulled).toHaveLength(pulled)
})
