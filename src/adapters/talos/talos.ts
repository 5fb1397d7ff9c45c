import { durationFromMs } from '@bufbuild/protobuf/wkt'
import type { Role } from '../../core/cluster/cluster.ts'
import { AgentError } from '../../core/errors.ts'
import { demandMachine, type ExpectedMachine } from '../../core/cluster/identity.ts'
import type { RebootMode } from '../../core/cluster/drain.ts'
import type { Talos } from '../../core/cluster/ports.ts'
import { readActivity } from './activity.ts'
import { textInArchive } from './archive.ts'
import type { ConnectLimits } from './connection.ts'
import { type KnownBoot, readFacts, readMachine } from './facts.ts'
import { followEvents } from './follow.ts'
import {
  RebootRequest_Mode as RebootBy,
  type UpgradeRequest_RebootMode as UpgradeBy,
  UpgradeRequest_RebootMode,
} from './gen/machine_pb.ts'
import { containerd, installOn } from './installer.ts'
import { type Need, needs } from './roles.ts'
import { type Peer, type Session, streamed, withSession } from './session.ts'
import type { Credentials } from './talosconfig.ts'

export interface TalosOptions {
  readonly nodes: readonly { readonly name: string; readonly role: Role; readonly address: string }[]
  /** What it takes to get in; a function is asked with each call, so that what was renewed is used at once. */
  readonly credentials: Credentials | (() => Credentials | Promise<Credentials>)
  /** How long a connection may take before another one is tried. */
  readonly limits?: ConnectLimits
  /** How long is waited for each answer of etcd, in ms. */
  readonly etcdWithin?: number
}

/** The port, and what only this adapter can do. */
export interface TalosAdapter extends Talos {
  /** A kubeconfig for an admin of the cluster, YAML. Control planes only. */
  kubeconfig(node: string, signal: AbortSignal): Promise<string>
  /** A new client certificate with these roles, good for `ttl` ms from now, as PEM texts. Control planes only. */
  clientConfiguration(
    node: string,
    order: { readonly roles: readonly string[]; readonly ttl: number },
    signal: AbortSignal,
  ): Promise<ClientConfiguration>
}

export interface ClientConfiguration {
  readonly ca: string
  readonly crt: string
  /** As Talos labels it: `ED25519 PRIVATE KEY`. */
  readonly key: string
}

const rebootModes: Record<RebootMode, RebootBy> = {
  default: RebootBy.DEFAULT,
  powercycle: RebootBy.POWERCYCLE,
  force: RebootBy.FORCE,
}

/** An upgrade in one call knows no `force`. What is left of it is that the machine goes through its firmware. */
const upgradeModes: Record<RebootMode, UpgradeBy> = {
  default: UpgradeRequest_RebootMode.DEFAULT,
  powercycle: UpgradeRequest_RebootMode.POWERCYCLE,
  force: UpgradeRequest_RebootMode.POWERCYCLE,
}

/** Where etcd does not run Talos never answers what is for it: how long is waited for each answer, in ms. */
const etcdAnswersWithin = 10_000

/** Gives a promise so many ms; what it does after that is nobody's concern. */
async function within<T>(ms: number, late: AgentError, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(late), ms)))
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}

/** Every node is talked to at its own address, with no other node between. */
export function createTalos({
  nodes,
  credentials,
  limits,
  etcdWithin = etcdAnswersWithin,
}: TalosOptions): TalosAdapter {
  async function find(name: string): Promise<Peer & { readonly role: Role }> {
    const node = nodes.find((candidate) => candidate.name === name)
    if (!node) throw new AgentError('misconfigured', `there is no node ${name} in the configuration`)
    const present = typeof credentials === 'function' ? await credentials() : credentials
    return { name, address: node.address, role: node.role, credentials: present, limits }
  }

  /** By node, what need not be asked again while it has the same boot. */
  const boots = new Map<string, KnownBoot>()
  const lateEtcd = (name: string, what: string) =>
    new AgentError(
      'timed-out',
      `${name} (${nodes.find((node) => node.name === name)?.address ?? '?'}): its etcd has not ${what} within ${etcdWithin / 1_000} s: does it run?`,
    )

  async function on<T>(
    name: string,
    need: Need,
    signal: AbortSignal,
    action: (session: Session, peer: Peer & { readonly role: Role }) => Promise<T>,
  ): Promise<T> {
    const peer = await find(name)
    return withSession(peer, need, signal, (session) => action(session, peer))
  }

  /** An order, which goes over the connection that the machine has just said on who it is, if that matters. */
  function order<T>(
    name: string,
    need: Need,
    signal: AbortSignal,
    expected: ExpectedMachine | undefined,
    action: (session: Session) => Promise<T>,
  ): Promise<T> {
    return on(name, need, signal, async (session) => {
      if (expected) demandMachine(name, await readMachine(session), expected)
      return action(session)
    })
  }

  async function* streamOf<T>(
    name: string,
    need: Need,
    signal: AbortSignal,
    action: (session: Session) => AsyncIterable<T>,
  ): AsyncGenerator<T, void, undefined> {
    yield* streamed(await find(name), need, signal, action)
  }

  return {
    observe: (node, signal) =>
      on(node, needs.observe, signal, async (session, { role, credentials: ours }) => {
        const { facts, boot } = await readFacts(session, { role, credentials: ours, known: boots.get(node) })
        if (boot) boots.set(node, boot)
        else boots.delete(node)
        return facts
      }),
    version: (node, signal) =>
      on(node, needs.observe, signal, async ({ machine }) => {
        const { messages } = await machine.version({}, { signal })
        const tag = messages[0]?.version?.tag
        if (!tag) throw new AgentError('malformed', `${node}: its Version has no tag`)
        return tag
      }),
    activity: (node, signal) => on(node, needs.follow, signal, (session) => readActivity(session, signal)),
    pullImage: (node, image, signal) =>
      on(node, needs.pull, signal, async ({ images }) => {
        let name = ''
        for await (const { response } of images.pull({ containerd, imageRef: image }, { signal })) {
          if (response.case === 'name') name = response.value
        }
        if (name === '') throw new AgentError('unreachable', `${node} broke off pulling ${image}`)
      }),
    install: (node, image, signal, expected) =>
      order(node, needs.install, signal, expected, ({ lifecycle }) => installOn(lifecycle, node, image, signal)),
    installAndReboot: (node, image, mode, signal, expected) =>
      order(node, needs.upgrade, signal, expected, async ({ machine }) => {
        await machine.upgrade({ image, rebootMode: upgradeModes[mode] }, { signal })
      }),
    reboot: (node, mode, signal, expected) =>
      order(node, needs.reboot, signal, expected, async ({ machine }) => {
        await machine.reboot({ mode: rebootModes[mode] }, { signal })
      }),
    rollback: (node, signal, expected) =>
      order(node, needs.rollback, signal, expected, async ({ machine }) => {
        await machine.rollback({}, { signal })
      }),
    forfeitLeadership: (node, signal, expected) =>
      order(node, needs.forfeit, signal, expected, async ({ machine }) => {
        const late = lateEtcd(node, 'handed the leadership over')
        const { messages } = await within(etcdWithin, late, machine.etcdForfeitLeadership({}, { signal }))
        return messages[0]?.member || undefined
      }),
    snapshotEtcd: (node, signal) =>
      streamOf(node, needs.snapshot, signal, async function* ({ machine }) {
        const chunks = machine.etcdSnapshot({}, { signal })[Symbol.asyncIterator]()
        let error = lateEtcd(node, 'begun a snapshot')
        while (true) {
          const { done, value } = await within(etcdWithin, error, chunks.next())
          if (done === true) return
          yield value.bytes
          error = lateEtcd(node, 'gone on with a snapshot')
        }
      }),
    follow: (node, signal) => streamOf(node, needs.follow, signal, (session) => followEvents(session, signal)),
    shutDown: (node, { force }, signal) =>
      on(node, needs.shutDown, signal, async ({ machine }) => {
        await machine.shutdown({ force }, { signal })
      }),
    kubeconfig: (node, signal) =>
      on(node, needs.kubeconfig, signal, async ({ machine }) => {
        const chunks: Uint8Array[] = []
        for await (const { bytes } of machine.kubeconfig({}, { signal })) chunks.push(bytes)
        return textInArchive(Buffer.concat(chunks), 'kubeconfig')
      }),
    clientConfiguration: (node, { roles, ttl }, signal) =>
      on(node, needs.clientConfiguration, signal, async ({ machine }) => {
        const crtTtl = durationFromMs(ttl)
        const { messages } = await machine.generateClientConfiguration({ roles: [...roles], crtTtl }, { signal })
        const [{ ca, crt, key } = {}] = messages
        if (!ca || !crt || !key)
          throw new AgentError('malformed', `${node} hands out a client configuration without a certificate`)
        const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')
        return { ca: text(ca), crt: text(crt), key: text(key) }
      }),
  }
}
