import { createApi } from '../../adapters/kubernetes/api.ts'
import { handedOut, parseKubeconfig } from '../../adapters/kubernetes/kubeconfig.ts'
import { createKubernetes } from '../../adapters/kubernetes/kubernetes.ts'
import { readMembers } from '../../adapters/kubernetes/members.ts'
import { createTalos } from '../../adapters/talos/talos.ts'
import {
  type Credentials,
  missingRole,
  parseTalosconfig,
  readTalosAddresses,
} from '../../adapters/talos/talosconfig.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import { type Candidate, findCandidates, type Surveyed, uniteNodes } from '../../core/setup/nodes.ts'
import type { ClusterMember, SeenCluster } from '../../core/setup/seen.ts'
import { readText } from '../../main/file-gate.ts'
import { within } from './means.ts'

export interface ClusterQuestion {
  readonly talosconfig: string
  readonly context: string
  readonly kubeconfig: string | undefined
  readonly signal: AbortSignal
  say(text: string): void
}

export interface LookedCluster {
  readonly seen: SeenCluster
  /** Whether the talosconfig allows upgrades. */
  readonly isAdmin: boolean
}

/**
 * The cluster that a talosconfig leads to, by asking its machines, and Kubernetes. Only asks.
 *
 * @throws AgentError `misconfigured` for a talosconfig that won't do; `unreachable` where no machine answers
 */
export async function lookAtCluster(question: ClusterQuestion): Promise<LookedCluster> {
  const { talosconfig, context, signal, say } = question
  const text = await readText(talosconfig)
  const credentials = parseTalosconfig(text, talosconfig, context)
  const lacking = missingRole(credentials, { upgrades: false, now: new Date() })
  if (lacking !== undefined) throw new AgentError('misconfigured', `${talosconfig}: ${lacking}`)
  const addresses = readTalosAddresses(text, talosconfig, context)
  if (addresses.length === 0)
    throw new AgentError(
      'misconfigured',
      `${talosconfig}: its context ${context} names neither endpoints nor nodes: add one with \`talosctl config endpoint ADDRESS\``,
    )
  say(`asks ${addresses.join(', ')}`)
  const first = await Promise.all(addresses.map((address) => survey(credentials, { address }, signal)))
  if (first.every(({ machine }) => machine === undefined))
    throw new AgentError('unreachable', `no machine of ${talosconfig} answers: ${first[0]?.trouble}`)
  const kubernetes = await lookAtKubernetes(question, credentials, first)
  const candidates = findCandidates(
    kubernetes.members,
    first.flatMap(({ machine }) => machine?.members ?? []),
  )
  const names = candidates.map(({ name }) => name)
  if (names.length > 0) say(`asks ${names.join(', ')}`)
  const later = new Map(
    await Promise.all(
      candidates.map(async (one): Promise<[string, Surveyed]> => [
        one.name,
        await surveyCandidate(one, first, (address) => survey(credentials, { name: one.name, address }, signal)),
      ]),
    ),
  )
  const { nodes, remarks } = uniteNodes(first, candidates, later)
  return {
    seen: { nodes, storage: kubernetes.storage, remarks: [...kubernetes.remarks, ...remarks] },
    isAdmin: credentials.roles.includes('os:admin'),
  }
}

/** Whatever goes wrong is an answer. */
async function survey(
  credentials: Credentials,
  { name, address }: { readonly name?: string; readonly address: string },
  signal: AbortSignal,
): Promise<Surveyed> {
  // Its role is among what is asked.
  const known = name ?? address
  const talos = createTalos({ nodes: [{ name: known, role: 'worker', address }], credentials })
  try {
    return { address, machine: await talos.survey(known, within(signal)) }
  } catch (error) {
    signal.throwIfAborted()
    return { address, machine: undefined, trouble: messageOf(error) }
  }
}

/** So many addresses of a node are tried: kubelets and discovery name the best first. */
const mostAddresses = 4

/** The first of its addresses at which this very node answers. */
async function surveyCandidate(
  { name, addresses }: Candidate,
  known: readonly Surveyed[],
  ask: (address: string) => Promise<Surveyed>,
): Promise<Surveyed> {
  let failed: Surveyed | undefined
  for (const address of addresses.slice(0, mostAddresses)) {
    const answer = known.find((one) => one.address === address && one.machine !== undefined) ?? (await ask(address))
    if (answer.machine !== undefined && (answer.machine.name ?? name) === name) return answer
    const trouble =
      answer.machine === undefined ? answer.trouble : `${answer.machine.name} answers at its address ${address}`
    failed ??= { address, machine: undefined, trouble }
  }
  return failed ?? { address: '', machine: undefined, trouble: 'nobody tells its address' }
}

interface LookedKubernetes {
  readonly members: readonly ClusterMember[]
  readonly storage: readonly string[]
  readonly remarks: readonly string[]
}

/** Kubernetes by the kubeconfig that is named, else by one that a control plane hands out to an admin. */
async function lookAtKubernetes(
  { kubeconfig, signal, say }: ClusterQuestion,
  credentials: Credentials,
  first: readonly Surveyed[],
): Promise<LookedKubernetes> {
  const nothing = (why: string) => ({ members: [], storage: [], remarks: [why] })
  try {
    const access =
      kubeconfig === undefined
        ? await requestAccess(credentials, first, signal)
        : parseKubeconfig(await readText(kubeconfig), kubeconfig)
    if (access === undefined)
      return nothing(
        'Kubernetes was not asked: a talosconfig without os:admin needs a kubeconfig beside it (--kubeconfig)',
      )
    say('asks Kubernetes')
    using api = createApi({ access })
    const members = await readMembers(api, within(signal))
    const storage = await createKubernetes(api)
      .storage(within(signal))
      .then(({ systems }) => systems)
      .catch(() => [])
    return { members, storage, remarks: [] }
  } catch (error) {
    signal.throwIfAborted()
    if (kubeconfig !== undefined) throw error
    return nothing(`Kubernetes could not be asked: ${messageOf(error)}`)
  }
}

async function requestAccess(credentials: Credentials, first: readonly Surveyed[], signal: AbortSignal) {
  if (!credentials.roles.includes('os:admin')) return undefined
  let last: unknown = new AgentError('unreachable', 'no control plane answers')
  for (const { address, machine } of first) {
    if (machine?.role === 'worker' || machine === undefined) continue
    const talos = createTalos({ nodes: [{ name: address, role: 'controlplane', address }], credentials })
    try {
      return parseKubeconfig(await talos.kubeconfig(address, within(signal)), `the kubeconfig of ${address}`, handedOut)
    } catch (error) {
      signal.throwIfAborted()
      last = error
    }
  }
  throw last
}
