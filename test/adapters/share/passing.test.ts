import { PassThrough } from 'node:stream'
import { memoryUsage } from 'node:process'
import { expect, test } from 'vitest'
import { createShareProcess, type ShareChild } from '../../../src/adapters/share/apart/process.ts'
import type { Reply } from '../../../src/adapters/share/apart/wire.ts'
import { AgentError } from '../../../src/core/errors.ts'
import { unproven } from '../../fakes/factory.ts'
import { orderOf } from './lab.ts'

const pieceSize = 65_536
const pieces = 1_600

/** A process that takes everything, and answers when the image has ended. */
function greedy(): ShareChild {
  const input = new PassThrough()
  let reply: (reply: Reply) => void = () => {}
  let read = 0
  input.on('data', (chunk: Buffer) => {
    read += chunk.length
    if (read >= pieces * pieceSize) reply({ id: 1, value: 'whole' })
  })
  return {
    pid: undefined,
    input,
    send: (command) => {
      if ('call' in command) reply({ id: 1, ask: 'open', order: orderOf('v1.13.9'), resume: undefined })
    },
    onReply: (listener) => void (reply = listener),
    onExit: () => {},
    kill: () => {},
  }
}

test('an image that passes through leaves no more behind than a small part of itself', async () => {
  let most = 0
  const start = memoryUsage().arrayBuffers
  async function* body() {
    for (let piece = 0; piece < pieces; piece++) {
      yield Buffer.allocUnsafeSlow(pieceSize)
      most = Math.max(most, memoryUsage().arrayBuffers - start)
      if (piece % 16 === 0) await new Promise(setImmediate)
    }
  }
  const download = { offset: 0, size: undefined, etag: undefined, body: body(), ...unproven }
  const factory = { warm: async () => undefined, open: async () => download }
  const given = { order: orderOf('v1.13.9'), schematic: undefined, signedBy: [] }
  const giveUp = () => new AgentError('unreachable', 'it does nothing')
  const answer = await createShareProcess(greedy()).call('stage', given, { within: 60_000, factory, given: giveUp })
  expect(answer).toBe('whole')
  expect(most).toBeLessThan(10 * 2 ** 20)
})
