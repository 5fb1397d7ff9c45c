import { AgentError, type ErrorCode } from '../../../../core/errors.ts'
import { withoutSecrets } from '../../../../core/hidden.ts'
import { printable } from '../../../../core/printable.ts'
import { failureWords } from '../../failure-words.ts'
import type { SmtpFailure } from './smtp.ts'

export interface Conversation {
  /** `mail (mail.lan:587)`. */
  readonly doing: string
  /** What must not stand in an error. */
  readonly secrets: readonly string[]
}

/**
 * What a failure of SMTP means (RFC 5321, 4.2.1): 4yz passes by itself, 5yz does not. Whoever is not let in, and who is
 * offered no TLS, is told what to set.
 */
export function smtpRefusal({ doing, secrets }: Conversation, error: unknown): AgentError {
  if (error instanceof AgentError) return new AgentError(error.code, `${doing}: ${error.message}`)
  const { message, code, responseCode, response } = error as SmtpFailure
  const said = words(response || failureWords(message), secrets)
  if (code === 'ETLS' && responseCode !== undefined)
    return new AgentError('misconfigured', `${doing}: it offers no STARTTLS (${said}): see tls`)
  if (responseCode === undefined || code === 'ETLS') return new AgentError(codeOfFailure(code), `${doing}: ${said}`)
  if (responseCode < 500) return new AgentError('not-now', `${doing}: ${said}`)
  const isOurs = code === 'EAUTH' || [530, 534, 535, 538].includes(responseCode)
  return new AgentError(isOurs ? 'misconfigured' : 'rejected', `${doing}: ${said}`)
}

/** A server's words on one line, without what is secret. */
export function words(text: string, secrets: readonly string[]): string {
  return withoutSecrets(printable(text).replaceAll(/ +/g, ' ').trim(), secrets).slice(0, 200)
}

function codeOfFailure(code: string | undefined): ErrorCode {
  if (code === 'ETIMEDOUT') return 'timed-out'
  return code === 'EAUTH' ? 'misconfigured' : 'unreachable'
}
