import { fileURLToPath } from 'node:url'
import process from 'node:process'
import { expect } from 'vitest'
import type { Question, SeenOffer } from '../../../src/core/netboot/dhcp/question.ts'
import type { Asking } from '../../lab/lan/ask-process.ts'
import type { Lan } from '../../lab/lan/lan.ts'
import { patience } from '../../patience.ts'

/** The proxy on its own ports, on a machine of a network of its own, and clients that ask there. */

export const script = (name: string) => fileURLToPath(new URL(`../../lab/lan/${name}`, import.meta.url))
export const node = [process.execPath, '--disable-warning=ExperimentalWarning'] as const

/** A question, and how many servers answer it. */
export const question = (xid: number, answers: number, more: Partial<Question> = {}): Asking => ({
  question: { mac: '02:63:61:72:65:01', xid: 1_000 * xid, architecture: 'amd64', loads: 'tftp', ...more },
  answers,
})

export interface Answer {
  readonly offers: readonly SeenOffer[]
  readonly again: readonly SeenOffer[]
}

export async function ask(lan: Lan, name: string, ...questions: readonly Asking[]): Promise<readonly Answer[]> {
  const words = [node[1], script('ask-process.ts'), ...questions.map((one) => JSON.stringify(one))]
  return JSON.parse(await lan.run(name, node[0], words)) as readonly Answer[]
}

/** A proxy that runs, and what it says as it comes. */
export interface StartedProxy {
  readonly said: readonly unknown[]
  /** What it says of itself now. */
  asks(): Promise<ProxyFigures>
}

export interface ProxyFigures {
  readonly status: string
  /** In bytes. */
  readonly memory: number
  /** Events. */
  readonly told: number
}

export async function startProxy(lan: Lan, name: string, sections: object): Promise<StartedProxy> {
  const child = lan.start(name, node[0], [node[1], script('proxy-process.ts'), JSON.stringify(sections)])
  const said: unknown[] = []
  let rest = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) said.push(JSON.parse(line))
  })
  await expect.poll(() => said.some((one) => one === 'ready' || isRefusal(one)), { timeout: 90_000 }).toBe(true)
  return {
    said,
    asks: async () => {
      const before = said.length
      child.stdin!.write('?\n')
      const find = () => said.slice(before).find((one): one is ProxyFigures => isOf(one, 'status'))
      await expect.poll(find, patience).toBeDefined()
      return find()!
    },
  }
}

const isOf = (one: unknown, field: string) => typeof one === 'object' && one !== null && field in one
const isRefusal = (one: unknown) => isOf(one, 'refused')
