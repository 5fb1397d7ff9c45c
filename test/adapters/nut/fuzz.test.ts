import { describe, expect, test } from 'vitest'
import { type Conversation, createConversation } from '../../../src/adapters/nut/conversation.ts'
import { createLines, longestLine } from '../../../src/adapters/nut/lines.ts'
import { quoteWord, splitWords } from '../../../src/adapters/nut/quoting.ts'
import { AgentError } from '../../../src/core/errors.ts'
import { createRandom, type Random } from '../../core/random.ts'

const at = 'nas:3493'
const malformed = expect.objectContaining({ name: 'AgentError', code: 'malformed' })

function converse(): Conversation {
  return createConversation({ at, timeout: 60_000, write: () => {}, onEnd: () => {} })
}

/** A question, and every kind of answer that upsd has for one. */
const replies: readonly (readonly [ask: string, answer: string])[] = [
  ['GET VAR "ups" ups.status', 'VAR ups ups.status "OB DISCHRG LB"\n'],
  ['GET VAR "ups" device.model', 'VAR ups device.model "Größe \\"5\\" \\\\ \\#1 電池🔋"\r\n'],
  ['GET VAR "ups" ups.mfr', 'VAR ups ups.mfr ""\n'],
  ['GET NUMLOGINS "ups"', 'NUMLOGINS ups 2\n'],
  ['GET TYPE ups ups.status', 'TYPE ups ups.status RW STRING:32\n'],
  ['GET TRACKING x', 'PENDING\n'],
  ['GET TRACKING x', 'ERR FAILED\n'],
  ['SET VAR "ups" a "b"', 'OK TRACKING 1BD31808-CB49-4AEC-9D75-D056E6F018D2\n'],
  ['LOGIN "ups"', 'OK\n'],
  ['LOGIN "ups"', 'ERR ACCESS-DENIED "SSL trust failed"\n'],
  ['NETVER', '1.3\n'],
  ['VER', 'Network UPS Tools upsd 2.8.0 - http://www.networkupstools.org/\n'],
  ['LOGOUT', 'Goodbye...\n'],
  ['LIST UPS', 'BEGIN LIST UPS\nUPS ups "Lab \\"quoted\\" UPS \\\\ \\#1"\nUPS b ""\nEND LIST UPS\n'],
  ['LIST VAR "ups"', 'BEGIN LIST VAR UPS\nVAR ups a "1"\nVAR ups ups.status "OL CHRG"\nEND LIST VAR UPS\n'],
  ['LIST CLIENT "ups"', 'BEGIN LIST CLIENT ups\nEND LIST CLIENT ups\n'],
  ['LIST ENUM ups a', 'BEGIN LIST ENUM ups a\nENUM ups a "x"\nEND LIST ENUM ups a\n'],
  ['LIST VAR "ups"', 'ERR DRIVER-NOT-CONNECTED\n'],
]

const hear = (conversation: Conversation, ask: string): Promise<unknown> =>
  (ask.startsWith('LIST') ? conversation.list(ask) : conversation.ask(ask)).catch((error: Error) => error.message)

describe('every kind of answer', () => {
  test.each(replies)('%s: %j is the same wherever it is split', async (ask, answer) => {
    const bytes = Buffer.from(answer)
    const whole = converse()
    const expected = hear(whole, ask)
    whole.receive(bytes)
    const heard: Promise<unknown>[] = []
    for (let split = 0; split <= bytes.length; split++) {
      const conversation = converse()
      // Another one follows in the same packet.
      heard.push(hear(conversation, ask), conversation.ask('VER'))
      conversation.receive(bytes.subarray(0, split))
      conversation.receive(Buffer.concat([bytes.subarray(split), Buffer.from('next\n')]))
    }
    const single = converse()
    heard.push(hear(single, ask), single.ask('VER'))
    for (const byte of Buffer.concat([bytes, Buffer.from('next\n')])) single.receive(Buffer.of(byte))
    const results = await Promise.all(heard)
    expect(results.filter((_, index) => index % 2 === 0)).toEqual(
      Array.from({ length: bytes.length + 2 }, () => expect.anything()),
    )
    for (const [index, result] of results.entries()) expect(result).toEqual(index % 2 ? ['next'] : await expected)
  })
})

describe('a line', () => {
  test('may be as long as the limit, and not a byte longer, however it comes', () => {
    for (const size of [1, 7, 4_096, longestLine]) {
      const lines = createLines(at)
      const heard: string[] = []
      const text = Buffer.from(`${'x'.repeat(longestLine)}\n`)
      for (let from = 0; from < text.length; from += size) heard.push(...lines.push(text.subarray(from, from + size)))
      expect(heard.map((line) => line.length)).toEqual([longestLine])
      expect(lines.isPartial).toBe(false)
      expect(() => {
        for (let sent = 0; sent <= longestLine; sent += size) lines.push(Buffer.alloc(size, 'x'))
      }).toThrow(malformed)
    }
  })

  test('may hold what is no UTF-8, and no NUL', () => {
    expect(createLines(at).push(Buffer.from([0x41, 0xff, 0xc3, 0x0a]))).toEqual(['A��'])
    expect(() => createLines(at).push(Buffer.from('OK\0\n'))).toThrow(malformed)
    expect(() => createLines(at).push(Buffer.from('\0'))).toThrow(malformed)
  })
})

test.each([
  ['BEGIN LIST VAR other', 'BEGIN LIST VAR other\n'],
  ['BEGIN of more words', 'BEGIN LIST VAR ups x\n'],
  ['no BEGIN', 'VAR ups a "1"\n'],
  ['two of them', 'BEGIN LIST VAR ups\nBEGIN LIST VAR ups\n'],
  ['END of another list', 'BEGIN LIST VAR ups\nEND LIST CMD ups\n'],
  ["another list's line", 'BEGIN LIST VAR ups\nCMD ups load.off\n'],
  ['an answer to something else', 'BEGIN LIST VAR ups\nOK\n'],
])('a list with %s is not believed, and ends the conversation', async (_, answer) => {
  const conversation = converse()
  const list = conversation.list('LIST VAR "ups"')
  const next = conversation.ask('VER')
  conversation.receive(Buffer.from(answer))
  await expect(list).rejects.toEqual(malformed)
  await expect(next).rejects.toEqual(malformed)
  expect(conversation.ended).toEqual(malformed)
})

/** Rich in what has a meaning. */
const pieces = [
  'VAR ups ups.status "OL"',
  'BEGIN LIST VAR ups',
  'END LIST VAR ups',
  'ERR ACCESS-DENIED',
  'ERR',
  'OK',
  'ups',
  '"',
  '\\',
  '#',
  ' ',
  '\t',
  '\r',
  '\n',
  '\n',
  '=',
  '\0',
  'é',
  '\u0080',
  '\u00ff',
  '\u001b[31m',
]

function randomBytes(random: Random, most: number): Buffer {
  let text = ''
  for (let count = random.below(most); count > 0; count--)
    text += random.chance(0.2) ? String.fromCharCode(random.below(256)) : random.pick(pieces)
  return Buffer.from(text, 'latin1')
}

/** Bytes that are held on to after everything was given back. */
function held(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

describe('a million random', () => {
  test('pieces are cut into the lines that they hold, and those into words, or refused as malformed', () => {
    const random = createRandom(20_261_124)
    const before = held()
    let [refused, understood] = [0, 0]
    let lines = createLines(at, 256)
    for (let round = 0; round < 1_000_000; round++) {
      const input = randomBytes(random, 6)
      const split = random.below(input.length + 1)
      try {
        for (const piece of [input.subarray(0, split), input.subarray(split)])
          for (const line of lines.push(piece)) {
            const words = splitWords(line)
            if (line.includes('\n') || line.includes('\0') || words.length > line.length) throw new Error(line)
            understood += 1
          }
      } catch (error) {
        if (!(error instanceof AgentError) || error.code !== 'malformed') throw error
        refused += 1
        lines = createLines(at, 256)
      }
    }
    expect(understood).toBeGreaterThan(100_000)
    expect(refused).toBeGreaterThan(10_000)
    expect(held() - before).toBeLessThan(200_000_000)
  })

  test('words come back as they were', () => {
    const random = createRandom(7)
    const sayable = Array.from(`"\\# =aZ0.-é電🔋'\u00a0\u2028`)
    const changed: string[] = []
    for (let round = 0; round < 1_000_000; round++) {
      let word = ''
      for (let count = random.below(12); count > 0; count--) word += random.pick(sayable)
      const [back, ...more] = splitWords(quoteWord(word))
      if (back !== word || more.length > 0) changed.push(word)
    }
    expect(changed).toEqual([])
  })
})

test('a hundred thousand random conversations settle every question, and after their end no more', async () => {
  const random = createRandom(3)
  const outcomes = { answered: 0, refused: 0, ended: 0 }
  for (let round = 0; round < 100_000; round++) {
    const conversation = converse()
    const settled: (keyof typeof outcomes)[] = []
    const questions = Array.from({ length: 3 }, (_, index) =>
      (random.chance(0.5) ? conversation.list('LIST VAR ups') : conversation.ask('VER')).then(
        () => void (settled[index] = 'answered'),
        (error: unknown) => {
          if (!(error instanceof AgentError)) throw error
          settled[index] = error === conversation.ended ? 'ended' : 'refused'
        },
      ),
    )
    for (let piece = 0; piece < 4; piece++) conversation.receive(randomBytes(random, 6))
    conversation.end(new AgentError('unreachable', 'over'))
    await Promise.all(questions)
    for (const outcome of settled) outcomes[outcome] += 1
    if (!/^(answered|refused|,)*(,?ended)*$/.test(settled.join())) throw new Error(settled.join())
  }
  expect(Object.values(outcomes).filter((count) => count > 1_000)).toHaveLength(3)
})
