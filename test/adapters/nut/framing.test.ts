import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { connectNut } from '../../../src/adapters/nut/connection.ts'
import { startSpeaker } from '../../lab/speaker.ts'
import { createConversation } from '../../../src/adapters/nut/conversation.ts'
import { upsDescription } from '../../lab/upsd/upsd.ts'
import { soon } from '../../patience.ts'

const address = '127.0.43.13'

test('every answer of a conversation is understood however it is split in two', async () => {
  const conversation: readonly { ask: string; answer: string }[] = [
    { ask: 'GET VAR "ups" ups.status', answer: 'VAR "ups" ups.status "OB DISCHRG LB"\n' },
    { ask: 'GET VAR "ups" device.model', answer: 'VAR ups device.model "Größe \\"5\\" \\\\ \\#1 電池"\r\n' },
    {
      ask: 'LIST UPS',
      answer: `BEGIN LIST UPS\nUPS ups "${upsDescription.replaceAll(/[#\\"]/g, '\\$&')}"\nUPS b ""\nEND LIST UPS\n`,
    },
    {
      ask: 'LIST VAR ups',
      answer: 'BEGIN LIST VAR ups\nVAR ups battery.charge "100"\nVAR ups ups.status "OL CHRG"\nEND LIST VAR ups\n',
    },
    { ask: 'LIST CLIENT ups', answer: 'BEGIN LIST CLIENT ups\nEND LIST CLIENT ups\n' },
    { ask: 'GET VAR ups none', answer: 'ERR VAR-NOT-SUPPORTED\n' },
  ]
  let split = 0
  await using server = await startSpeaker(address, async (line, socket) => {
    const bytes = Buffer.from(conversation.find(({ ask }) => ask === line)!.answer)
    const at = split
    socket.write(bytes.subarray(0, at))
    // The reader has its turn between the two.
    for (const _ of [1, 2, 3]) await nextTurn()
    socket.write(bytes.subarray(at))
  })
  using nut = await connectNut({ host: address, port: server.port }, { timeout: 5_000, signal: soon() })
  const hear = (ask: string) =>
    (ask.startsWith('LIST') ? nut.list(ask) : nut.ask(ask)).catch((error: Error) => error.message)
  for (const { ask, answer } of conversation) {
    split = Buffer.byteLength(answer)
    const whole = await hear(ask)
    for (split = 1; split < Buffer.byteLength(answer); split++) expect(await hear(ask)).toEqual(whole)
  }
  expect(nut.closed).toBe(false)
})

test('an answer that came in time is not missed afterwards, and each question has its own time', async () => {
  let said = ''
  const conversation = createConversation({
    at: 'nas:3493',
    timeout: 400,
    write: (text) => (said += text),
    onEnd: () => (said += 'end'),
  })
  const passed = (ms: number) => {
    const until = performance.now() + ms
    return expect.poll(() => performance.now(), { interval: 2 }).toBeGreaterThan(until)
  }
  const answers = [conversation.ask('VER'), conversation.ask('NETVER'), conversation.ask('PROTVER')]
  for (const answer of ['a', 'b', 'c']) {
    await passed(240)
    conversation.receive(Buffer.from(`${answer}\n`))
  }
  expect(await Promise.all(answers)).toEqual([['a'], ['b'], ['c']])
  await passed(450)
  expect([conversation.ended, said]).toEqual([undefined, 'VER\nNETVER\nPROTVER\n'])
  await expect(conversation.ask('VER')).rejects.toThrow(/did not answer VER within 400 ms/)
  expect(said).toBe('VER\nNETVER\nPROTVER\nVER\nend')
})

test('a few empty lines do no harm, and nothing but empty lines ends a conversation', async () => {
  const conversation = createConversation({ at: 'nas:3493', timeout: 60_000, write: () => {}, onEnd: () => {} })
  const answer = conversation.ask('VER')
  for (let round = 0; round < 3; round++) conversation.receive(Buffer.from(' \r\n'.repeat(300)))
  conversation.receive(Buffer.from('\n2.8.0\n'))
  expect(await answer).toEqual(['2.8.0'])
  const next = conversation.ask('VER')
  for (let round = 0; round < 4; round++) conversation.receive(Buffer.from('\n'.repeat(300)))
  await expect(next).rejects.toThrow('upsd at nas:3493 sends nothing but empty lines')
})
