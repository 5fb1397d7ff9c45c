import { expect, test } from 'vitest'
import type { PageRequest } from '../../src/core/page.ts'
import { operatorOf } from '../fakes/person.ts'
import { open } from './requesting.ts'

test('every list is read page by page to its end, and no entry is there twice or missing', async () => {
  await using at = await open()
  const operator = operatorOf(at.homelab, at)
  const { journal } = at.homelab.ports
  for (let one = 0; one < 23; one++) journal.write({ kind: 'event', text: `entry ${one}` })
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    at.agent.alerts.open(`job.failed:${name}`, { severity: 'info', subject: name, text: name })
    if (name !== 'c') at.agent.alerts.settle(`job.failed:${name}`)
  }
  const whole = operator.journal({ limit: 1_000 })
  expect(whole.next).toBeUndefined()
  expect(pagesOf(operator.journal, 5).flat()).toEqual(whole.items)
  expect(pagesOf(operator.journal, whole.items.length)).toHaveLength(1)
  const settled = pagesOf(operator.settledAlerts, 3)
  expect(settled.map((page) => page.length)).toEqual([3, 1])
  expect(
    settled
      .flat()
      .map(({ subject }) => subject)
      .toSorted(),
  ).toEqual(['a', 'b', 'd', 'e'])
  const runs = operator.jobs.runs({ limit: 1_000 }).items
  expect(pagesOf(operator.jobs.runs, 1)).toEqual(runs.map((run) => [run]))
})

/** Follows `next` until there is none. */
function pagesOf<T>(
  read: (page: PageRequest) => { readonly items: readonly T[]; readonly next?: string },
  limit: number,
) {
  const pages: (readonly T[])[] = []
  let before: string | undefined
  do {
    const { items, next } = read({ limit, before })
    pages.push(items)
    before = next
    expect(pages.length).toBeLessThan(1_000)
  } while (before !== undefined)
  return pages
}
