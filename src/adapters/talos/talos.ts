import type { Role } from '../../core/cluster/cluster.ts'
import { AgentError } from '../../core/errors.ts'
import { demandMachine, type ExpectedMachine } from '../../core/cluster/identity.ts'
import type { RebootMode } from '../../core/cluster/drain.ts'
import type { Talos } from '../../core/cluster/ports.ts'
import type { NodeInspection } from '../../core/doctor/node.ts'
import type { ClusterMembers } from '../../core/provision/ports.ts'
import type { SurveyedMachine } from '../../core/setup/seen.ts'
import { readActivity } from './activity.ts'
import type { ConnectLimits } from './connection.ts'
import { type EtcdNode, forfeitLeadership, snapshotEtcd } from './etcd-calls.ts'
import { type KnownBoot, readFacts, readMachine } from './facts.ts'
import { followEvents } from './follow.ts'
import {
  RebootRequest_Mode as RebootBy,
  type UpgradeRequest_RebootMode as UpgradeBy,
  UpgradeRequest_RebootMode,
} from './gen/machine_pb.ts'
import { type ClientConfiguration, type ClientOrder, generateClient, readKubeconfig } from './handout.ts'
import { inspectNode } from './inspect.ts'
import { containerd, installOn } from './installer.ts'
import { type Need, needs } from './roles.ts'
import { type Peer, type Session, streamed, withSession } from './session.ts'
import { identifyMember } from './newcomer.ts'
import { surveyMachine } from './survey.ts'
import type { Credentials } from './talosconfig.ts'

interface TalosAddress {
  readonly name: string
  readonly role: Role
  readonly address: string
}

export interface TalosOptions {
  /** A function is called with each request. */
  readonly nodes: readonly TalosAddress[] | (() => readonly TalosAddress[])
  /** The credentials; a function is called with each request, so renewed ones are used at once. */
  readonly credentials: Credentials | (() => Credentials | Promise<Credentials>)
  /** How long a connection may take before another one is tried. */
  readonly limits?: ConnectLimits
  /** How long is waited for each answer of etcd, in ms. */
  readonly etcdWithin?: number
}

/** The port, and what only this adapter can do. */
export interface TalosAdapter extends Talos, ClusterMembers {
  /** A kubeconfig for an admin of the cluster, YAML. Control planes only. */
  kubeconfig(node: string, signal: AbortSignal): Promise<string>
  /** A new client certificate with these roles, good for `ttl` ms from now, as PEM texts. Control planes only. */
  clientConfiguration(node: string, order: ClientOrder, signal: AbortSignal): Promise<ClientConfiguration>
  /** What is not observed all the time: the node's clock, its network cards. */
  inspect(node: string, signal: AbortSignal): Promise<NodeInspection>
  /** What a configuration is drawn up from: everything that the machine tells of itself and of its cluster. */
  survey(node: string, signal: AbortSignal): Promise<SurveyedMachine>
}

const rebootModes: Record<RebootMode, RebootBy> = {
  default: RebootBy.DEFAULT,
  powercycle: RebootBy.POWERCYCLE,
  force: RebootBy.FORCE,
}

/** The Upgrade call has no `force`: a power cycle through the firmware comes closest. */
const upgradeModes: Record<RebootMode, UpgradeBy> = {
  default: UpgradeRequest_RebootMode.DEFAULT,
  powercycle: UpgradeRequest_RebootMode.POWERCYCLE,
  force: UpgradeRequest_RebootMode.POWERCYCLE,
}

/** How long is waited for each answer of etcd, in ms. */
const etcdAnswersWithin = 10_000

/** Every node is called at its own address, without another node as a proxy. */
export function createTalos({
  nodes,
  credentials,
  limits,
  etcdWithin = etcdAnswersWithin,
}: TalosOptions): TalosAdapter {
  async function find(name: string): Promise<Peer & { readonly role: Role }> {
    const all = typeof nodes === 'function' ? nodes() : nodes
    const node = all.find((candidate) => candidate.name === name)
    if (!node) throw new AgentError('misconfigured', `the configuration has no node ${name}`)
    const present = typeof credentials === 'function' ? await credentials() : credentials
    return { name, address: node.address, role: node.role, credentials: present, limits }
  }

  /** By node, what need not be asked again while it has the same boot. */
  const boots = new Map<string, KnownBoot>()
  async function on<T>(
    name: string,
    need: Need,
    signal: AbortSignal,
    action: (session: Session, peer: Peer & { readonly role: Role }) => Promise<T>,
  ): Promise<T> {
    const peer = await find(name)
    return withSession(peer, need, signal, (session) => action(session, peer))
  }

  /** A changing call. Where the machine's identity matters, it is verified on the same connection first. */
  function order<T>(
    name: string,
    { need, expected }: { readonly need: Need; readonly expected: ExpectedMachine | undefined },
    signal: AbortSignal,
    action: (session: Session, peer: Peer) => Promise<T>,
  ): Promise<T> {
    return on(name, need, signal, async (session, peer) => {
      if (expected) demandMachine(name, await readMachine(session), expected)
      return action(session, peer)
    })
  }

  const etcdOf = ({ name, address }: Peer): EtcdNode => ({ name, address, answersWithin: etcdWithin })

  async function* streamOf<T>(
    name: string,
    need: Need,
    signal: AbortSignal,
    action: (session: Session, peer: Peer) => AsyncIterable<T>,
  ): AsyncGenerator<T, void, undefined> {
    const peer = await find(name)
    yield* streamed(peer, need, signal, (session) => action(session, peer))
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
        if (!tag) throw new AgentError('malformed', `${node}: it reports no Talos version`)
        return tag
      }),
    activity: (node, signal) => on(node, needs.follow, signal, (session) => readActivity(session, signal)),
    pullImage: (node, image, signal) =>
      on(node, needs.pull, signal, async ({ images }) => {
        let name = ''
        for await (const { response } of images.pull({ containerd, imageRef: image }, { signal })) {
          if (response.case === 'name') name = response.value
        }
        if (name === '') throw new AgentError('unreachable', `${node} stopped pulling ${image} without a result`)
      }),
    install: (node, image, signal, expected) =>
      order(node, { need: needs.install, expected }, signal, ({ lifecycle }) =>
        installOn(lifecycle, node, image, signal),
      ),
    installAndReboot: (node, { image, mode }, signal, expected) =>
      order(node, { need: needs.upgrade, expected }, signal, async ({ machine }) => {
        await machine.upgrade({ image, rebootMode: upgradeModes[mode] }, { signal })
      }),
    reboot: (node, mode, signal, expected) =>
      order(node, { need: needs.reboot, expected }, signal, async ({ machine }) => {
        await machine.reboot({ mode: rebootModes[mode] }, { signal })
      }),
    rollback: (node, signal, expected) =>
      order(node, { need: needs.rollback, expected }, signal, async ({ machine }) => {
        await machine.rollback({}, { signal })
      }),
    forfeitLeadership: (node, signal, expected) =>
      order(node, { need: needs.forfeit, expected }, signal, (session, peer) =>
        forfeitLeadership(session, etcdOf(peer), signal),
      ),
    snapshotEtcd: (node, signal) =>
      streamOf(node, needs.snapshot, signal, (session, peer) => snapshotEtcd(session, etcdOf(peer), signal)),
    follow: (node, signal) => streamOf(node, needs.follow, signal, (session) => followEvents(session, signal)),
    shutDown: (node, { force }, signal) =>
      on(node, needs.shutDown, signal, async ({ machine }) => {
        await machine.shutdown({ force }, { signal })
      }),
    kubeconfig: (node, signal) => on(node, needs.kubeconfig, signal, (session) => readKubeconfig(session, signal)),
    inspect: (node, signal) => on(node, needs.observe, signal, inspectNode),
    identify: async (address, signal) => {
      const present = typeof credentials === 'function' ? await credentials() : credentials
      const peer = { name: 'a new node', address, credentials: present, limits }
      return withSession(peer, needs.observe, signal, (session) => identifyMember(session, signal))
    },
    survey: (node, signal) => on(node, needs.observe, signal, surveyMachine),
    clientConfiguration: (node, wanted, signal) =>
      on(node, needs.clientConfiguration, signal, (session) => generateClient(session, node, wanted, signal)),
  }
}
