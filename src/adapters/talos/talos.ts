import { setTimeout as sleep } from 'node:timers/promises'
import { Code, ConnectError } from '@connectrpc/connect'
import type { Role } from '../../core/cluster.ts'
import { AgentError } from '../../core/errors.ts'
import type { Talos } from '../../core/ports.ts'
import { readFacts } from './facts.ts'
import { ContainerDriver, ContainerdNamespace } from './gen/common_pb.ts'
import { type Session, withSession } from './session.ts'
import type { Credentials } from './talosconfig.ts'

export interface TalosOptions {
  readonly nodes: readonly { readonly name: string; readonly role: Role; readonly address: string }[]
  readonly credentials: Credentials
}

/** The containerd instance that talosctl calls `system`: on disk, and the same for pulling and installing. */
const containerd = { driver: ContainerDriver.CRI, namespace: ContainerdNamespace.NS_SYSTEM }

/** What the installer's exit codes mean from 1.14 on; older ones know 0 and 1 (siderolabs/talos pkg/machinery/constants). */
const exitCodes: Readonly<Record<number, string>> = {
  1: 'it does not say why',
  2: "the node's configuration is not valid for this release",
  3: 'this upgrade is not supported',
  4: 'a check before the installation failed',
  5: 'something that it depends on is missing',
  6: 'reading or writing failed',
  7: 'the installation failed',
}

const lastLines = 3

/** Every node is talked to at its own address, with no other node between. */
export function createTalos({ nodes, credentials }: TalosOptions): Talos {
  async function on<T>(
    name: string,
    signal: AbortSignal,
    action: (session: Session, role: Role) => Promise<T>,
  ): Promise<T> {
    const node = nodes.find((candidate) => candidate.name === name)
    if (!node) throw new AgentError('misconfigured', `there is no node ${name} in the configuration`)
    return withSession(name, node.address, credentials, signal, (session) => action(session, node.role))
  }

  return {
    look: (node, signal) => on(node, signal, readFacts),
    version: (node, signal) =>
      on(node, signal, async ({ machine }) => {
        const { messages } = await machine.version({}, { signal })
        const tag = messages[0]?.version?.tag
        if (!tag) throw new AgentError('malformed', `${node}: its Version has no tag`)
        return tag
      }),
    pullImage: (node, image, signal) =>
      on(node, signal, async ({ images }) => {
        let name = ''
        for await (const { response } of images.pull({ containerd, imageRef: image }, { signal })) {
          if (response.case === 'name') name = response.value
        }
        if (name === '') throw new AgentError('unreachable', `${node} broke off pulling ${image}`)
      }),
    install: (node, image, signal) =>
      on(node, signal, async ({ lifecycle }) => {
        while (true) {
          try {
            return await install(lifecycle, node, image, signal)
          } catch (error) {
            // An installer that an earlier run of ours began goes on without us.
            const busy =
              error instanceof ConnectError &&
              error.code === Code.FailedPrecondition &&
              error.rawMessage.includes('already in progress')
            if (!busy) throw error
            await sleep(1_000, undefined, { signal }).catch(() => {})
            if (signal.aborted) throw new AgentError('timed-out', `another installation runs on ${node}`)
          }
        }
      }),
    installAndReboot: (node, image, signal) =>
      on(node, signal, async ({ machine }) => {
        await machine.upgrade({ image }, { signal })
      }),
    reboot: (node, signal) =>
      on(node, signal, async ({ machine }) => {
        await machine.reboot({}, { signal })
      }),
    shutDown: (node, { force }, signal) =>
      on(node, signal, async ({ machine }) => {
        await machine.shutdown({ force }, { signal })
      }),
  }
}

/** A failed installer is not a gRPC error: its exit code is the stream's last word, and without one nothing is known. */
async function install(
  lifecycle: Session['lifecycle'],
  node: string,
  image: string,
  signal: AbortSignal,
): Promise<void> {
  const messages: string[] = []
  let exitCode: number | undefined
  for await (const { progress } of lifecycle.upgrade({ containerd, source: { imageName: image } }, { signal })) {
    if (progress?.response.case === 'exitCode') exitCode = progress.response.value
    if (progress?.response.case === 'message') messages.push(progress.response.value)
  }
  if (exitCode === 0) return
  const said = linesOf(messages).slice(-lastLines).join(' / ')
  if (exitCode === undefined)
    throw new AgentError('unreachable', `the installer on ${node} broke off${said ? `; it last said: ${said}` : ''}`)
  throw new AgentError(
    'rejected',
    `the installer on ${node} ended with code ${exitCode}: ${exitCodes[exitCode] ?? 'unknown'}${said ? `; it last said: ${said}` : ''}`,
  )
}

/** From 1.14 on a message is a line; before, messages are pieces of 512 bytes, newlines and all, that cut lines in two. */
function linesOf(messages: readonly string[]): string[] {
  const pieces = messages.some((message) => message.includes('\n'))
  return messages
    .join(pieces ? '' : '\n')
    .split('\n')
    .filter((line) => line.trim() !== '')
}
