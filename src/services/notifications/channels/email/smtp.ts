import SMTPConnection from 'nodemailer/lib/smtp-connection'
import { AgentError } from '../../../../core/errors.ts'
import type { Trust } from '../../trust.ts'

/** In ms, for a whole mail: a server may take its time to greet, and to look for spam. Below what a message may take. */
const usuallyWithin = 25_000

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
export async function sendMail(
  server: SmtpServer,
  mail: SmtpMail,
  signal: AbortSignal,
  within = usuallyWithin,
): Promise<SmtpOutcome> {
  const late = AbortSignal.timeout(within)
  let isGreeted = false
  const connection = new SMTPConnection({
    host: server.host,
    port: server.port,
    secure: server.tls === 'implicit',
    requireTLS: server.tls === 'starttls',
    ignoreTLS: server.tls === 'none',
    tls: { rejectUnauthorized: true, ...(server.trust === undefined ? {} : { secureContext: server.trust }) },
    // Ours comes first, and says what may be wrong.
    connectionTimeout: 2 * within,
    greetingTimeout: 2 * within,
    socketTimeout: 2 * within,
    dnsTimeout: 2 * within,
  })
  try {
    const greeted = () => (isGreeted = true)
    return await converse(connection, { server, mail, greeted }, AbortSignal.any([signal, late]))
  } catch (error) {
    if (late.aborted) throw new AgentError('timed-out', lateWords(server, { within, isGreeted }))
    throw error
  } finally {
    connection.close()
  }
}

/** A server whose port has TLS from the start waits for us to begin it, as we wait for its greeting. */
function lateWords(
  { tls }: SmtpServer,
  { within, isGreeted }: { readonly within: number; readonly isGreeted: boolean },
) {
  const hint = isGreeted || tls === 'implicit' ? '' : '; if its port has TLS from the start, set `tls: implicit`'
  return `no ${isGreeted ? 'answer' : 'greeting'} within ${within / 1_000} s${hint}`
}

async function converse(
  connection: SMTPConnection,
  { server, mail, greeted }: { readonly server: SmtpServer; readonly mail: SmtpMail; readonly greeted: () => void },
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
  greeted()
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
