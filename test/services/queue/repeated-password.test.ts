import { expect, test } from 'vitest'
import { messageOf } from '../../../src/core/errors.ts'
import { createLog } from '../../../src/main/logging.ts'
import { createQueue } from '../../../src/services/queue/queue.ts'
import { startWorker } from '../../../src/services/queue/worker.ts'
import { startSpeaker } from '../../lab/speaker.ts'
import { patience } from '../../patience.ts'

const address = '127.0.116.8'
const password = 'S3cr3t-of-the-store'

/** As Redis refuses a command that it does not know, such as one that was renamed: with its arguments. */
const refusal = `-ERR unknown command 'auth', with args beginning with: 'default' '${password}'\r\n`

test('a store that repeats our password in its refusal is told of without it', patience, async () => {
  let answered = 0
  await using server = await startSpeaker(address, (line, socket) => {
    if (!/^(auth|hello|info|client)\r?$/i.test(line)) return
    answered += 1
    socket.write(refusal)
  })
  const lines: string[] = []
  const log = createLog({ level: 'trace', format: 'json', write: (text) => lines.push(text) })
  const store = { url: `redis://${address}:${server.port}`, password }
  await using queue = createQueue({ name: 'caretaker', address: store, log })
  await using stack = new AsyncDisposableStack()
  const worker = await startWorker({
    name: 'caretaker',
    address: store,
    queue,
    jobs: [],
    runJob: () => Promise.reject(new Error('no job')),
    log,
  })
  stack.use(worker)
  lines.push(await queue.add({ name: 'a-job' }).then(() => expect.fail('it was added'), messageOf))
  await expect.poll(() => answered, patience).toBeGreaterThan(2)
  await expect.poll(() => lines.join(''), patience).toContain('unknown command')
  expect(lines.join('')).not.toContain('S3cr3t')
})

test('what a package was doing when it failed is not logged: it has the password with it', () => {
  const lines: string[] = []
  const log = createLog({ level: 'trace', format: 'json', write: (text) => lines.push(text) })
  const command = { name: 'auth', args: [password] }
  const error = Object.assign(new Error('refused'), { command, previousErrors: [{ command }] })
  log.error({ err: error }, 'a job failed')
  expect(lines.join('')).toContain('refused')
  expect(lines.join('')).not.toContain('S3cr3t')
})
