import { AgentError } from '../errors.ts'
import type { KubernetesFacts, NodeIdentity, Role, Observed, TalosFacts } from './cluster.ts'

/** The machine that a step is meant for, as Talos reports it. */
export interface ExpectedMachine {
  /** Its machine id; undefined where it was not known. */
  readonly machineId?: string
  readonly role: Role
}

/**
 * Whether Talos at a node's address and Kubernetes under its name are the same machine. The machine id decides: Talos
 * makes /etc/machine-id of the node's identity, and the kubelet reports it (siderolabs/talos
 * controllers/cluster/node_identity.go). The firmware's UUID may be zero, or shared by a whole batch of boards.
 *
 * @param registered every node object of the cluster, by name, configured or not
 */
export function identify(
  name: string,
  talos: Observed<TalosFacts>,
  registered: Observed<ReadonlyMap<string, KubernetesFacts>>,
): NodeIdentity {
  if (!talos.ok) return { kind: 'unknown' }
  const { machineId, nodename, bootId, onDisk } = talos.value
  // Without Kubernetes the machine's own word is all there is.
  if (!registered.ok)
    return nodename !== undefined && nodename !== name && machineId !== undefined
      ? { kind: 'another', as: nodename, machineId }
      : { kind: 'unknown' }
  const object = registered.value.get(name)
  if (machineId === undefined) {
    const isElsewhere = nodename !== undefined && nodename !== name && registered.value.has(nodename)
    return isElsewhere ? { kind: 'renamed', as: nodename, machineId } : { kind: 'unknown' }
  }
  const owners = [...registered.value].filter(([, facts]) => facts.machineId === machineId)
  const others = owners.filter(([other]) => other !== name)
  if (object === undefined || object.machineId === undefined) {
    const [owner] = others
    return owner ? { kind: 'renamed', as: owner[0], machineId } : { kind: 'unknown' }
  }
  // Without a disk to keep it on it is new at each boot, and the kubelet reports it some moments later.
  if (object.machineId !== machineId && onDisk === false && others.length === 0) return { kind: 'late' }
  if (object.machineId !== machineId) return { kind: 'another', as: others[0]?.[0], machineId }
  const renamed = others.find(([other, { ready }]) => other === nodename || (ready && !object.ready))
  if (renamed && nodename !== name) return { kind: 'renamed', as: renamed[0], machineId }
  // A node object that is left of an earlier name is not Ready; two that are come from copies of one disk.
  const copy = others.find(([, { ready }]) => ready)
  if (copy) return { kind: 'another', as: copy[0], machineId }
  return isOfEarlierBoot(bootId, object.bootId) ? { kind: 'late' } : { kind: 'same' }
}

/** Why this is not the machine that is meant, by what Talos says; undefined where it is, or where nothing contradicts. */
export function whyAnotherMachine(
  { machineId, machineType }: Pick<TalosFacts, 'machineId' | 'machineType'>,
  expected: ExpectedMachine,
): string | undefined {
  if (machineId !== undefined && expected.machineId !== undefined && machineId !== expected.machineId)
    return `another machine answers at its address: its machine id is ${machineId}, not ${expected.machineId}`
  if (machineType !== undefined && machineType !== expected.role)
    return `it runs as a ${machineType}, not as a ${expected.role}`
  return undefined
}

/**
 * Lets an order to this node through only where the machine at its address is the one that is meant. An address can lead
 * to another machine from one moment to the next, as when DHCP leases are given again.
 *
 * @throws AgentError `not-now` where it is another one, or runs in another role: that is for people to fix, and no
 *   failure of the release
 */
export function demandMachine(
  node: string,
  facts: Pick<TalosFacts, 'machineId' | 'machineType'>,
  expected: ExpectedMachine,
): void {
  const another = whyAnotherMachine(facts, expected)
  if (another) throw new AgentError('not-now', `${node} is left alone: ${another}`)
}

/** Where Talos tells no boot id the time of the boot stands for it: in whole seconds, so that it proves little. */
export function isTimeOfBoot(bootId: string): boolean {
  return bootId.startsWith(timeOfBoot)
}

/** Before the time, in seconds since the epoch. */
export const timeOfBoot = 'booted-at-'

/** The kernel's boot ids are UUIDs; where Talos tells none of them the time of the boot stands for it, and says nothing. */
function isOfEarlierBoot(now: string, reported: string | undefined): boolean {
  return reported !== undefined && !isTimeOfBoot(now) && reported !== now
}
