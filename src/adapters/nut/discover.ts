import { AgentError } from '../../core/errors.ts'
import { createDial } from './dial.ts'
import { isRefusal, notKnown } from './refusal.ts'
import { shownAfter } from './quoting.ts'
import type { NutAddress } from './socket.ts'

/** A UPS as its server lists it. */
export interface ListedUps {
  readonly name: string
  /** As its server's administrator wrote it; `Description unavailable` counts as none. */
  readonly description: string | undefined
}

/** How long the connection, and the answer, may take, in ms. */
const answersWithin = 4_000

/**
 * The UPSes of a server (RFC 9271 section 4.2.3, LIST UPS). One that knows no lists has none to tell: an empty list.
 *
 * @throws AgentError `unreachable`, `rejected`
 */
export async function listUpses(address: NutAddress, signal: AbortSignal): Promise<readonly ListedUps[]> {
  const dial = createDial({ ...address, tls: 'off', timeout: answersWithin })
  using nut = await dial(signal)
  const stop = () => nut.close(new AgentError('unreachable', `upsd at ${address.host}:${address.port}: stopped`))
  signal.addEventListener('abort', stop, { once: true })
  try {
    const lines = await nut.listLines('LIST UPS')
    return lines.map(({ words, text }) => {
      const description = shownAfter(2, text)
      return {
        name: words[1] ?? '',
        description: /^(|description unavailable)$/i.test(description) ? undefined : description,
      }
    })
  } catch (error) {
    if (isRefusal(error, ...notKnown)) return []
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
