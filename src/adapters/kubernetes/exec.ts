import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import { below } from '../../core/address.ts'
import { AgentError } from '../../core/errors.ts'
import { withoutSecrets } from '../../core/hidden.ts'
import { type Answer, ApiRefusal, parseRetryAfter, readAnswer, translate } from './answers.ts'
import { headersOf, tlsOf } from './entry.ts'
import { type Access, asRecord } from './kubeconfig.ts'

export interface ExecRequest {
  readonly namespace: string
  readonly pod: string
  /** Needed only where the pod has several. */
  readonly container?: string | undefined
  /** The program and its arguments; no shell reads them. */
  readonly command: readonly string[]
  readonly signal: AbortSignal
}

export interface ExecOutcome {
  /** The program's exit code. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Both number their channels alike; the older is for API servers before 1.30 (k8s.io/apimachinery pkg/util/remotecommand/constants.go). */
const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io']
/** The first byte of each message says what it belongs to. */
const channels = { stdout: 1, stderr: 2, status: 3 } as const
/** Of a command's output; what Ceph says of a homelab is some kilobytes. In bytes. */
const largestOutput = 16 * 1_048_576
/** The status comes in one message: one that comes in more is read anew with each. */
const mostOfStatus = 64

/**
 * Runs a command in a pod, over the WebSocket of its `exec` subresource. Node's own WebSocket can show neither a client
 * certificate nor a token, hence a package. When the signal aborts, the program may keep running in the pod.
 *
 * @throws ApiRefusal where the API server does not let us, or finds no such pod
 */
export function execOver(
  access: Access,
  { namespace, pod, container, command, signal }: ExecRequest,
): Promise<ExecOutcome> {
  const { server } = access
  const where = server.host
  const beganAt = performance.now()
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec`
  const url = below(server, path)
  url.protocol = 'wss:'
  url.search = new URLSearchParams([
    ...command.map((word): [string, string] => ['command', word]),
    ...(container === undefined ? [] : [['container', container] as [string, string]]),
    ['stdout', 'true'],
    ['stderr', 'true'],
  ]).toString()

  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(translate(signal.reason, { where, signal, beganAt }))
    const socket = new WebSocket(url, protocols, {
      ...tlsOf(access),
      headers: headersOf(access),
      perMessageDeflate: false,
      maxPayload: largestOutput,
    })
    const said = new Map<number, Buffer[]>()
    const textOf = (channel: number) => Buffer.concat(said.get(channel) ?? []).toString('utf8')
    let size = 0

    const end = (settle: () => void) => {
      signal.removeEventListener('abort', abort)
      settle()
      // Without waiting for the close handshake: the peer may be gone.
      socket.terminate()
    }
    const fail = (error: unknown) => end(() => reject(translate(error, { where, signal, beganAt })))
    function abort(): void {
      fail(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })

    socket.on('message', (data: Buffer) => {
      size += data.length
      if (size > largestOutput) return fail(new Error('the output of the command is too large'))
      const [channel] = data
      if (channel === undefined) return
      const before = said.get(channel) ?? []
      said.set(channel, before)
      before.push(data.subarray(1))
      // The server opens each channel with a message of nothing.
      if (channel !== channels.status || data.length === 1) return
      if (before.length > mostOfStatus) return fail(new Error('the exit code of the command never ends'))
      try {
        const code = exitCodeOf(textOf(channels.status), where)
        if (code !== undefined)
          end(() => resolve({ code, stdout: textOf(channels.stdout), stderr: textOf(channels.stderr) }))
      } catch (error) {
        fail(error)
      }
    })
    socket.on('unexpected-response', (_, response) => {
      refusalOf(response, { what: `GET ${path}`, where, secrets: [access.token] }).then(fail, fail)
    })
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('the connection closed before the command reported its exit code')))
  })
}

/**
 * What the status at the end says: undefined while it is not all there (k8s.io/client-go tools/remotecommand/v4.go).
 *
 * @throws ApiRefusal where the command could not be run at all
 */
function exitCodeOf(text: string, where: string): number | undefined {
  let status: Record<string, unknown>
  try {
    status = asRecord(JSON.parse(text))
  } catch {
    return undefined
  }
  if (status['status'] === 'Success') return 0
  const { causes } = asRecord(status['details'])
  const exit = (Array.isArray(causes) ? causes.map(asRecord) : []).find(({ reason }) => reason === 'ExitCode')
  const code = Number(exit?.['message'] ?? Number.NaN)
  if (Number.isInteger(code) && code > 0) return code
  // That its container is starting anew is told here too, and passes.
  const { code: kind = 500, message = text } = status
  throw new ApiRefusal(
    Number(kind),
    `the Kubernetes API at ${where} could not run a command: ${String(message).slice(0, 200)}`,
    status['details'],
  )
}

/** The error for a response that is not a WebSocket. */
async function refusalOf(
  response: IncomingMessage,
  { what, where, secrets }: { readonly what: string; readonly where: string; readonly secrets: Answer['secrets'] },
): Promise<unknown> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > 65_536) break
  }
  try {
    const retryAfter = parseRetryAfter(response.headers, Date.now())
    readAnswer({ status: response.statusCode ?? 0, text, retryAfter, secrets }, what, where)
  } catch (error) {
    return error
  }
  return new AgentError(
    'malformed',
    `the Kubernetes API at ${where} answers ${what} without a WebSocket: ${withoutSecrets(text, secrets ?? []).slice(0, 80)}`,
  )
}
