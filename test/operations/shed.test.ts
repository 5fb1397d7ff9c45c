import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import type { ScaledWorkload, WorkloadSelection } from '../../src/core/cluster/workload.ts'
import { describeRefused, findSheddable } from '../../src/operations/shed.ts'
import { soon } from '../patience.ts'

const signal = soon()
const web: ScaledWorkload = { kind: 'Deployment', namespace: 'media', name: 'web', replicas: 3 }
const db: ScaledWorkload = { kind: 'StatefulSet', namespace: 'data', name: 'db', replicas: 1 }
const selections = (...selectors: string[]): WorkloadSelection[] => selectors.map((selector) => ({ selector }))

/** An API server that answers each selector so. */
function answering(answers: Readonly<Record<string, readonly ScaledWorkload[] | AgentError>>) {
  return {
    scalable: async (asked: readonly WorkloadSelection[]) => {
      const all = asked.map(({ selector }) => answers[selector] ?? [])
      return all.flatMap((answer) => {
        if (answer instanceof AgentError) throw answer
        return answer
      })
    },
  }
}

test('a selector that is refused leaves what the others choose, and is named', async () => {
  const bad = new AgentError('misconfigured', '"a," chooses no workloads')
  const sheddable = await findSheddable(
    answering({ 'a,': bad, web: [web], db: [db] }),
    selections('a,', 'web', 'db'),
    signal,
  )
  expect(sheddable.found).toEqual([db, web])
  expect(describeRefused(sheddable)).toBe('power.shed: "a," chooses no workloads; the other selectors are used')
})

test('what several selectors choose is there once, and nothing is refused', async () => {
  const sheddable = await findSheddable(answering({ a: [web, db], b: [web] }), selections('a', 'b'), signal)
  expect(sheddable.found).toEqual([db, web])
  expect(describeRefused(sheddable)).toBeUndefined()
})

test('an answer that is only late is waited for: half of the selectors are not all', async () => {
  const late = new AgentError('unreachable', 'the API server is silent')
  await expect(findSheddable(answering({ a: [web], b: late }), selections('a', 'b'), signal)).rejects.toBe(late)
})

test('where every selector is refused, that is the answer', async () => {
  const no = new AgentError('rejected', 'no')
  await expect(findSheddable(answering({ a: no, b: no }), selections('a', 'b'), signal)).rejects.toBe(no)
  expect(await findSheddable(answering({}), [], signal)).toEqual({ found: [], refused: [] })
})
