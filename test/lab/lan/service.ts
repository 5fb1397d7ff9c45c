import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { waitFor } from '../daemon.ts'
import type { Lan } from './lan.ts'

export const script = (name: string) => fileURLToPath(new URL(name, import.meta.url))
export const node = [process.execPath, '--disable-warning=ExperimentalWarning'] as const

/** A service that runs on a machine of a lab's network, and what it says as it comes. */
export interface LanService {
  readonly said: readonly unknown[]
  /** What it says of itself now. */
  asks(): Promise<LanServiceFigures>
}

export interface LanServiceFigures {
  readonly status: string
  /** In bytes. */
  readonly memory: number
  /** Events. */
  readonly told: number
}

/** Starts the service whose section is given; resolves when it runs, or has said why it does not. */
export async function startService(lan: Lan, name: string, sections: object): Promise<LanService> {
  const child = lan.start(name, node[0], [node[1], script('service-process.ts'), JSON.stringify(sections)])
  const said: unknown[] = []
  let rest = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) said.push(JSON.parse(line))
  })
  const isOver = () => said.some((one) => one === 'ready' || isOf(one, 'refused'))
  await waitFor('the service to start', 20_000, isOver, 10)
  return {
    said,
    asks: async () => {
      const before = said.length
      child.stdin!.write('?\n')
      const find = () => said.slice(before).find((one): one is LanServiceFigures => isOf(one, 'status'))
      await waitFor('its status', 10_000, () => find() !== undefined, 10)
      return find()!
    },
  }
}

const isOf = (one: unknown, field: string) => typeof one === 'object' && one !== null && field in one
