import process from 'node:process'
import type { NamesAnswer } from '../core/names.ts'
import { basePath } from '../http/base-path.ts'
import { findSocketAtOnce } from '../main/config-place.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A person who has pressed Tab waits no longer, in ms. */
const patience = 1_000
const path = `${basePath}/names`

/**
 * The names that a daemon knows: of this machine, or the server that the options or the environment name; undefined where it
 * does not answer at once. Never rejects.
 */
export async function askNames(
  given: Readonly<Record<string, string>>,
  environment: Environment,
): Promise<NamesAnswer | undefined> {
  const server = given['--server'] ?? (environment['CARETAKER_SERVER'] || undefined)
  try {
    const signal = AbortSignal.timeout(patience)
    const told =
      server === undefined
        ? await askSocket(given['--config'], environment, signal)
        : await askServer(server, given, signal)
    return told === undefined ? undefined : (JSON.parse(told) as NamesAnswer)
  } catch {
    return undefined
  }
}

function askSocket(
  config: string | undefined,
  environment: Environment,
  signal: AbortSignal,
): Promise<string | undefined> {
  const socketPath = findSocketAtOnce(config, environment)
  if (socketPath === undefined) return Promise.resolve(undefined)
  // Imported it would have Node load undici, for classes that it hands on.
  const { request } = process.getBuiltinModule('node:http')
  return new Promise((resolve, reject) => {
    request({ socketPath, path, signal }, (response) => {
      let told = ''
      response.setEncoding('utf8').on('data', (part: string) => (told += part))
      response.on('error', reject).on('end', () => resolve(response.statusCode === 200 ? told : undefined))
    })
      .on('error', reject)
      .end()
  })
}

async function askServer(
  server: string,
  given: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [{ openServer }, { readText }, { send }] = await Promise.all([
    import('./server.ts'),
    import('../http/client.ts'),
    import('../http/reach.ts'),
  ])
  const [tokenFile, ca] = [given['--token-file'], given['--ca']]
  const options = { server, ...(tokenFile === undefined ? {} : { tokenFile }), ...(ca === undefined ? {} : { ca }) }
  const reach = await openServer(options, () => {})
  const response = await send(reach, { method: 'GET', path, signal })
  return response.statusCode === 200 ? readText(response, reach, 'GET') : undefined
}
