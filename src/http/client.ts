import { request } from 'node:http'
import { AgentError, type ErrorCode } from '../core/errors.ts'
import type { ErrorAnswer } from './protocol.ts'

export interface ControlClient {
  get<T>(path: string): Promise<T>
  /** Waits as long as the daemon works on it. */
  post<T>(path: string): Promise<T>
}

/**
 * Talks to the daemon on its control socket.
 *
 * @throws AgentError `unreachable` when no daemon runs; else what the daemon said
 */
export function createControlClient(socketPath: string): ControlClient {
  function send<T>(method: 'GET' | 'POST', path: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ socketPath, method, path, headers: { host: 'caretaker' } }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('error', () =>
          reject(new AgentError('unreachable', 'the daemon broke off its answer: was it stopped?')),
        )
        response.on('end', () => {
          const answer = parseJson(text)
          if (response.statusCode === 200 && answer !== undefined) return resolve(answer as T)
          const { error = `the daemon's answer can't be read (HTTP ${response.statusCode})`, code = 'malformed' } =
            (answer ?? {}) as Partial<ErrorAnswer>
          reject(new AgentError(code as ErrorCode, error))
        })
      })
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        const away = error.code === 'ENOENT' || error.code === 'ECONNREFUSED'
        const denied = error.code === 'EACCES'
        reject(
          new AgentError(
            'unreachable',
            away
              ? `no daemon runs for ${socketPath}: start it with \`caretaker start\``
              : denied
                ? `this user may not open ${socketPath}: run the CLI as the user of the daemon`
                : `the daemon at ${socketPath}: ${error.message}`,
            error,
          ),
        )
      })
      outgoing.end()
    })
  }
  return { get: (path) => send('GET', path), post: (path) => send('POST', path) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
