import { connect } from 'node:net'
import { AgentError, assertNever } from '../../core/errors.ts'
import type { Hosts } from '../../core/power/ports.ts'
import { makeCall, portOf, tryConnection, type HttpCall } from './http-call.ts'
import { rehearseBySsh, shutDownBySsh, type SshShutdown } from './ssh.ts'
import { calledOff, meansOf, type Means, type MachineOptions } from './options.ts'

export interface HostOptions {
  readonly name: string
  /** Its host name or IP address. An IP address can be found while DNS is gone, even by an agent that has just started. */
  readonly address: string
  readonly shutdown: SshShutdown | HttpCall
  /** TCP port by which it is known to be up; by default that of SSH, or the URL's. */
  readonly port?: number | undefined
}

/**
 * Machines outside the cluster, shut down by the OpenSSH client or by an HTTP call.
 *
 * `answers` counts a host that accepts no connection within three seconds as down. A name that no longer resolves keeps
 * its last addresses, for all three. `rehearse` logs in by SSH and runs the configured rehearsal command or none; of an
 * HTTP call it tests only the connection and the certificate.
 */
export function createHosts(options: readonly HostOptions[], machineOptions: MachineOptions = {}): Hosts {
  const means = meansOf(machineOptions)
  const hosts = new Map(options.map((host) => [host.name, host]))

  function find(name: string): HostOptions {
    const host = hosts.get(name)
    if (!host) throw new AgentError('misconfigured', `the configuration has no host ${name}: add it to \`hosts\``)
    return host
  }

  return {
    answers: async (name, signal) => {
      const host = find(name)
      const port = host.port ?? portFor(host)
      return canConnect({ doing: `ask whether ${name} is up`, host: host.address, port }, means, signal)
    },
    shutDown: async (name, signal) => {
      const { address, shutdown } = find(name)
      const doing = `shut down ${name}`
      if (shutdown.kind === 'ssh') return shutDownBySsh({ doing, address, ssh: shutdown }, means, signal)
      if (shutdown.kind === 'http') return makeCall(doing, shutdown, means, signal)
      return assertNever(shutdown)
    },
    rehearse: async (name, signal) => {
      const { address, shutdown } = find(name)
      const doing = `rehearse the shutdown of ${name}`
      if (shutdown.kind === 'ssh') return rehearseBySsh({ doing, address, ssh: shutdown }, means, signal)
      if (shutdown.kind === 'http') return tryConnection(doing, shutdown, means, signal)
      return assertNever(shutdown)
    },
  }
}

function portFor({ shutdown }: HostOptions): number {
  if (shutdown.kind === 'ssh') return shutdown.port ?? 22
  return URL.canParse(shutdown.url) ? portOf(new URL(shutdown.url)) : 80
}

function canConnect(
  { doing, host, port }: { readonly doing: string; readonly host: string; readonly port: number },
  { names, limits }: Means,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(calledOff(doing, signal))
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      return reject(new AgentError('misconfigured', `${doing}: ${port} is not a TCP port`))
    const socket = connect({ host, port, lookup: names.lookup })
    const late = setTimeout(() => end(() => resolve(false)), limits.answers)
    const abort = () => end(() => reject(calledOff(doing, signal)))
    signal.addEventListener('abort', abort, { once: true })
    function end(answer: () => void): void {
      clearTimeout(late)
      signal.removeEventListener('abort', abort)
      socket.destroy()
      answer()
    }
    socket.on('connect', () => {
      if (socket.remoteAddress !== undefined) names.worked(host, socket.remoteAddress)
      end(() => resolve(true))
    })
    socket.on('error', () => end(() => resolve(false)))
  })
}
