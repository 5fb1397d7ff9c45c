import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { labUsers } from './upsd.ts'

/** What upsd answers to `GET VAR ups ups.status`, or that nobody listens. */
export async function statusLine(address: string, port: number): Promise<string> {
  try {
    const session = await openSession(address, port)
    const [line] = await session.ask('GET VAR ups ups.status', /^.*$/)
    session.close()
    return line
  } catch {
    return 'nobody listens'
  }
}

export interface UpsdSession {
  /** One line out, one line back; throws if that does not look as expected. */
  ask(line: string, expected: RegExp): Promise<RegExpExecArray>
  close(): void
}

/** A conversation of one question at a time, as one of the lab's users. */
export async function openSession(address: string, port: number, user?: keyof typeof labUsers): Promise<UpsdSession> {
  const socket = connect({ host: address, port, noDelay: true })
  socket.setTimeout(5000, () => socket.destroy(new Error('upsd said nothing for 5 s')))
  await once(socket, 'connect')
  const lines = createInterface(socket)[Symbol.asyncIterator]()
  const ask = async (line: string, expected: RegExp): Promise<RegExpExecArray> => {
    socket.write(`${line}\n`)
    const { value = 'the end' } = await lines.next()
    const found = expected.exec(value)
    if (found) return found
    throw new Error(`${line}: ${value}`)
  }
  const session: UpsdSession = { ask, close: () => socket.destroy() }
  if (user) {
    await ask(`USERNAME ${user}`, /^OK$/)
    await ask(`PASSWORD ${labUsers[user].password}`, /^OK$/)
  }
  return session
}
