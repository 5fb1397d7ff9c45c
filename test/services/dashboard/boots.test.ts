import { expect, test } from 'vitest'
import type { BootTry, NetbootMachine } from '../../../src/core/netboot/requests.ts'
import { type BootsData, bootsView } from '../../../src/services/boot-files/boots/view.ts'
import { remembered } from '../../../src/operations/facts.ts'
import { at, textOf, viewing } from './drawn.ts'
import { openDashboard } from './site.ts'

const last: BootTry = { startedAt: at, lastAt: at, machine: 'w-1', phase: 'loading', asked: 1, said: 'has loaded 30 %' }
const machine: NetbootMachine = { machine: 'w-1', isKnown: true, boots: true, why: 'it says always', last }

function shown(more: Partial<BootsData> = {}, scope: typeof viewing.scope = 'operate'): Promise<string> {
  const data: BootsData = { machines: [machine], chosen: undefined, services: [], alerts: [], ...more }
  return textOf(bootsView(data, { ...viewing, scope }))
}

test('a machine that loads shows how far it is, and a stranger that it is one', async () => {
  const stranger = { ...machine, machine: '52:54:00:12:34:56', isKnown: false }
  const text = await shown({ machines: [{ ...machine, last: { ...last, bytes: 100, arrived: 30 } }, stranger] })
  expect(text).toMatch(/<progress\s+value="30"\s+max="100"\s+aria-label="has loaded 30 %"/)
  expect(text.match(/>stranger</g)).toHaveLength(1)
  expect(text).toContain('href="/boots?machine=52%3A54%3A00%3A12%3A34%3A56"')
})

test.each([
  { phase: 'offered', more: { next: 'Try it' }, badge: 'badge warning">offered' },
  { phase: 'loading', more: { trouble: 'it fell silent' }, badge: 'badge warning">loading' },
  { phase: 'loaded', more: {}, badge: 'badge fine">loaded' },
  { phase: 'asked', more: {}, badge: 'badge quiet">left alone' },
] as const)('a try that came to $phase is a $badge', async ({ phase, more, badge }) => {
  expect(await shown({ machines: [{ ...machine, last: { ...last, phase, ...more } }] })).toContain(badge)
})

test('of many strangers the newest are shown, and where the others are', async () => {
  const machines = Array.from({ length: 70 }, (_, index) => ({ ...machine, machine: `m-${index}` }))
  const text = await shown({ machines })
  expect(text).toContain('m-59<')
  expect(text).not.toContain('m-60<')
  expect(text).toContain('10 more')
})

test('a machine that is left alone has a button, one that boots anyway none, and neither has whoever may only read', async () => {
  const machines = [{ ...machine, boots: false }]
  expect(await shown({ machines })).toContain('action="/boots/do/once"')
  expect(await shown()).not.toContain('<form')
  expect(await shown({ machines }, 'read')).not.toContain('<form')
})

test('a person has a machine boot once more, and takes it back', async () => {
  await using site = await openDashboard()
  const boot = (name: string) => site.ask(`/boots/do/${name}`, { method: 'POST', form: { machine: 'w-1' } })
  expect((await site.ask('/boots/do/once?machine=w-1')).text).toContain('within a day')
  expect((await boot('once')).text).toContain('w-1 boots from the network the next time that it asks')
  expect(remembered.netbootArmed.recall(site.homelab.ports.journal)).toMatchObject({ 'w-1': {} })
  const page = await site.ask('/boots?machine=w-1')
  expect(page.text).toContain('action="/boots/do/not"')
  expect(page.text).toContain('It has not tried yet.')
  expect((await boot('not')).text).toContain('not to boot from the network any more')
  expect((await site.ask('/boots?machine=gone')).text).toContain('Nothing is known of this machine.')
})
