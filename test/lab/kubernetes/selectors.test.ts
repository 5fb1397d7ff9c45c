import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiRefusal, queryOf } from '../../../src/adapters/kubernetes/api.ts'
import { startKubernetesLab, type KubernetesLab } from '../../adapters/kubernetes/lab.ts'
import { refusal } from '../../adapters/refusal.ts'
import { soon } from '../../patience.ts'

let at: KubernetesLab
beforeAll(async () => {
  at = await startKubernetesLab('127.0.44.171')
  at.lab.addDeployment({ name: 'web', namespace: 'media', replicas: 1, labels: { tier: 'batch' } })
})
afterAll(() => at[Symbol.asyncDispose]())

async function chosenBy(labelSelector: string): Promise<number> {
  const path = `/apis/apps/v1/deployments${queryOf({ labelSelector })}`
  const signal = soon()
  return (await at.api.send<{ items: readonly unknown[] }>({ method: 'GET', path, signal })).items.length
}

// A 400 with the words of labels.Parse (k8s.io/apiserver pkg/endpoints/handlers/get.go).
test.each([
  ['tier=b d', "found 'd', expected: ',' or 'end of string'"],
  ['app=fré', 'unable to parse requirement: values[0][app]: Invalid value: "fré": a valid label must be'],
  [',', "found ',', expected: !, identifier, or 'end of string'"],
  ['a,', "found '', expected: identifier after ','"],
  ['/a=b', 'unable to parse requirement: <nil>: Invalid value: "/a": prefix part must be non-empty'],
  ['a in', "unable to parse requirement: found '' expected: '('"],
])('the API refuses the selector "%s"', async (selector, words) => {
  const error = await refusal(chosenBy(selector))
  expect(error).toBeInstanceOf(ApiRefusal)
  expect(error).toMatchObject({ status: 400, message: expect.stringContaining(`deployments: ${words}`) })
})

test.each([
  ['tier=batch', 1],
  ['tier notin (web)', 1],
  ['none notin (web),!none', 1],
  ['tier in (web,)', 0],
  ['tier!=batch', 0],
])('the API chooses by "%s"', async (selector, count) => {
  expect(await chosenBy(selector)).toBe(count)
})
