import { messageOf } from '../../../../core/errors.ts'
import { asObject, type JsonObject, objectOf } from '../../answer.ts'
import { type ChannelMeans, isToken, type Press, type PressAnswer } from '../../channel.ts'
import { keepTrying } from '../../keep-trying.ts'
import type { Outgoing } from '../../outgoing.ts'
import { readLines } from '../../stream.ts'
import { ntfyRefusal } from './refusal.ts'

/** In ms: keepalives come every 45 s (ntfy 2.13, server/config.go); two that are missing are a dead connection. */
const silence = 100_000
/** In seconds, by the server's clock: who has pressed longer ago no longer means it. */
const oldest = 600
/** In ms: a refusal is answered so often at most; whoever knows the topic may write any rubbish there. */
const betweenRefusals = 60_000
/** How many messages are remembered, against one that the server tells twice. */
const remembered = 256

export interface CommandMeans {
  /** The request that subscribes to the topic, without `since`. */
  readonly stream: Outgoing
  readonly press: (press: Press) => Promise<PressAnswer>
  /** Tells what came of it. */
  readonly answer: (answer: PressAnswer) => Promise<void>
  readonly means: ChannelMeans
  readonly signal: AbortSignal
}

/** Hears tokens on a topic, and does what they stand for, one after the other, until the signal aborts. */
export async function listenForCommands({ stream, press, answer, means, signal }: CommandMeans): Promise<void> {
  const { log, name } = means
  const doing = `${name}: listening for buttons`
  const seen = new Set<string>()
  let since: string | undefined
  /** The server's clock when it was last heard, and when we heard it first, in seconds. */
  const clock = { last: 0, first: Infinity }
  let refusedAt = -Infinity

  /** What was pressed before we listened may have been done before a restart: then that is no news. */
  const tell = async (answered: PressAnswer, isBacklog: boolean) => {
    const now = means.now().getTime()
    const isQuiet = !answered.done && (isBacklog || Math.abs(now - refusedAt) < betweenRefusals)
    log.info({}, `${name}: a button was pressed: ${answered.said}`)
    if (isQuiet) return
    if (!answered.done) refusedAt = now
    await answer(answered)
  }
  const hear = async (line: string) => {
    const event = objectOf(line)
    if (!event) return
    const time = Number(event['time'])
    if (event['event'] !== 'message') {
      if (Number.isFinite(time)) clock.last = Math.max(clock.last, time)
      clock.first = Math.min(clock.first, clock.last)
      return
    }
    const command = commandOf(event)
    if (command === undefined || seen.has(command.id)) return
    seen.add(command.id)
    for (const id of seen) if (seen.size > remembered) seen.delete(id)
    since = command.id
    if (!isToken(command.token) || time < clock.last - oldest) return
    try {
      await tell(await press({ token: command.token, who: undefined }), time < clock.first)
    } catch (error) {
      log.warn({}, `${name}: a pressed button: ${messageOf(error)}`)
    }
  }
  const attempt = async (works: () => void) => {
    const url = new URL(stream.url)
    url.searchParams.set('since', since ?? `${oldest}s`)
    const refuse = (incoming: Parameters<typeof ntfyRefusal>[1]) => ntfyRefusal(stream, incoming)
    for await (const line of readLines({ ...stream, method: 'GET', url }, { silence, refuse }, signal)) {
      works()
      await hear(line)
    }
  }
  await keepTrying(attempt, { means, doing, signal })
}

function commandOf(event: JsonObject): { readonly id: string; readonly token: string } | undefined {
  const { id, message } = asObject(event) ?? {}
  return typeof id === 'string' && typeof message === 'string' ? { id, token: message.trim() } : undefined
}
