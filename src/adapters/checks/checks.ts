import type { Check, ObjectReference } from '../../core/cluster/check.ts'
import { AgentError, assertNever, during, messageOf } from '../../core/errors.ts'
import { secretsOfUrl, withoutSecrets } from '../../core/hidden.ts'
import type { Checks } from '../../core/cluster/ports.ts'
import { ask } from './ask.ts'
import { queryUrl, readPrometheus } from './prometheus.ts'
import { andMore, inWords } from './redaction.ts'

/** Who finds Kubernetes objects: none where there is no such object, rejected where the cluster can't be asked. */
export interface Objects {
  find(reference: ObjectReference, signal: AbortSignal): Promise<readonly unknown[]>
}

export interface ChecksOptions {
  readonly objects: Objects
  /** How long a check may take, in ms. */
  readonly timeout?: number
}

/**
 * Runs the user's checks. A check without an answer fails, with a reason that starts with its name.
 *
 * @throws AgentError `misconfigured` where the check itself is wrong
 */
export function createChecks({ objects, timeout = 10_000 }: ChecksOptions): Checks {
  const run: Checks['run'] = async (check, signal) => {
    const wrong = await compileCheck(check)
    if (wrong !== undefined) throw new AgentError('misconfigured', `check ${check.name}: ${wrong}`)
    const reason = await runOne(check, AbortSignal.any([signal, AbortSignal.timeout(timeout)]))
    return reason === undefined ? undefined : `${check.name}: ${reason}`
  }

  async function runOne(check: Check, signal: AbortSignal): Promise<string | undefined> {
    if ('http' in check) return runHttp(check.http, signal)
    if ('prometheus' in check) return runPrometheus(check.prometheus, signal)
    if ('object' in check) return runObject(check.name, check.object, signal)
    return assertNever(check)
  }

  async function runObject(
    name: string,
    { cel, ...reference }: ObjectReference & { readonly cel: string },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const compiled = (await loadCel()).compileCel(cel)
    if ('wrong' in compiled) return compiled.wrong
    const found = await orInTime(objects.find(reference, signal), signal).catch((error: unknown) => {
      // An unknown kind is a mistake in the check; an unreachable cluster is temporary.
      if (error instanceof AgentError && error.code === 'misconfigured') throw during(`check ${name}`, error)
      return inWords(messageOf(error))
    })
    if (typeof found === 'string') return found
    if (found.length === 0) return `there is no ${describeReference(reference)}`
    const failed = compiled.run(found).flatMap((verdict, index) => (verdict === undefined ? [] : [{ verdict, index }]))
    const [first] = failed
    if (!first) return undefined
    const which = describeObject(found[first.index], reference)
    return `${which}: \`${inWords(cel, 120)}\` ${first.verdict}${andMore(failed.length - 1)}`
  }

  return { run }
}

/** Loaded when the first expression is read: most homelabs have none. */
const loadCel = () => import('./cel.ts')

/** Why the check's own text is wrong, whatever it asks; undefined where it can be asked. Asks nobody. */
export async function compileCheck(check: Check): Promise<string | undefined> {
  if ('http' in check) return refuseUrl(check.http.url) ?? refuseStatus(check.http.status)
  if ('prometheus' in check) {
    const { url, query } = check.prometheus
    return refuseUrl(url) ?? (query.trim() === '' ? 'the query is empty' : undefined)
  }
  if ('object' in check) {
    const compiled = (await loadCel()).compileCel(check.object.cel)
    return 'wrong' in compiled ? `its CEL expression is wrong: ${compiled.wrong}` : undefined
  }
  return assertNever(check)
}

function refuseUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isWeb = url?.protocol === 'http:' || url?.protocol === 'https:'
  return isWeb ? undefined : `${inWords(text, 80)} is not an address that begins with http:// or https://`
}

function refuseStatus(status: number): string | undefined {
  const isFinal = Number.isInteger(status) && status >= 200 && status <= 599
  return isFinal ? undefined : `${status} is not an HTTP status`
}

async function runHttp(
  { url, status }: { readonly url: string; readonly status: number },
  signal: AbortSignal,
): Promise<string | undefined> {
  const asked = new URL(url)
  const answer = await ask(asked, 'status', signal)
  if ('why' in answer) return answer.why
  if (answer.status === status) return undefined
  const to =
    answer.location === undefined
      ? ''
      : ` (it redirects to ${inWords(withoutSecrets(answer.location, secretsOfUrl(asked)), 80)})`
  return `HTTP ${answer.status} instead of ${status}${to}`
}

async function runPrometheus(
  { url, query }: { readonly url: string; readonly query: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  const answer = await ask(queryUrl(url, query), 'text', signal)
  return 'why' in answer ? answer.why : readPrometheus(answer.status, answer.text, secretsOfUrl(new URL(url)))
}

/** The call may ignore the signal. */
function orInTime<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new AgentError('timed-out', 'the cluster did not answer in time'))
    if (signal.aborted) late()
    signal.addEventListener('abort', late, { once: true })
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', late))
  })
}

/** `Deployment web in default`, `Pod with app=web`. */
function describeReference({ kind, namespace, name, selector }: ObjectReference): string {
  return [
    kind,
    ...(name === undefined ? [] : [name]),
    ...(selector === undefined ? [] : [`with ${selector}`]),
    ...(namespace === undefined ? [] : [`in ${namespace}`]),
  ].join(' ')
}

/** `Deployment default/web`, as the object itself says. */
function describeObject(object: unknown, { kind, name: asked = '', namespace: where }: ObjectReference): string {
  const { metadata } = (object ?? {}) as { metadata?: { name?: unknown; namespace?: unknown } | null }
  const name = typeof metadata?.name === 'string' ? metadata.name : asked
  const namespace = typeof metadata?.namespace === 'string' ? metadata.namespace : where
  return inWords(`${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`)
}
