import { createHash } from 'node:crypto'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { LabEtcdAlarm, LabEtcdMember } from './etcd.ts'
import { bboltOf, type Bucket } from './bbolt.ts'

/** What there is to write down. */
export interface EtcdState {
  readonly members: readonly LabEtcdMember[]
  readonly alarms: readonly { readonly member: LabEtcdMember; readonly alarm: LabEtcdAlarm }[]
  /** The last entry of the log that is in the database. */
  readonly index: bigint
  readonly term: bigint
  /** Undefined before the members have agreed. */
  readonly storageVersion: string | undefined
}

/** What is added to a database in a snapshot of it, in bytes. */
export const digestBytes = 32

/**
 * The whole database as a snapshot, with the buckets that etcd 3.6 makes (etcd-io/etcd server/storage/schema): a
 * database of bbolt, and at the end the sha256 of all that is before it.
 */
export function snapshotOf(state: EtcdState): Buffer {
  const database = bboltOf(bucketsOf(state), Number(state.index))
  return Buffer.concat([database, createHash('sha256').update(database).digest()])
}

function bucketsOf({ members, alarms, index, term, storageVersion }: EtcdState): Record<string, Bucket> {
  const voters = members.filter(({ learner }) => !learner).map(({ id }) => id)
  const learners = members.filter(({ learner }) => learner).map(({ id }) => id)
  // As text: JSON has no numbers of 64 bits in JavaScript.
  const confState = `{"voters":[${voters.join()}],${learners.length > 0 ? `"learners":[${learners.join()}],` : ''}"auto_leave":false}`
  const version: Bucket = storageVersion === undefined ? [] : [[text('storageVersion'), text(storageVersion)]]
  return {
    alarm: alarms.map(({ member, alarm }) => [alarmOf(member, alarm), Buffer.alloc(0)]),
    auth: [[text('authRevision'), uint64(1n)]],
    authRoles: [],
    authUsers: [],
    cluster: storageVersion === undefined ? [] : [[text('clusterVersion'), text(storageVersion)]],
    key: keysOf(members),
    lease: [],
    members: members.map((member) => [text(member.id.toString(16)), text(memberOf(member))]),
    members_removed: [],
    meta: [
      [text('confState'), text(confState)],
      [text('consistent_index'), uint64(index)],
      [text('term'), uint64(term)],
      ...version,
    ],
  }
}

function memberOf({ id, name, peerUrls, clientUrls, learner }: LabEtcdMember): string {
  const role = learner ? ',"isLearner":true' : ''
  const urls = `"peerURLs":${JSON.stringify(peerUrls)}${role},"name":${JSON.stringify(name)}`
  return `{"id":${id},${urls},"clientURLs":${JSON.stringify(clientUrls)}}`
}

/** Keys by revision (`mvccpb.KeyValue`), as the API server writes its nodes. */
function keysOf(members: readonly LabEtcdMember[]): Bucket {
  return members.map(({ name }, at) => {
    const revision = BigInt(at + 2)
    const writer = new BinaryWriter()
    writer.tag(1, WireType.LengthDelimited).string(`/registry/minions/${name}`)
    writer.tag(2, WireType.Varint).int64(revision).tag(3, WireType.Varint).int64(revision)
    writer.tag(4, WireType.Varint).int64(1n).tag(5, WireType.LengthDelimited).string('k8s\0')
    // The revision, an underscore, and its part.
    return [Buffer.concat([uint64(revision), text('_'), uint64(0n)]), writer.finish()]
  })
}

/** `AlarmMember`, which is the key. */
function alarmOf({ id }: LabEtcdMember, alarm: LabEtcdAlarm): Uint8Array {
  const kind = alarm === 'NOSPACE' ? 1 : 2
  return new BinaryWriter().tag(1, WireType.Varint).uint64(id).tag(2, WireType.Varint).int32(kind).finish()
}

const text = (content: string) => Buffer.from(content)

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}
