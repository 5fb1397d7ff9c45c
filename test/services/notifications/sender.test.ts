import { describe, expect, test, vi } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import type { Journal } from '../../../src/core/journal.ts'
import { deliveryKind } from '../../../src/core/notify/delivery.ts'
import { RetryAfter } from '../../../src/services/notifications/outgoing.ts'
import { createRandom } from '../../core/random.ts'
import { memoryJournal } from '../../fakes/journal.ts'
import { type Fate, fakeChannel, messageOf, startSender } from './sending.ts'
import { patience } from '../../patience.ts'

const states = (journal: Journal) =>
  journal
    .records(deliveryKind)
    .newest(1_000)
    .toReversed()
    .map(({ message: { title }, state }) => `${title} ${state}`)

describe('messages of a channel', () => {
  test('go out one after another, in their order, whatever fails on the way', async () => {
    const journal = memoryJournal()
    let tries = 0
    const { channel, arrived } = fakeChannel(() =>
      ++tries === 1 ? new AgentError('unreachable', 'no route') : 'taken',
    )
    await using phone = startSender(journal, channel)
    for (const title of ['a', 'b', 'c']) phone.tell(messageOf(title))
    await vi.waitFor(() => expect(arrived).toEqual(['a', 'b', 'c']), patience)
    await vi.waitFor(() => expect(states(journal)).toEqual(['a sent', 'b sent', 'c sent']), patience)
  })

  test('are counted by what became of each attempt', async () => {
    const fates = [new AgentError('unreachable', 'no route'), 'taken', new AgentError('rejected', 'too long')] as const
    let tries = 0
    const { channel } = fakeChannel(() => fates[tries++]!)
    const outcomes: string[] = []
    await using phone = startSender(memoryJournal(), channel, { tried: (outcome) => void outcomes.push(outcome) })
    for (const title of ['a', 'b']) phone.tell(messageOf(title))
    await vi.waitFor(() => expect(outcomes).toEqual(['failed', 'sent', 'refused']), patience)
  })

  test('that the channel refuses for good cost the others nothing, and are an alert', async () => {
    const journal = memoryJournal()
    const { channel, arrived } = fakeChannel(({ title }) =>
      title === 'a' ? new AgentError('rejected', 'too long') : 'taken',
    )
    await using phone = startSender(journal, channel)
    phone.tell(messageOf('a'))
    await vi.waitFor(
      () =>
        expect(phone.alerts.get('channel.failing:phone')?.text).toBe('messages do not get through by phone: too long'),
      patience,
    )
    phone.tell(messageOf('b'))
    await vi.waitFor(() => expect(states(journal)).toEqual(['a refused', 'b sent']), patience)
    expect(arrived).toEqual(['b'])
    expect(phone.alerts.size).toBe(0)
  })

  test('wait for fixed credentials, which are read anew, and are not lost', async () => {
    const journal = memoryJournal()
    const { channel, arrived } = fakeChannel()
    let opened = 0
    const open = async () => {
      if (++opened === 1) throw new AgentError('misconfigured', 'the token was refused')
      return channel
    }
    await using phone = startSender(journal, open)
    phone.tell(messageOf('a'))
    await vi.waitFor(() => expect(phone.alerts.size).toBe(1), patience)
    expect(states(journal)).toEqual(['a waiting'])
    // A test, or what is urgent, does not wait for the next try.
    phone.sender.wake(true)
    await vi.waitFor(() => expect(states(journal)).toEqual(['a sent']), patience)
    expect(arrived).toEqual(['a'])
  })

  test('are heard and sent by one channel, opened once for all, until its credentials are refused', async () => {
    let opened = 0
    const channels = [new AgentError('misconfigured', 'revoked'), 'taken' as const].map(
      (fate) => fakeChannel(() => fate).channel,
    )
    const open = async () => channels[opened++]!
    await using phone = startSender(memoryJournal(), open)
    const { signal } = new AbortController()
    const [one, other] = await Promise.all([phone.sender.opened(signal), phone.sender.opened(signal)])
    expect(one).toBe(other)
    expect([opened, one.replaced.aborted]).toEqual([1, false])
    phone.tell(messageOf('a'))
    await vi.waitFor(() => expect(one.replaced.aborted).toBe(true), patience)
    expect((await phone.sender.opened(signal)).channel).toBe(channels[1])
  })

  test('of a channel whose secrets lie on a share that hangs are no alert at once, and wrong secrets are', async () => {
    const hangs = new AgentError('unreachable', 'the share did not answer')
    const cases = [
      { error: hangs, lasts: 60_000, alerts: 0 },
      { error: hangs, lasts: 600_000, alerts: 1 },
      { error: new AgentError('misconfigured', 'there is no such file'), lasts: 0, alerts: 1 },
    ]
    for (const { error, lasts, alerts } of cases) {
      let clock = 0
      let [tries, works] = [0, false]
      const { channel } = fakeChannel()
      const open = async () => {
        clock = lasts * tries++
        if (works) return channel
        throw error
      }
      await using phone = startSender(memoryJournal(), open, { monotonic: () => clock })
      const opened = phone.sender.opened(new AbortController().signal)
      await vi.waitFor(() => expect(phone.sender.trouble).toBe(error.message), patience)
      phone.sender.renew()
      await vi.waitFor(() => expect(tries).toBe(2), patience)
      expect(phone.alerts.size).toBe(alerts)
      // Nothing need be sent by it to know that it is over.
      works = true
      phone.sender.renew()
      await opened
      expect([phone.alerts.size, phone.sender.trouble]).toEqual([0, undefined])
    }
  })

  test('never reach a channel again that says it is gone', async () => {
    const journal = memoryJournal()
    let calls = 0
    const { channel } = fakeChannel(() => (calls++, new AgentError('not-found', 'unknown webhook')))
    await using phone = startSender(journal, channel)
    for (const title of ['a', 'b', 'c']) phone.tell(messageOf(title))
    await vi.waitFor(() => expect(states(journal)).toEqual(['a refused', 'b refused', 'c refused']), patience)
    expect(calls).toBe(1)
    expect(phone.alerts.get('channel.failing:phone')?.action).toMatch(/^Fix the channel/)
  })

  test('reach a channel that was gone as soon as what it is opened with has changed', async () => {
    const journal = memoryJournal()
    const fates: Fate[] = [new AgentError('not-found', 'unknown webhook'), 'taken']
    let opened = 0
    const { channel, arrived } = fakeChannel(() => fates.shift()!)
    await using phone = startSender(journal, async () => (opened++, channel))
    phone.tell(messageOf('a'))
    await vi.waitFor(() => expect(states(journal)).toEqual(['a refused']), patience)
    phone.sender.renew()
    phone.tell(messageOf('b'))
    await vi.waitFor(() => expect(states(journal)).toEqual(['a refused', 'b sent']), patience)
    expect([opened, arrived, phone.alerts.size]).toEqual([2, ['b'], 0])
  })

  test('are sent after a fault of ours, which is an alert until then', async () => {
    let faults = 2
    const voice = () => {
      if (--faults >= 0) throw new TypeError('homelab is undefined')
      return { homelab: 'attic', timeZone: 'UTC' }
    }
    const { channel, arrived } = fakeChannel()
    await using phone = startSender(memoryJournal(), channel, { voice, spread: () => 0 })
    phone.tell(messageOf('a'))
    await vi.waitFor(
      () =>
        expect(phone.alerts.get('channel.faulty:phone')?.text).toBe(
          'messages wait for phone because of a fault of Caretaker: homelab is undefined',
        ),
      patience,
    )
    await vi.waitFor(() => expect(arrived).toEqual(['a']), patience)
    expect(phone.alerts.size).toBe(0)
  })

  test('that we can’t put into a request are tried five times, and keep no other back', async () => {
    const journal = memoryJournal()
    let tries = 0
    const { channel, arrived } = fakeChannel()
    const outgoing: Parameters<typeof startSender>[2] = {
      outgoing: (message) => {
        if (message.title === 'a' && ++tries > 0) throw new TypeError('no buttons')
        return { ...message, homelab: 'attic', buttons: [] }
      },
    }
    await using phone = startSender(journal, channel, outgoing)
    for (const title of ['a', 'b']) phone.tell(messageOf(title))
    await vi.waitFor(() => {
      phone.sender.wake(true)
      expect(states(journal)).toEqual(['a refused', 'b sent'])
    }, patience)
    expect([tries, arrived]).toEqual([5, ['b']])
  })

  test('are cut off where the channel hangs, and what is urgent is not kept back by it', async () => {
    const journal = memoryJournal()
    let tries = 0
    const { channel, arrived } = fakeChannel(() => (++tries === 1 ? 'hangs' : 'taken'))
    await using phone = startSender(journal, channel, { sendWithin: 30 })
    phone.tell(messageOf('a'))
    await vi.waitFor(() => expect(phone.sender.trouble).toBe('phone did not take the message within 0 s'), patience)
    phone.tell(messageOf('b', { severity: 'critical' }))
    await vi.waitFor(() => expect(arrived).toEqual(['a', 'b']), patience)
  })

  test('are not sent before the channel wants to be asked again, however urgent', async () => {
    let clock = 0
    const fates: Fate[] = [new RetryAfter('slow down', 60_000), 'taken']
    const { channel, arrived } = fakeChannel(() => fates.shift()!)
    await using phone = startSender(memoryJournal(), channel, { monotonic: () => clock })
    phone.tell(messageOf('a', { severity: 'critical' }))
    await vi.waitFor(() => expect(fates).toHaveLength(1), patience)
    clock = 59_000
    phone.sender.wake(true)
    await vi.waitFor(() => expect(phone.sender.trouble).toBe('slow down'), patience)
    expect(arrived).toEqual([])
    clock = 60_000
    phone.sender.wake(true)
    await vi.waitFor(() => expect(arrived).toEqual(['a']), patience)
  })

  test('replace what the channel shows where it can; where it can’t, updates are left out', async () => {
    const tell = (phone: Awaited<ReturnType<typeof startSender>>) => {
      phone.tell(messageOf('a', { thread: 't' }))
      phone.tell(messageOf('b', { thread: 't', kind: 'update' }))
    }
    const able = fakeChannel(undefined, true)
    await using first = startSender(memoryJournal(), able.channel)
    first.tell(messageOf('a', { thread: 't' }))
    await vi.waitFor(() => expect(able.arrived).toEqual(['a']), patience)
    first.tell(messageOf('b', { thread: 't', kind: 'update' }))
    first.tell(messageOf('c', { thread: 't', kind: 'alert' }))
    await vi.waitFor(() => expect(able.arrived.at(-1)).toBe('c'), patience)
    first.tell(messageOf('d', { thread: 't', kind: 'settled' }))
    await vi.waitFor(() => expect(able.arrived.at(-1)).toBe('over t: d'), patience)

    const unable = fakeChannel()
    const journal = memoryJournal()
    await using second = startSender(journal, unable.channel)
    tell(second)
    second.tell(messageOf('c', { thread: 't', kind: 'settled' }))
    await vi.waitFor(() => expect(unable.arrived).toEqual(['a', 'c']), patience)
    await vi.waitFor(() => expect(states(journal)).toEqual(['a sent', 'b superseded', 'c sent']), patience)
    const leftOut = journal
      .records(deliveryKind)
      .newest(9)
      .find(({ state }) => state === 'superseded')
    expect(leftOut?.why).toMatch(/^(a later message says it|the channel can't change what it shows)$/)
  })
})

describe('over crashes and a network that comes and goes', () => {
  const seeds = Array.from({ length: 40 }, (_, seed) => seed)
  test.each(seeds)(
    'nothing is lost or out of order, and only what is in flight is sent twice (seed %i)',
    async (seed) => {
      const random = createRandom(seed)
      const journal = memoryJournal()
      const titles = Array.from({ length: 8 }, (_, index) => `m${index}`)
      const toTell = [...titles]
      const sent: string[] = []
      for (let lives = 0; toTell.length > 0 || states(journal).some((state) => state.endsWith('waiting')); lives++) {
        expect(lives).toBeLessThan(200)
        // After so many messages the network hangs, until the agent is killed.
        let left = random.below(5)
        const { channel, arrived } = fakeChannel(() => (left-- <= 0 ? 'hangs' : random.chance(0.2) ? 'lost' : 'taken'))
        {
          await using phone = startSender(journal, channel)
          for (let sent = random.below(4); sent > 0 && toTell.length > 0; sent--) phone.tell(messageOf(toTell.shift()!))
          await vi.waitFor(() => {
            phone.sender.wake(true)
            expect(left < 0 || phone.outbox.waiting('phone').length === 0).toBe(true)
          }, patience)
        }
        sent.push(...arrived)
      }
      expect(states(journal)).toEqual(titles.map((title) => `${title} sent`))
      // A repeat stands directly beside what it repeats.
      expect(sent.filter((title, index) => title !== sent[index - 1])).toEqual(titles)
    },
  )
})
