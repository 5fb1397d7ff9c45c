import SMTPConnection from 'nodemailer/lib/smtp-connection'
import { AgentError } from '../../../../core/errors.ts'
import type { Trust } from '../../trust.ts'

/** In ms, for a whole mail: a server may take its time to greet, and to look for spam. Below what a message may take. */
const within = 25_000

export interface SmtpServer {
  readonly host: string
  readonly port: number
  readonly tls: 'starttls' | 'implicit' | 'none'
  readonly trust?: Trust
  readonly login?: { readonly user: string; readonly password: string }
}

export interface SmtpMail {
  readonly from: string
  readonly to: readonly string[]
  readonly content: Buffer
}

/** Who was refused, and how: a code of SMTP and the server's words. */
export interface RefusedRecipient {
  readonly recipient: string
  readonly code: number
  readonly said: string
}

export interface SmtpOutcome {
  readonly accepted: readonly string[]
  readonly refused: readonly RefusedRecipient[]
}

/** What a conversation ends with where it fails (nodemailer, lib/errors). */
export interface SmtpFailure extends Error {
  readonly code?: string | undefined
  readonly responseCode?: number | undefined
  readonly response?: string | false | undefined
  readonly rejectedErrors?: readonly RejectedError[] | undefined
}
type RejectedError = Pick<SmtpFailure, 'responseCode' | 'response' | 'message'> & {
  readonly recipient?: string | undefined
}

/** Sends one mail on a connection of its own. @throws SmtpFailure; AgentError `timed-out` */
export async function sendMail(server: SmtpServer, mail: SmtpMail, signal: AbortSignal): Promise<SmtpOutcome> {
  const late = AbortSignal.timeout(within)
  const connection = new SMTPConnection({
    host: server.host,
    port: server.port,
    secure: server.tls === 'implicit',
    requireTLS: server.tls === 'starttls',
    ignoreTLS: server.tls === 'none',
    tls: { rejectUnauthorized: true, ...(server.trust === undefined ? {} : { secureContext: server.trust }) },
    connectionTimeout: within,
    greetingTimeout: within,
    socketTimeout: within,
    dnsTimeout: within,
  })
  try {
    return await converse(connection, { server, mail }, AbortSignal.any([signal, late]))
  } catch (error) {
    if (late.aborted) throw new AgentError('timed-out', `no answer within ${within / 1_000} s`)
    throw error
  } finally {
    connection.close()
  }
}

async function converse(
  connection: SMTPConnection,
  { server, mail }: { readonly server: SmtpServer; readonly mail: SmtpMail },
  signal: AbortSignal,
): Promise<SmtpOutcome> {
  using ends = new DisposableStack()
  const broken = new Promise<never>((_, reject) => {
    connection.on('error', reject)
    connection.once('end', () => reject(new Error('the server closed the connection')))
    const abort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    ends.defer(() => signal.removeEventListener('abort', abort))
    if (signal.aborted) abort()
  })
  // It may also break while nobody waits for it.
  broken.catch(() => {})
  const step = (call: (done: (error?: Error | null) => void) => void) =>
    Promise.race([broken, new Promise<void>((resolve, reject) => call((error) => (error ? reject(error) : resolve())))])

  await step((done) => connection.connect(done))
  const { login } = server
  if (login) await step((done) => connection.login({ credentials: { user: login.user, pass: login.password } }, done))
  return Promise.race([broken, handOver(connection, mail)])
}

/** A mail that some recipients are refused is sent to the others. */
function handOver(connection: SMTPConnection, { from, to, content }: SmtpMail): Promise<SmtpOutcome> {
  return new Promise((resolve, reject) => {
    connection.send({ from, to: [...to] }, content, (error: SmtpFailure | null, info) => {
      const refused = ((error ?? info)?.rejectedErrors ?? []).map(refusedOf)
      if (error && refused.length === 0) return reject(error)
      connection.quit()
      resolve({ accepted: error ? [] : (info?.accepted ?? []), refused })
    })
  })
}

function refusedOf({ recipient = '', responseCode = 550, response, message }: RejectedError): RefusedRecipient {
  return { recipient, code: responseCode, said: response || message }
}
