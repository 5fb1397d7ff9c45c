import { once } from 'node:events'
import { connect } from 'node:net'
import { isUpsdInstalled, startUpsd, type LabUpsd, type LabUpsdOptions } from './upsd.ts'
import { startUpsdStandIn } from './stand-in.ts'

/** A connection, as a person with netcat has it. */
export interface Talk extends Disposable {
  send(text: string): void
  /** Everything that was said so far, once it has this in it. */
  until(pattern: RegExp): Promise<string>
  /** Everything that was said until the server closed. */
  readonly closed: Promise<string>
  readonly chunks: readonly string[]
}

/** Resolves when the connection is made. */
export async function open({ address, port }: LabUpsd): Promise<Talk> {
  const socket = connect({ host: address, port, noDelay: true })
  await once(socket, 'connect')
  const chunks: string[] = []
  let said = ''
  let look = (): void => {}
  socket.on('data', (chunk) => {
    chunks.push(chunk.toString('latin1'))
    said += chunk.toString('latin1')
    look()
  })
  const closed = once(socket, 'close').then(() => said)
  return {
    chunks,
    closed,
    send: (text) => void socket.write(text),
    until: (pattern) =>
      new Promise((resolve) => {
        look = () => {
          if (pattern.test(said)) resolve(said)
        }
        look()
      }),
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

/** Sends these lines in one go; answers what came back before the answer to a last, known one. */
export async function ask(upsd: LabUpsd, ...lines: string[]): Promise<string[]> {
  using talk = await open(upsd)
  talk.send([...lines, 'HELP', ''].join('\n'))
  const said = await talk.until(/^Commands: .*\n/m)
  return said.split('\n').slice(0, -2)
}

export interface UpsdServer {
  readonly name: string
  readonly start: (options?: LabUpsdOptions) => Promise<LabUpsd>
  readonly isMissing: boolean
}

/** Both upsds, which have to say the same. Where the tests must be complete, a missing one is a failure. */
export function servers(address: string, missing = isUpsdInstalled() ? undefined : 'nut-server'): UpsdServer[] {
  const isMissing = missing !== undefined && process.env['CI'] !== 'true'
  return [
    {
      name: isMissing ? `real upsd (skipped: ${missing} is not installed)` : 'real upsd',
      start: (options) => startUpsd({ address, ...options }),
      isMissing,
    },
    { name: 'upsd stand-in', start: (options) => startUpsdStandIn({ address, ...options }), isMissing: false },
  ]
}

/** The first words of a secondary, which are answered with `ok`. */
export const asMonuser = ['USERNAME monuser', 'PASSWORD secret']

/** What two commands that were taken are answered with. */
export const ok = ['OK', 'OK']

/** Answers that begin with ERR. */
export const err = (...codes: string[]): string[] => codes.map((code) => `ERR ${code}`)
