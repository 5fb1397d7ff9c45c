import { setTimeout as pause } from 'node:timers/promises'
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect'
import {
  EtcdMemberAlarm_AlarmType as AlarmType,
  type MachineService,
} from '../../../src/adapters/talos/gen/machine_pb.ts'
import type { LabEtcd, LabEtcdMember } from './etcd.ts'
import type { Machine } from './machine.ts'
import { chunksOf } from './archive.ts'

type EtcdCalls = Pick<
  ServiceImpl<typeof MachineService>,
  'etcdMemberList' | 'etcdStatus' | 'etcdAlarmList' | 'etcdForfeitLeadership' | 'etcdSnapshot'
>

/** Between two tries to reach the member, in ms. */
const retryInterval = 20

/** Refuses what only a control plane can do (siderolabs/talos internal/app/internal/machinehelper). */
export function onlyControlPlane(machine: Machine, api: string): void {
  if (machine.options.role === 'controlplane') return
  throw new ConnectError(`${api} is only available on control plane nodes`, Code.Unimplemented)
}

/**
 * The calls about etcd, which Talos asks its own member. Some of them need quorum; a status and a snapshot come from
 * the member itself (etcd-io/etcd server/etcdserver/api/v3rpc/maintenance.go).
 */
export function serveEtcd(machine: Machine, life: { readonly life: AbortSignal }): EtcdCalls {
  /** Where etcd is not up Talos' own client of it tries for a while, or, `forEver`, as long as the caller waits. */
  async function member(
    api: string,
    { signal }: HandlerContext,
    forEver = false,
  ): Promise<{ readonly etcd: LabEtcd; readonly own: LabEtcdMember }> {
    onlyControlPlane(machine, api)
    const end = forEver ? Infinity : performance.now() + machine.pace.etcdDown
    while (true) {
      const own = machine.etcd?.member(machine.options.name)
      if (machine.etcd && own?.running) return { etcd: machine.etcd, own }
      const cause = 'dial tcp 127.0.0.1:2379: connect: connection refused'
      if (performance.now() >= end)
        throw new ConnectError(`connection error: desc = "transport: Error while dialing: ${cause}"`, Code.Unavailable)
      await pause(retryInterval, undefined, { signal: AbortSignal.any([signal, life.life]) })
    }
  }

  async function withQuorum(api: string, context: HandlerContext, forEver = false) {
    const found = await member(api, context, forEver)
    if (!found.etcd.hasQuorum()) await pause(machine.pace.etcd)
    if (!found.etcd.hasQuorum()) throw new ConnectError('etcdserver: request timed out', Code.Unknown)
    return found
  }

  return {
    async etcdMemberList(_, context) {
      const { etcd } = await withQuorum('member list', context)
      const members = etcd.members().map(({ id, name, peerUrls, clientUrls, learner }) => ({
        id,
        hostname: name,
        peerUrls,
        clientUrls,
        isLearner: learner,
      }))
      return { messages: [{ legacyMembers: members.map(({ hostname }) => hostname), members }] }
    },
    async etcdStatus(_, context) {
      const { etcd, own } = await member('etcd status', context)
      const leader = etcd.members().find(({ name }) => name === etcd.leader())
      const alarms = etcd.alarms().map(({ member, alarm }) => `memberID:${member.id} alarm:${alarm} `)
      const memberStatus = {
        protocolVersion: own.version,
        dbSize: etcd.dbSize,
        dbSizeInUse: etcd.dbSize,
        leader: leader?.id ?? 0n,
        raftIndex: etcd.raftIndex,
        raftTerm: etcd.raftTerm,
        raftAppliedIndex: etcd.raftApplied(own.name),
        errors: leader ? alarms : ['etcdserver: no leader', ...alarms],
        isLearner: own.learner,
        memberId: own.id,
        storageVersion: etcd.storageVersion ?? '',
      }
      return { messages: [{ memberStatus }] }
    },
    async etcdAlarmList(_, context) {
      const { etcd } = await withQuorum('etcd alarm list', context)
      const memberAlarms = etcd.alarms().map(({ member, alarm }) => ({ memberId: member.id, alarm: AlarmType[alarm] }))
      return { messages: [{ memberAlarms }] }
    },
    async etcdForfeitLeadership(_, context) {
      const { etcd, own } = await withQuorum('etcd forfeit leadership', context, true)
      if (etcd.members().length === 1)
        throw new ConnectError('cannot forfeit leadership, only one member', Code.Unknown)
      return { messages: [{ member: etcd.forfeit(own.name) }] }
    },
    async *etcdSnapshot(_, context) {
      const { etcd } = await member('etcd snapshot', context, true)
      const { faults } = machine
      const { snapshotBreaksOff: breaksOff, snapshotDamaged: damaged } = faults
      faults.snapshotBreaksOff = undefined
      faults.snapshotDamaged = false
      const whole = etcd.snapshot()
      if (damaged) whole[whole.length >> 1]! ^= 0xff
      for (const bytes of chunksOf(breaksOff === undefined ? whole : whole.subarray(0, whole.length >> 1)))
        yield { bytes }
      if (breaksOff === 'with an error') throw new ConnectError('error reading snapshot: unexpected EOF', Code.Unknown)
    },
  }
}

/** What Talos' own upgrade wants of etcd beforehand (internal/pkg/etcd ValidateForUpgrade). */
export function validateForUpgrade(machine: Machine): void {
  const { etcd } = machine
  if (!etcd) return
  const fail = (reason: string) => new ConnectError(`error validating etcd for upgrade: ${reason}`, Code.Unknown)
  const unlock = etcd.tryLockUpgrade()
  if (!unlock) throw new ConnectError('failed to acquire upgrade mutex: mutex: Locked by another session', Code.Unknown)
  try {
    if (!etcd.hasQuorum()) throw fail('etcdserver: request timed out')
    const members = etcd.members()
    if (members.length === 2) throw fail('etcd member count(2) is insufficient to maintain quorum if upgrade commences')
    const down = members.find(({ running }) => !running)
    if (!down) return
    const id = down.id.toString(16).padStart(16, '0')
    throw fail(
      `etcd member ${id} is not healthy; all members must be healthy to perform an upgrade: context deadline exceeded`,
    )
  } finally {
    unlock()
  }
}
