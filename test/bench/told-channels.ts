import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startHttp } from '../lab/http.ts'
import { type LabGotify, startGotify } from '../lab/notify/gotify.ts'

const token = 'AGotifyToken01.'

export interface ToldChannels {
  /** The section of the configuration. */
  readonly notifications: Readonly<Record<string, unknown>>
  /** The one that gets through. */
  readonly phone: LabGotify
}

/**
 * Two channels that hang, each in its own way, one whose port is closed, and one that works.
 *
 * @param address of all of them
 * @param directory where the file with their token is written
 */
export async function startToldChannels(
  stack: AsyncDisposableStack,
  { address, directory }: { readonly address: string; readonly directory: string },
): Promise<ToldChannels> {
  const file = join(directory, 'gotify-token')
  await writeFile(file, `${token}\n`, { mode: 0o600 })
  const silent = stack.use(await startGotify({ address, token }))
  silent.faults.hangs = true
  const endless = stack.use(await startEndless(address))
  const phone = stack.use(await startGotify({ address, token }))
  const gotify = (server: string) => ({ type: 'gotify', server, token: { file } })
  return {
    notifications: {
      channels: {
        'never-answers': gotify(silent.url),
        'never-ends': gotify(`http://${endless.host}`),
        refuses: gotify(`http://${await closedPort(address)}`),
        phone: gotify(phone.url),
      },
    },
    phone,
  }
}

/** Begins every answer at once, and goes on with it for ever, a byte at a time. */
function startEndless(address: string) {
  return startHttp((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'application/json' })
    const more = setInterval(() => response.write(' '), 500)
    response.on('close', () => clearInterval(more))
  }, address)
}

/** Address and port where nobody listens any more. */
async function closedPort(address: string): Promise<string> {
  await using gone = await startHttp(() => {}, address)
  return gone.host
}
