import { ConnectError } from '@connectrpc/connect'
import { type EtcdFacts, type Observed, observed, notObserved } from '../../core/cluster/cluster.ts'
import { notWithin } from '../../core/duration.ts'
import { messageOf } from '../../core/errors.ts'
import {
  EtcdMemberAlarm_AlarmType as AlarmType,
  EtcdMemberAlarm_AlarmTypeSchema as AlarmTypeSchema,
  type EtcdAlarmListResponse,
  type ServiceListResponse,
} from './gen/machine_pb.ts'
import type { Session } from './session.ts'
import { brokeOff } from './trouble.ts'

/**
 * Without a quorum the list of members takes etcd some seconds to refuse, and where etcd is not up at all Talos never
 * answers, in ms. The rest of the observation must not be lost over it.
 */
const answersWithin = 2_000

/** The time limit once Talos reports that the etcd service is not running, in ms. */
const answersSoon = 250

/**
 * The member's own view. That etcd does not answer is a fact too, and never thrown; an answer that was lost on its way is
 * none, and is.
 */
export async function readEtcd(
  { machine }: Pick<Session, 'machine'>,
  services: Promise<ServiceListResponse>,
): Promise<Observed<EtcdFacts>> {
  const limit = AbortSignal.timeout(answersWithin)
  const stopped = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let state = ''
  services.then(
    ({ messages }) => {
      state = messages[0]?.services.find(({ id }) => id === 'etcd')?.state ?? 'missing'
      if (state !== 'Running') timer = setTimeout(() => stopped.abort(), answersSoon)
    },
    () => {
      // The caller that reads the services reports it.
    },
  )
  try {
    const soon = { signal: AbortSignal.any([limit, stopped.signal]) }
    const [status, members, alarms] = await Promise.all([
      machine.etcdStatus({}, soon),
      machine.etcdMemberList({}, soon),
      machine.etcdAlarmList({}, soon),
    ])
    const own = status.messages[0]?.memberStatus
    if (!own) return notObserved('its etcd reports no status')
    return observed({
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
    if (stopped.signal.aborted) return notObserved(`its etcd is not running: ${state}`)
    if (limit.aborted) return notObserved(`its etcd did not answer ${notWithin(answersWithin)}`)
    if (!(error instanceof ConnectError)) return notObserved(messageOf(error))
    if (brokeOff(error)) throw error
    return notObserved(error.rawMessage)
  } finally {
    clearTimeout(timer)
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
