import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import type { CommandEnd } from './ceph.ts'
import { isPod, isPodReady, type KubernetesObject } from './objects.ts'
import { isFields } from './patch.ts'
import { badRequest, failure, isRefusal, refuse } from './status.ts'

/** A command that is to run in a pod. */
export interface Command {
  readonly namespace: string
  readonly pod: string
  readonly words: readonly string[]
}

/** Both number their channels alike (k8s.io/apimachinery pkg/util/remotecommand/constants.go). */
const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io']
const sockets = new WebSocketServer({ noServer: true, handleProtocols: choose })

/** What a client wants to run, checked; throws the refusal (kubernetes pkg/registry/core/pod strategy ExecLocation). */
export function readCommand(pod: KubernetesObject, query: URLSearchParams): Command {
  if (!isPod(pod)) throw badRequest('only pods run commands')
  const { name, namespace = '' } = pod.metadata
  const { containers } = pod.spec
  const names = Array.isArray(containers) ? containers.map((each) => (isFields(each) ? each['name'] : undefined)) : []
  const wanted = query.get('container') ?? names[0]
  if (!names.includes(wanted)) throw badRequest(`container ${String(wanted)} is not valid for pod ${name}`)
  const words = query.getAll('command')
  if (words.length === 0) throw badRequest('you must specify at least one command for the container')
  if (!isPodReady(pod)) throw refuse(500, `unable to upgrade connection: container not found ("${String(wanted)}")`)
  return { namespace, pod: name, words }
}

/** Takes the WebSocket up, and tells on it what the command says and how it ended. */
export function serveExec(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  run: () => Promise<CommandEnd>,
): void {
  const offered = request.headers['sec-websocket-protocol']?.split(',').map((each) => each.trim()) ?? []
  if (!choose(offered)) return refuseUpgrade(socket, badRequest('unable to upgrade: unable to negotiate protocol'))
  sockets.handleUpgrade(request, socket, head, (client) => {
    client.on('error', () => client.terminate())
    // Each channel is opened with a message of nothing.
    for (const channel of [1, 2, 3]) tell(client, channel, '')
    void run().then(({ code, stdout = '', stderr = '' }) => {
      if (stdout !== '') tell(client, 1, stdout)
      if (stderr !== '') tell(client, 2, stderr)
      tell(client, 3, JSON.stringify(statusOf(code)))
      client.close(1000)
    })
  })
}

/** Says no before there is a WebSocket. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  const { failure: status } = isRefusal(error) ? error : refuse(500, String(error), { reason: 'InternalError' })
  const body = `${JSON.stringify(status)}\n`
  const head = ['content-type: application/json', `content-length: ${Buffer.byteLength(body)}`, 'connection: close']
  socket.end(`HTTP/1.1 ${status.code} ${status.reason ?? 'Error'}\r\n${head.join('\r\n')}\r\n\r\n${body}`)
}

function tell(client: WebSocket, channel: number, text: string): void {
  client.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)]))
}

/** k8s.io/apimachinery pkg/util/remotecommand: NonZeroExitCodeReason. */
function statusOf(code: number): object {
  if (code === 0) return { metadata: {}, status: 'Success' }
  const causes = [{ reason: 'ExitCode', message: String(code) }]
  const message = `command terminated with non-zero exit code: error executing command, exit code ${code}`
  return { ...failure(500, message, { reason: 'NonZeroExitCode', details: { causes } }), code: undefined }
}

function choose(offered: Iterable<string>): string | false {
  const all = [...offered]
  return protocols.find((each) => all.includes(each)) ?? false
}
