import { createHash } from 'node:crypto'

/** What etcd complains of (etcd-io/etcd AlarmType). */
export type LabEtcdAlarm = 'NOSPACE' | 'CORRUPT'

/** One member of the lab's etcd. */
export interface LabEtcdMember {
  /** 64 bits and above 2^53, as real ids are: whoever puts it into a JavaScript number gets another member. */
  readonly id: bigint
  readonly name: string
  readonly peerUrls: string[]
  readonly clientUrls: string[]
  /** Its process runs (with or without quorum). */
  readonly running: boolean
  /** A learner gets the data and has no vote. */
  readonly learner: boolean
}

/** The lab's etcd: who is a member and who of them runs. Quorum is floor(n/2)+1 of the voters. */
export interface LabEtcd {
  /** A new voter at this IP address. It does not run yet; joining twice is harmless. */
  join(name: string, peerAddress: string): void
  /** Starts or stops a member's process. A leader that stops is replaced while quorum remains. */
  setRunning(name: string, running: boolean): void
  /** Makes a member a learner (a test's doing), or a voter again. */
  setLearner(name: string, learner: boolean): void
  /** Raises an alarm on a member (a test's doing), or disarms it. */
  setAlarm(name: string, alarm: LabEtcdAlarm | undefined): void
  hasQuorum(): boolean
  members(): readonly LabEtcdMember[]
  /** The member of this name. */
  member(name: string): LabEtcdMember | undefined
  alarms(): readonly { readonly member: LabEtcdMember; readonly alarm: LabEtcdAlarm }[]
  /** The leader's name; undefined without quorum. */
  leader(): string | undefined
  /** Moves the leadership away from this member: the new leader's name, '' if it did not lead. */
  forfeit(name: string): string
  /** The lock that Talos' own upgrade takes for its checks (`etcdUpgradeMutex`): its release, undefined if taken. */
  tryLockUpgrade(): (() => void) | undefined
  /** Called after any change. Returns what takes the listener off again. */
  onChange(listener: () => void): () => void
  /** Entries in the log so far; grows with every change that quorum allows. */
  readonly raftIndex: bigint
  /** Elections so far. */
  readonly raftTerm: bigint
  /** Bytes. */
  readonly dbSize: bigint
  /** The whole database as a snapshot: pages, and at the end the sha256 of all that is before it. */
  snapshot(): Buffer
}

/** An etcd without members. */
export function createEtcd(): LabEtcd {
  const members = new Map<string, LabEtcdMember>()
  const alarms = new Map<string, LabEtcdAlarm>()
  const listeners = new Set<() => void>()
  let leader: string | undefined
  let raftIndex = 1000n
  let raftTerm = 1n
  let upgrading = false

  const voters = () => [...members.values()].filter((member) => !member.learner)
  const running = () => voters().filter((member) => member.running)
  const hasQuorum = () => members.size > 0 && running().length >= Math.floor(voters().length / 2) + 1

  function elect(next: string | undefined): void {
    if (next !== undefined && next !== leader) raftTerm++
    leader = next
  }

  function changed(): void {
    if (!hasQuorum()) elect(undefined)
    else if (!running().some((member) => member.name === leader)) elect(running()[0]?.name)
    if (leader !== undefined) raftIndex++
    for (const listener of listeners) listener()
  }

  function update(name: string, change: Partial<LabEtcdMember>): void {
    const member = members.get(name)
    if (!member) throw new Error(`etcd has no member ${name}`)
    const before = JSON.stringify([member.running, member.learner])
    const next = { ...member, ...change }
    members.set(name, next)
    if (JSON.stringify([next.running, next.learner]) !== before) changed()
  }

  return {
    join(name, peerAddress) {
      if (members.has(name)) return
      members.set(name, {
        id: memberId(name),
        name,
        peerUrls: [`https://${peerAddress}:2380`],
        clientUrls: [`https://${peerAddress}:2379`],
        running: false,
        learner: false,
      })
      changed()
    },
    setRunning: (name, running) => update(name, { running }),
    setLearner: (name, learner) => update(name, { learner }),
    setAlarm(name, alarm) {
      if (!members.has(name)) throw new Error(`etcd has no member ${name}`)
      if (alarm) alarms.set(name, alarm)
      else alarms.delete(name)
      changed()
    },
    hasQuorum,
    members: () => [...members.values()],
    member: (name) => members.get(name),
    alarms: () =>
      [...alarms].flatMap(([name, alarm]) => {
        const member = members.get(name)
        return member ? [{ member, alarm }] : []
      }),
    leader: () => leader,
    forfeit(name) {
      if (leader !== name) return ''
      const next = running().find((member) => member.name !== name)
      if (!next) return ''
      elect(next.name)
      changed()
      return next.name
    },
    tryLockUpgrade() {
      if (upgrading) return undefined
      upgrading = true
      return () => {
        upgrading = false
      }
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    get raftIndex() {
      return raftIndex
    },
    get raftTerm() {
      return raftTerm
    },
    get dbSize() {
      return BigInt(databaseOf(members).length)
    },
    snapshot() {
      const database = databaseOf(members)
      return Buffer.concat([database, createHash('sha256').update(database).digest()])
    },
  }
}

function memberId(name: string): bigint {
  const top = 1n << 63n
  return createHash('sha256').update(`etcd/${name}`).digest().readBigUInt64BE() | top | 1n
}

/**
 * Stands for the bbolt file: two pages of 4096 bytes that follow from who is a member, so that a test can foretell
 * them.
 */
function databaseOf(members: ReadonlyMap<string, LabEtcdMember>): Buffer {
  const database = Buffer.alloc(8192, 0)
  database.write([...members.keys()].join(','))
  return database
}
