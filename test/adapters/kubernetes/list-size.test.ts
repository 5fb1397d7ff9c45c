import { expect, test } from 'vitest'
import { type Api, listOf } from '../../../src/adapters/kubernetes/api.ts'
import { refusal } from '../refusal.ts'
import { startKubernetesLab } from './lab.ts'
import { soon } from '../../patience.ts'

test('a list whose pages are too large together is given up before they fill the memory', async () => {
  let pages = 0
  const send: Api['send'] = async ({ onSize }) => {
    pages += 1
    onSize?.(30 * 1_048_576)
    return { kind: 'NodeList', items: [pages], metadata: { continue: 'more' } } as never
  }
  const { message } = await refusal(listOf({ send }, '/api/v1/nodes?a=b', soon()))
  expect([message, pages]).toEqual([expect.stringContaining('never ends the list of /api/v1/nodes: 3 objects'), 3])
})

test('the size of an answer is told', async () => {
  await using at = await startKubernetesLab('127.0.116.12')
  let size = 0
  await at.api.send({ method: 'GET', path: '/api/v1/nodes', signal: soon(), onSize: (bytes) => (size = bytes) })
  expect(size).toBeGreaterThan(1_000)
})
