import { AgentError } from '../../../../core/errors.ts'
import { anotherAnswers, type JsonObject, objectOf } from '../../answer.ts'
import { ask, type Incoming, type Outgoing, refusalOf, RetryAfter } from '../../outgoing.ts'
import type { Trust } from '../../trust.ts'
import { below } from '../shapes.ts'

export interface PushoverAccess {
  readonly server: string
  readonly trust?: Trust
  readonly token: string
  readonly user: string
  /** For errors: `phone (Pushover)`. */
  readonly doing: string
}

/** In ms: Pushover asks for it after a 5xx ("Being friendly to our API"). */
const afterFailure = 5_000
/** In ms, where a limit does not say when it ends, and at most: the quota is one of a month. */
const afterLimit = { unsaid: 60_000, most: 3_600_000 }

/** POSTs a form, with the application's token; answers with what it says. @throws AgentError without a secret */
export async function postPushover(
  access: PushoverAccess,
  path: string,
  fields: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<JsonObject> {
  const body = new URLSearchParams({ token: access.token, ...fields }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return call(access, { url: below(access.server, path), headers, body }, signal)
}

/** GETs what is at a path. @throws AgentError likewise */
export async function getPushover(access: PushoverAccess, path: string, signal: AbortSignal): Promise<JsonObject> {
  const url = below(access.server, path)
  url.searchParams.set('token', access.token)
  return call(access, { url, method: 'GET' }, signal)
}

async function call(
  { doing, token, user, trust }: PushoverAccess,
  request: Omit<Outgoing, 'doing' | 'secrets'>,
  signal: AbortSignal,
): Promise<JsonObject> {
  const outgoing: Outgoing = { doing, trust, secrets: [token, user], ...request }
  const answer = await ask(outgoing, signal)
  const told = objectOf(answer.text)
  if (answer.status === 200 && told?.['status'] === 1) return told
  throw pushoverRefusal(outgoing, answer, told)
}

/** What an answer means that is not yes: `{status: 0, errors: […], token: 'invalid'}`. */
function pushoverRefusal(outgoing: Outgoing, answer: Incoming, told: JsonObject | undefined): AgentError {
  const { status, headers } = answer
  if (told?.['status'] === undefined && (status === 200 || status === 404))
    return anotherAnswers(outgoing, answer, 'Pushover')
  const errors: readonly unknown[] = Array.isArray(told?.['errors']) ? told['errors'] : []
  const said = errors.filter((error) => typeof error === 'string').join('; ')
  const refusal = refusalOf(outgoing, answer, said === '' ? answer.text : said)
  if (status === 429) return new RetryAfter(refusal.message, untilReset(headers['x-limit-app-reset']))
  if (status >= 500)
    return new RetryAfter(refusal.message, refusal instanceof RetryAfter ? refusal.after || afterFailure : afterFailure)
  if (refusal.retryable || told === undefined) return refusal
  const isOurs = told['token'] === 'invalid' || told['user'] === 'invalid'
  return new AgentError(isOurs ? 'misconfigured' : 'rejected', refusal.message)
}

/** When the application may send again: Unix time, in seconds. */
function untilReset(header: string | readonly string[] | undefined): number {
  const ms = Number(header) * 1_000 - Date.now()
  return Number.isFinite(ms) && ms > 0 ? Math.min(afterLimit.most, ms) : afterLimit.unsaid
}
