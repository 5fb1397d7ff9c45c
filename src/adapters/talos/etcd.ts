import { Code, ConnectError } from '@connectrpc/connect'
import { type EtcdFacts, type Seen, seen, unseen } from '../../core/cluster.ts'
import { messageOf } from '../../core/errors.ts'
import {
  EtcdMemberAlarm_AlarmType as AlarmType,
  EtcdMemberAlarm_AlarmTypeSchema as AlarmTypeSchema,
  type EtcdAlarmListResponse,
} from './gen/machine_pb.ts'
import type { Session } from './session.ts'

/**
 * Without a quorum the list of members takes etcd some seconds to refuse, in ms. The rest of the look must not be lost
 * over it.
 */
const answersWithin = 2_000

/** The member's own view. That etcd does not answer is a fact too, and never thrown. */
export async function readEtcd({ machine }: Session): Promise<Seen<EtcdFacts>> {
  try {
    const soon = { timeoutMs: answersWithin }
    const [status, members, alarms] = await Promise.all([
      machine.etcdStatus({}, soon),
      machine.etcdMemberList({}, soon),
      machine.etcdAlarmList({}, soon),
    ])
    const own = status.messages[0]?.memberStatus
    if (!own) return unseen('its etcd tells nothing')
    return seen({
      id: hexId(own.memberId),
      leader: own.leader === 0n ? undefined : hexId(own.leader),
      learner: own.isLearner,
      errors: own.errors.filter((text) => text !== ''),
      alarms: alarmsOf(alarms),
      dbSize: Number(own.dbSize),
      raftIndex: Number(own.raftIndex),
      raftApplied: Number(own.raftAppliedIndex),
      storageVersion: own.storageVersion || undefined,
      members: (members.messages[0]?.members ?? []).map(({ id, hostname, isLearner }) => ({
        id: hexId(id),
        name: hostname,
        learner: isLearner,
      })),
    })
  } catch (error) {
    if (!(error instanceof ConnectError)) return unseen(messageOf(error))
    return unseen(error.code === Code.DeadlineExceeded ? 'its etcd has not answered in time' : error.rawMessage)
  }
}

function alarmsOf({ messages }: EtcdAlarmListResponse): string[] {
  return messages
    .flatMap(({ memberAlarms }) => memberAlarms)
    .filter(({ alarm }) => alarm !== AlarmType.NONE)
    .map(({ alarm, memberId }) => `${AlarmTypeSchema.value[alarm]?.name ?? `alarm ${alarm}`} on ${hexId(memberId)}`)
}

/** As Talos prints them: 16 hex digits. They do not fit a JavaScript number. */
function hexId(id: bigint): string {
  return id.toString(16).padStart(16, '0')
}
