import process from 'node:process'
import { AgentError, during } from '../core/errors.ts'
import type { Server } from '../http/reach.ts'

/** Where another machine's daemon is, as options or the environment say. */
export interface ServerOptions {
  readonly server?: string
  readonly tokenFile?: string
  readonly ca?: string
}

/** The URL of a daemon on another machine; undefined where the one of this machine is meant. */
export function serverOf({ server }: ServerOptions): string | undefined {
  return server ?? (process.env['CARETAKER_SERVER'] || undefined)
}

let opened: Promise<Server> | undefined

/**
 * The server, with its token and its CA read from their files; read once.
 *
 * @throws AgentError `misconfigured`, naming the option
 */
export function openServer(options: ServerOptions, warn: (text: string) => void): Promise<Server> {
  opened ??= readServer(options, warn)
  return opened
}

async function readServer(options: ServerOptions, warn: (text: string) => void): Promise<Server> {
  const url = parseServer(serverOf(options)!)
  const tokenFile = options.tokenFile ?? (process.env['CARETAKER_TOKEN_FILE'] || undefined)
  const caFile = options.ca ?? (process.env['CARETAKER_CA'] || undefined)
  const [token, ca] = await Promise.all([readNamed(tokenFile, 'the token file'), readNamed(caFile, 'the CA file')])
  if (token !== undefined && !/^[!-~]+$/.test(token.trim()))
    throw new AgentError('misconfigured', `the token file ${tokenFile} holds no token: it is one word on one line`)
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new AgentError('misconfigured', `the CA file ${caFile} holds no certificate in PEM`)
  if (token !== undefined && url.startsWith('http:') && !isLoopback(url))
    warn(`${url} is not encrypted: whoever listens on the way can read the token`)
  return { url, ...(token === undefined ? {} : { token: token.trim() }), ...(ca === undefined ? {} : { ca }) }
}

/** @throws AgentError `misconfigured` */
function parseServer(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '')
    throw new AgentError('misconfigured', `${text} is no server: use an address such as https://nas.lan:8420`)
  if (url.username !== '' || url.password !== '')
    throw new AgentError('misconfigured', 'the server has a name or a password in it: use --token-file')
  return `${url.origin}${url.pathname.endsWith('/') ? url.pathname.slice(0, -1) : url.pathname}`
}

async function readNamed(file: string | undefined, what: string): Promise<string | undefined> {
  if (file === undefined) return undefined
  const { readText } = await import('../main/file-gate.ts')
  return readText(file).catch((error: unknown) => {
    throw during(what, error)
  })
}

function isLoopback(url: string): boolean {
  return /^http:\/\/(localhost|127\.[\d.]+|\[::1\])([:/]|$)/.test(url)
}

/** That a command can't be carried out by another machine. */
export function notRemote(what: string): AgentError {
  return new AgentError(
    'misconfigured',
    `${what} from this machine, by the configuration that is here: leave out --server and $CARETAKER_SERVER`,
  )
}
