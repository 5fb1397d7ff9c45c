import { counted } from '../../core/count.ts'
import { describeDuration } from '../../core/duration.ts'
import type { Journal } from '../../core/journal.ts'

/** One entry in so long for each address, in ms; what is asked meanwhile is counted. */
const window = 600_000
/** So many addresses have entries of their own in that time; the others have one together. */
const mostAddresses = 32

interface Asked {
  since: number
  /** Since its entry. */
  more: number
  subject: string
}

/** Every question in the journal, and no flood of them. */
export interface QuestionLog {
  note(question: { readonly address: string; readonly subject: string; readonly text: string }): void
  /** Writes how often those have asked whose time is over. To be called now and then. */
  look(): void
}

export function createQuestionLog(journal: Pick<Journal, 'write'>, now: () => number): QuestionLog {
  const byAddress = new Map<string, Asked>()
  let others: { since: number; more: number; readonly addresses: Set<string> } | undefined

  function look(): void {
    const at = now()
    const isOver = ({ since }: { readonly since: number }) => at - since >= window || at < since
    for (const [address, asked] of byAddress) {
      if (!isOver(asked)) continue
      byAddress.delete(address)
      if (asked.more > 0)
        write(
          asked.subject,
          `${address} asked for a configuration ${counted(asked.more, 'more time')} within ${describeDuration(window)}`,
        )
    }
    if (others && isOver(others)) {
      const { more, addresses } = others
      others = undefined
      const who = counted(addresses.size, 'other address', 'other addresses')
      const orMore = addresses.size < mostAddresses ? '' : ' or more'
      write(
        'machines',
        `${who}${orMore} asked for a configuration ${counted(more, 'time')} within ${describeDuration(window)}`,
      )
    }
  }

  const write = (subject: string, text: string) => journal.write({ kind: 'event', subject, text })

  return {
    note: ({ address, subject, text }) => {
      look()
      const asked = byAddress.get(address)
      if (asked) asked.more += 1
      else if (byAddress.size < mostAddresses) {
        byAddress.set(address, { since: now(), more: 0, subject })
        write(subject, text)
      } else {
        others ??= { since: now(), more: 0, addresses: new Set() }
        others.more += 1
        if (others.addresses.size < mostAddresses) others.addresses.add(address)
      }
    },
    look,
  }
}
