import { AgentError } from '../../core/errors.ts'
import { type Incoming, type Outgoing, readWhole, send, unreachable } from './outgoing.ts'

/** In characters: a line that is longer is none of ours. */
const longestLine = 65_536

export interface StreamLimits {
  /** In ms: a server that says nothing for so long is gone. */
  readonly silence: number
  /** What an answer other than 200 means. */
  readonly refuse: (answer: Incoming) => AgentError
}

/**
 * The lines of an answer that does not end, as they come; empty ones are left out. It ends when the server ends it.
 *
 * @throws AgentError `unreachable`, `timed-out` after silence, `malformed` for a line without end, or as `refuse` says
 */
export async function* readLines(
  outgoing: Outgoing,
  { silence, refuse }: StreamLimits,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const silent = new AbortController()
  const timer = setTimeout(() => silent.abort(), silence)
  try {
    const response = await send(outgoing, AbortSignal.any([signal, silent.signal]))
    if (response.statusCode !== 200)
      throw refuse({ status: response.statusCode ?? 0, headers: response.headers, text: await readWhole(response) })
    response.setEncoding('utf8')
    let rest = ''
    for await (const chunk of response as AsyncIterable<string>) {
      timer.refresh()
      const lines = `${rest}${chunk}`.split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > longestLine) throw new AgentError('malformed', `${outgoing.doing}: a line without end`)
      for (const line of lines) if (line.trim() !== '') yield line
    }
  } catch (error) {
    if (silent.signal.aborted)
      throw new AgentError('timed-out', `${outgoing.doing}: nothing heard for ${silence / 1_000} s`)
    throw unreachable(outgoing, error)
  } finally {
    clearTimeout(timer)
  }
}
