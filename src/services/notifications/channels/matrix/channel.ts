import { anotherAnswers, objectOf } from '../../answer.ts'
import type { OpenChannel, OutgoingMessage, Sent } from '../../channel.ts'
import { ask, type Incoming, type Outgoing, saysYes } from '../../outgoing.ts'
import { secretsIn } from '../../plain-text.ts'
import { below } from '../shapes.ts'
import type { MatrixConfig } from './config.ts'
import { contentOf, editOf } from './content.ts'
import { errcodeOf, matrixRefusal } from './refusal.ts'

/**
 * Matrix's client API (matrix-spec 1.19). The id of a message is the one of its transaction, so what is sent twice is one
 * event; it is replaced by an edit.
 */
export const open: OpenChannel<MatrixConfig> = async ({ server, token, room }, { name, files, trust }) => {
  const key = await files.readSecret(token, `notifications.channels.${name}.token`)
  const doing = `${name} (Matrix at ${below(server, '').host})`
  /** Found once: an alias may move, so it is looked up again when the room is no longer ours. */
  let roomId = room.startsWith('!') ? room : undefined

  const requestOf = (method: string, path: readonly string[], more: Partial<Outgoing> = {}): Outgoing => ({
    doing,
    trust,
    method,
    url: below(server, ['_matrix', 'client', 'v3', ...path.map(encodeURIComponent)].join('/')),
    headers: { authorization: `Bearer ${key}` },
    ...more,
    secrets: [key, ...(more.secrets ?? [])],
  })
  const findRoom = async (signal: AbortSignal) => {
    const outgoing = requestOf('GET', ['directory', 'room', room])
    const answer = await ask(outgoing, signal)
    return textIn('room_id', outgoing, answer)
  }
  const put = async (message: OutgoingMessage, content: object, signal: AbortSignal, mayJoin = true): Promise<Sent> => {
    roomId ??= await findRoom(signal)
    const path = ['rooms', roomId, 'send', 'm.room.message', message.id]
    const outgoing = requestOf('PUT', path, { body: content, secrets: secretsIn(message) })
    const answer = await ask(outgoing, signal)
    if (errcodeOf(answer) !== 'M_FORBIDDEN') return { ref: textIn('event_id', outgoing, answer) }
    // It may be invited, and nobody sits before its screen to accept.
    if (room !== roomId) roomId = undefined
    if (!mayJoin) throw matrixRefusal(outgoing, answer)
    const join = requestOf('POST', ['join', room], { body: {} })
    roomId = textIn('room_id', join, await ask(join, signal))
    return put(message, content, signal, false)
  }
  return {
    send: (message, signal) => put(message, contentOf(message), signal),
    update: async (ref, message, signal) => {
      await put(message, editOf(message, ref), signal)
      return { ref }
    },
  }
}

/** A field of an answer that says yes. @throws AgentError */
function textIn(field: string, outgoing: Outgoing, answer: Incoming): string {
  if (!saysYes(answer)) throw matrixRefusal(outgoing, answer)
  const text = objectOf(answer.text)?.[field]
  if (typeof text !== 'string') throw anotherAnswers(outgoing, answer, 'a homeserver')
  return text
}
