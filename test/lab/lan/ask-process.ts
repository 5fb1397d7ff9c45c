// Asks the network of a lab as firmware does, one question for each argument (JSON: the question, and how many answer),
// and prints who offers what.
import process from 'node:process'
import { createNetbootProbe } from '../../../src/adapters/dhcp/probe.ts'
import type { Question, SeenOffer } from '../../../src/core/netboot/dhcp/question.ts'

export interface Asking {
  readonly question: Question
  readonly answers: number
}

const probe = createNetbootProbe({ readFile: () => Promise.reject(new Error('not asked here')) })
const { signal } = new AbortController()
/** In ms: servers of a lab answer at once, but a busy machine may take its time. */
const [within, againWithin, rounds] = [300, 10_000, 40]

async function offersTo({ question, answers }: Asking): Promise<readonly SeenOffer[]> {
  let offers: readonly SeenOffer[] = []
  for (let round = 0; round < rounds && offers.length < answers; round += 1)
    offers = await probe.discover({ ...question, xid: question.xid + round }, within, signal)
  return offers
}

const all: { readonly offers: readonly SeenOffer[]; readonly again: readonly SeenOffer[] }[] = []
for (const text of process.argv.slice(2)) {
  const asking = JSON.parse(text) as Asking
  const offers = await offersTo(asking)
  const bare = offers.filter(({ classId, hasPxeOptions }) => classId === 'PXEClient' && !hasPxeOptions)
  const again = await Promise.all(
    bare.map(({ server }) => probe.askAgain(server, asking.question, againWithin, signal)),
  )
  all.push({ offers, again: again.flatMap((one) => one ?? []) })
}
process.stdout.write(JSON.stringify(all))
