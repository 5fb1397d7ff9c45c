import { jsonOf, type LabStandIn, startStandIn } from './stand-in.ts'
import type { WireAnswer, WireRequest } from './wire.ts'

export interface MatrixEvent {
  readonly id: string
  readonly room: string
  readonly content: MatrixEventContent
}

export interface MatrixEventContent {
  readonly msgtype: string
  readonly body: string
  readonly formatted_body?: string
  readonly 'm.mentions'?: object
  readonly 'm.new_content'?: MatrixEventContent
  readonly 'm.relates_to'?: { readonly rel_type: string; readonly event_id: string }
}

/** A homeserver, as matrix-spec 1.19 has it, with one room and one user of ours. */
export interface LabMatrix extends LabStandIn {
  readonly room: string
  readonly events: readonly MatrixEvent[]
  /** What people read: an edit takes the place of the event that it names, if that is no edit. */
  readonly shown: readonly MatrixEventContent[]
  /** Which of the events make a phone sound, by the push rules that an account begins with. */
  readonly heard: readonly string[]
  /** What our user is to the room. */
  membership: 'joined' | 'invited' | 'none'
  /** The room that the alias names. */
  aliased: string | undefined
}

export function matrixRefuses(status: number, errcode: string, more: object = {}): WireAnswer {
  return { status, body: { errcode, error: `what ${errcode} says`, ...more } }
}

export async function startMatrix({
  address,
  token,
}: {
  readonly address: string
  readonly token: string
}): Promise<LabMatrix> {
  const events: MatrixEvent[] = []
  const byTransaction = new Map<string, string>()
  const state = { membership: 'joined' as LabMatrix['membership'], aliased: '!room:home.lan' as string | undefined }
  const room = '!room:home.lan'

  const put = (roomId: string, transaction: string, body: string): WireAnswer => {
    const known = byTransaction.get(transaction)
    if (known !== undefined) return { status: 200, body: { event_id: known } }
    if (roomId !== room || state.membership !== 'joined') return matrixRefuses(403, 'M_FORBIDDEN')
    const content = jsonOf(body) as unknown as MatrixEventContent | undefined
    if (content === undefined) return matrixRefuses(400, 'M_NOT_JSON')
    if (Buffer.byteLength(body) > 65_000) return matrixRefuses(413, 'M_TOO_LARGE')
    const id = `$event-${events.length + 1}`
    events.push({ id, room: roomId, content })
    byTransaction.set(transaction, id)
    return { status: 200, body: { event_id: id } }
  }
  const join = (wanted: string): WireAnswer => {
    if (wanted !== room && !wanted.startsWith('#'))
      return matrixRefuses(404, 'M_UNKNOWN', {
        error: "Can't join remote room because no servers that are in the room have been provided.",
      })
    if (state.membership === 'none') return matrixRefuses(403, 'M_FORBIDDEN')
    state.membership = 'joined'
    return { status: 200, body: { room_id: room } }
  }
  const answer = ({ method, target, headers, body }: WireRequest): WireAnswer => {
    if (headers.authorization === undefined) return matrixRefuses(401, 'M_MISSING_TOKEN')
    if (headers.authorization !== `Bearer ${token}`) return matrixRefuses(401, 'M_UNKNOWN_TOKEN')
    const path = new URL(target, 'http://matrix').pathname.split('/').slice(1).map(decodeURIComponent)
    const [, , version, ...rest] = path
    if (path[0] !== '_matrix' || version !== 'v3') return matrixRefuses(404, 'M_UNRECOGNIZED')
    if (method === 'GET' && rest[0] === 'directory')
      return state.aliased === undefined
        ? matrixRefuses(404, 'M_NOT_FOUND')
        : { status: 200, body: { room_id: state.aliased, servers: ['home.lan'] } }
    if (method === 'POST' && rest[0] === 'join') return join(rest[1]!)
    const isSend = method === 'PUT' && rest[0] === 'rooms' && rest[2] === 'send' && rest[3] === 'm.room.message'
    return isSend ? put(rest[1]!, rest[4]!, body) : matrixRefuses(404, 'M_UNRECOGNIZED')
  }

  const standIn = await startStandIn(address, answer)
  return Object.defineProperties(
    state,
    Object.getOwnPropertyDescriptors({
      ...standIn,
      room,
      events,
      get shown() {
        return shownOf(events)
      },
      get heard() {
        return events.filter(({ content }) => isHeard(content)).map(({ id }) => id)
      },
      [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
    }),
  ) as LabMatrix
}

function replacedBy({ content }: MatrixEvent): string | undefined {
  const relation = content['m.relates_to']
  return relation?.rel_type === 'm.replace' ? relation.event_id : undefined
}

/** An edit of an edit is ignored (matrix-spec 1.19, Validity of replacement events). */
function shownOf(events: readonly MatrixEvent[]): MatrixEventContent[] {
  return events
    .filter((event) => replacedBy(event) === undefined)
    .map((event) => {
      const edit = events.findLast((one) => replacedBy(one) === event.id && one.content['m.new_content'])
      return edit?.content['m.new_content'] ?? event.content
    })
}

/** In a room whose every message counts: notices are passed over, and so are edits (Default override rules). */
function isHeard({ msgtype, 'm.relates_to': relation }: MatrixEventContent): boolean {
  return msgtype !== 'm.notice' && relation?.rel_type !== 'm.replace'
}
