import { messageOf } from '../../../src/core/errors.ts'
import type { MachineConfig } from '../../../src/core/machine-config/document.ts'
import { ofKind } from '../../../src/core/machine-config/document.ts'
import { type ConfigArguments, configArgumentsOf } from './arguments.ts'
import type { MachineConsole } from './console.ts'
import { authorizeDevice } from './device-flow.ts'
import { type GoMeans, goRequest, parseGoUrl, textOf } from './go-http.ts'
import { judge } from './judge.ts'
import { type Pace, restartAfter, retryAfter } from './pace.ts'
import { populate, type Variable, type Variables, variablesIn } from './variables.ts'

export interface SearchParts {
  /** The words of the kernel's command line. */
  readonly kernel: readonly string[]
  readonly version: string
  readonly variables: Variables
  readonly address: string
  readonly resolve: (host: string) => string | undefined
  readonly console: MachineConsole
  readonly pace: Pace
  /** Aborts when the machine loses its life. */
  readonly signal: AbortSignal
  /** A search has failed, and begins anew. */
  failed(why: string): void
}

/** How the search of a boot ends; without a configuration it waits in maintenance. */
export interface Found {
  readonly config: MachineConfig
  readonly text: string
  readonly isComplete: boolean
}

/** In seconds of the machine's: for a try of the download, for its variables, and for all tries. */
const limits = { attempt: 180, variables: 90, download: 3 * 3_600 }

/**
 * How a machine without a configuration on its disk looks for one: `talos.config.early`, then `talos.config`, and then it
 * waits in maintenance (siderolabs/talos controllers/config/acquire.go). A search that fails begins anew, and never leads to
 * maintenance.
 */
export async function searchForConfig(parts: SearchParts): Promise<Found | undefined> {
  const { console, pace, signal } = parts
  for (let failures = 1; ; failures++) {
    try {
      return await search(parts, configArgumentsOf(parts.kernel))
    } catch (error) {
      signal.throwIfAborted()
      const why = messageOf(error)
      parts.failed(why)
      if (failures >= 5)
        console.print(
          `[talos] controller failed {"controller": "config.AcquireController", "error": ${JSON.stringify(why)}}`,
        )
      await pace.seconds(restartAfter(failures, pace.random()), signal)
    }
  }
}

async function search(parts: SearchParts, given: ConfigArguments): Promise<Found | undefined> {
  const early = given.early === undefined ? undefined : take(given.early, parts.version)
  if (early?.isComplete === true || given.url === undefined) return early
  const means = { from: parts.address, resolve: parts.resolve, roots: rootsIn(early?.config ?? []) }
  const authorization = await authorize(parts, given, means)
  const text = await download(parts, { url: given.url, means, authorization })
  return take(text, parts.version)
}

/** @throws Error where it is not one */
function take(text: string, version: string): Found {
  const judged = judge(text, version)
  if (judged.kind === 'none') throw new Error('config not found')
  if (judged.kind === 'bad') throw new Error(`failed to load config: ${judged.why}`)
  return { config: judged.config, text, isComplete: judged.kind === 'complete' }
}

function rootsIn(config: MachineConfig): readonly string[] {
  const certificates = ofKind(config, 'TrustedRootsConfig')?.['certificates']
  return typeof certificates === 'string' ? [certificates] : []
}

type Means = Omit<GoMeans, 'signal'>

async function authorize(parts: SearchParts, given: ConfigArguments, means: Means): Promise<string | undefined> {
  const { oauth, url = '' } = given
  if (oauth === undefined) return undefined
  const { console, pace, signal, variables: values } = parts
  console.print('[OAuth] starting the authentication device flow with the following settings:')
  const wanted = oauth.extraVariables.map((name) => [name, values[name as Variable]] as const)
  if (wanted.some(([, value]) => value === undefined)) await pace.seconds(limits.variables, signal)
  const variables = new Map(wanted.map(([name, value]) => [name, value ?? '']))
  return authorizeDevice({ oauth, configUrl: url, variables, console, pace, means: { ...means, signal } })
}

interface Download {
  readonly url: string
  readonly means: Means
  readonly authorization: string | undefined
}

/** Tries until a server answers with a configuration, or with the word that there is none. @throws Error after three hours */
async function download(parts: SearchParts, given: Download): Promise<string> {
  const { console, pace, signal } = parts
  const whole = pace.limit(limits.download, signal)
  console.fresh()
  for (let tries = 1; ; tries++) {
    try {
      const answer = await attempt(parts, given, pace.limit(limits.attempt, whole))
      if (answer.status === 204 || (answer.status === 200 && answer.body === '')) throw new NoConfig('config not found')
      if (answer.status === 200) return answer.body
      const body = JSON.stringify(answer.body)
      throw new Error(`failed to download config, status code ${answer.status}, body ${body}`)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof NoConfig) throw error
      const why = `failed to download config from "${given.url}": ${messageOf(error)}`
      if (whole.aborted) throw new Error(why, { cause: error })
      console.printOnce(`[talos] retrying error: ${why}`)
      await pace.seconds(retryAfter(tries, pace.random()), whole).catch(() => signal.throwIfAborted())
    }
  }
}

class NoConfig extends Error {
  override readonly name = 'NoConfig'
}

async function attempt(
  { console, pace, variables }: SearchParts,
  { url, means, authorization }: Download,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: string }> {
  const { query, ...rest } = parseGoUrl(url)
  if (variablesIn(query).some((name) => variables[name] === undefined)) await pace.seconds(limits.variables, signal)
  const asked = { ...rest, query: populate(query, variables) }
  console.print(`[talos] fetching machine config from: "${textOf(asked)}"`)
  const headers = authorization === undefined ? [] : [['Authorization', authorization] as const]
  const { status, body } = await goRequest({ method: 'GET', url: asked, headers }, { ...means, signal })
  const said = status === 200 ? body : withoutCutLetter(body.subarray(0, 32))
  return { status, body: said.toString('utf8') }
}

/** Go leaves out what is no UTF-8. */
function withoutCutLetter(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('utf8').replaceAll('\uFFFD', ''))
}
