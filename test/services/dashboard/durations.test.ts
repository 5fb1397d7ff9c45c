import { readFile } from 'node:fs/promises'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { describeDuration } from '../../../src/core/duration.ts'

const script = new URL('../../../src/services/dashboard/assets/dashboard.js', import.meta.url)

/** A function of the dashboard's script, which browsers load as it is. */
async function functionOf(name: string): Promise<(ms: number) => string> {
  const text = await readFile(script, 'utf8')
  const [source] = new RegExp(`function ${name}\\(ms\\) \\{.*?\\n\\}\\n`, 's').exec(text) ?? []
  if (source === undefined) throw new Error(`there is no ${name} in the script any more`)
  return runInNewContext(`(${source})`) as (ms: number) => string
}

test('the browser words durations as the server does, so that nothing jumps when a page is drawn anew', async () => {
  const durationOf = await functionOf('durationOf')
  const seconds = Array.from({ length: 4_000 }, (_, index) => index + 1)
  const longer = Array.from({ length: 3_000 }, (_, index) => 4_000 + index * 97)
  for (const one of [...seconds, ...longer]) expect(durationOf(one * 1_000)).toBe(describeDuration(one * 1_000))
})
