import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { notObserved, observed } from '../../src/core/cluster/cluster.ts'
import { identitiesOf } from '../../src/services/ups-watch/page/identities.ts'
import { ups } from './dashboard/drawn.ts'

/** upsds that tell a model, and how often each was asked. */
function asking(answer: (label: string) => unknown = () => ({ 'device.model': 'Smart 1500' })) {
  const asked: string[] = []
  const power = {
    ups: async ({ ups: label }: { readonly ups: string }) => {
      asked.push(label)
      const variables = await answer(label)
      return { label, details: variables === undefined ? notObserved('silent') : observed({ variables }) } as never
    },
  }
  return { power, asked }
}

const onMains = ups({ mode: 'on-mains' })

test('what a UPS is is asked for once, however often the page is drawn', async () => {
  const { power, asked } = asking()
  for (let draws = 0; draws < 3; draws++)
    expect(await identitiesOf(power, [onMains])).toEqual(new Map([['rack', { model: 'Smart 1500' }]]))
  expect(asked).toEqual(['rack'])
})

test('each daemon knows its own', async () => {
  await identitiesOf(asking().power, [onMains])
  const other = asking(() => ({ 'device.model': 'Other' }))
  expect((await identitiesOf(other.power, [onMains])).get('rack')).toEqual({ model: 'Other' })
})

test('nobody asks on battery, and what was known before is shown', async () => {
  const { power, asked } = asking()
  expect(await identitiesOf(power, [ups()])).toEqual(new Map())
  expect(asked).toEqual([])
  await identitiesOf(power, [onMains])
  expect((await identitiesOf(power, [ups()])).get('rack')).toEqual({ model: 'Smart 1500' })
  expect(asked).toEqual(['rack'])
})

test.each([
  { which: 'tells nothing', answer: () => undefined },
  {
    which: 'can not be asked',
    answer: () => {
      throw new AgentError('unreachable', 'gone')
    },
  },
])('one that $which keeps no other from being shown, and is not asked again at once', async ({ answer }) => {
  const { power, asked } = asking((label) => (label === 'rack' ? answer() : { 'device.model': 'Other' }))
  const both = [onMains, ups({ mode: 'on-mains' }, 'shelf')]
  const known = new Map([['shelf', { model: 'Other' }]])
  expect(await identitiesOf(power, both)).toEqual(known)
  expect(await identitiesOf(power, both)).toEqual(known)
  expect(asked).toEqual(['rack', 'shelf'])
})

test('a page does not wait for one that never answers', async () => {
  const { power } = asking(() => new Promise(() => {}))
  expect(await identitiesOf(power, [onMains])).toEqual(new Map())
})
