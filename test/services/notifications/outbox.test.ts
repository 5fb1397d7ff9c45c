import { describe, expect, test } from 'vitest'
import { openJournal } from '../../../src/adapters/journal/journal.ts'
import type { Journal } from '../../../src/core/journal.ts'
import { type Delivery, deliveryKind } from '../../../src/core/notify/delivery.ts'
import type { Message } from '../../../src/core/notify/message.ts'
import { threadKind } from '../../../src/core/notify/thread-kind.ts'
import { createOutbox } from '../../../src/services/notifications/outbox.ts'
import { memoryJournal } from '../../fakes/journal.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { messageOf } from './sending.ts'

const start = (journal: Journal) => createOutbox(journal, () => new Date())

/** Queues a message, and says what became of it. */
function tell(outbox: ReturnType<typeof start>, channel: string, message: Message, changes: Partial<Delivery> = {}) {
  outbox.add(channel, message)
  const delivery = outbox.waiting(channel).at(-1)!
  outbox.keep({ ...delivery, state: 'sent', endedAt: new Date().toISOString(), ...changes })
}

const stuck = messageOf('w-1 is stuck', { thread: 'stuck' })
const note = (index: number) => messageOf(`v1.14.${index}`, { kind: 'note', topic: 'release.published' })

describe('what a channel was sent', () => {
  test('is known over a restart, however much others were sent since, and was settled there', async () => {
    await using folder = await temporaryFolder()
    {
      using journal = openJournal(folder.path)
      const outbox = start(journal)
      tell(outbox, 'phone', stuck, { ref: 'm-1' })
      tell(outbox, 'phone', messageOf('the cluster is back', { thread: 'd', kind: 'note', topic: 'digest.outage' }))
      for (let index = 0; index < 300; index++) outbox.add('noisy', messageOf(`${index}`, { kind: 'settled' }))
      for (let index = 0; index < 2_300; index++) outbox.add('noisy', note(index))
      const deliveries = journal.records(deliveryKind)
      for (const delivery of outbox.waiting('noisy')) deliveries.save({ ...delivery, state: 'sent' }, 'later')
    }
    using journal = openJournal(folder.path)
    const { sent } = start(journal)
    expect(journal.records(deliveryKind).newest(9_999).length).toBeLessThan(2_600)
    expect([...sent('phone')].map(([thread, { kind, ref }]) => ({ thread, kind, ref }))).toEqual([
      { thread: 'stuck', kind: 'alert', ref: 'm-1' },
      { thread: 'd', kind: 'note', ref: undefined },
    ])
    // Events are never asked for, and of what is over the newest is enough.
    expect(sent('noisy').size).toBe(200)
    expect(journal.records(threadKind).newest(9_999)).toHaveLength(202)
  })

  test('is found in a journal of an earlier release, which has deliveries alone', () => {
    const journal = memoryJournal()
    const outbox = start(journal)
    for (const [index, title] of ['a', 'b', 'c'].entries())
      tell(outbox, 'phone', messageOf(title, { thread: 't', kind: index === 0 ? 'alert' : 'update' }), { ref: 'm-1' })
    for (let index = 0; index < 350; index++) tell(outbox, 'mail', note(index))
    const former = outbox.sent('phone').get('t')
    for (const thread of journal.records(threadKind).open())
      journal.records(threadKind).remove(threadKind.keyOf(thread))
    expect(start(journal).sent('phone').get('t')).toEqual(former)
    expect(former).toMatchObject({ text: 'c', count: 3, ref: 'm-1' })
  })

  test('is complete where a crash kept a message and not its thread, and counts no message twice', () => {
    const journal = memoryJournal()
    const threads = journal.records(threadKind)
    const outbox = start(journal)
    tell(outbox, 'phone', stuck)
    const before = threads.open()[0]!
    outbox.add('phone', messageOf('still open', { thread: 'stuck', kind: 'reminder' }))
    outbox.add('phone', messageOf('w-2 is stuck'))
    threads.save(before)
    const again = start(journal).sent('phone')
    expect(again.get('stuck')).toMatchObject({ kind: 'reminder', count: 2 })
    expect(again.get('w-2 is stuck')).toMatchObject({ kind: 'alert', count: 1 })
    expect(start(journal).sent('phone')).toEqual(again)
  })

  test('is forgotten where the channel has shown none of it, and nothing else is', () => {
    const outbox = start(memoryJournal())
    const refused = { state: 'refused' } as const
    tell(outbox, 'phone', messageOf('never seen', { thread: 'unseen' }), refused)
    tell(outbox, 'phone', messageOf('update', { thread: 'unseen', kind: 'update' }), { state: 'superseded' })
    tell(outbox, 'phone', messageOf('seen', { thread: 'seen' }))
    tell(outbox, 'phone', messageOf('update', { thread: 'seen', kind: 'update' }), refused)
    tell(outbox, 'phone', messageOf('reminded', { thread: 'reminded' }), refused)
    tell(outbox, 'phone', messageOf('still open', { thread: 'reminded', kind: 'reminder' }))
    tell(outbox, 'phone', messageOf('over', { thread: 'over' }), refused)
    tell(outbox, 'phone', messageOf('over', { thread: 'over', kind: 'settled' }), refused)
    tell(outbox, 'mail', messageOf('never seen', { thread: 'unseen' }), refused)
    outbox.forgetRefused('phone')
    expect([...outbox.sent('phone').keys()]).toEqual(['seen', 'reminded', 'over'])
    expect([...outbox.sent('mail').keys()]).toEqual(['unseen'])
  })
})
