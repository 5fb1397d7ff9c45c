import type { Question, SeenOffer } from '../../../src/core/netboot/dhcp/question.ts'
import type { Asking } from '../../lab/lan/ask-process.ts'
import type { Lan } from '../../lab/lan/lan.ts'
import { node, script } from '../../lab/lan/service.ts'

/** The proxy on its own ports, on a machine of a network of its own, and clients that ask there. */

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
