import { createHash } from 'node:crypto'
import { digestBytes, snapshotOf } from './etcd-database.ts'

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
  /** The release of etcd that it ran last, `3.6.12`. */
  readonly version: string
}

/** The lab's etcd: who is a member and who of them runs. Quorum is floor(n/2)+1 of the voters. */
export interface LabEtcd {
  /** A new voter at this IP address. It does not run yet; joining twice is harmless. */
  join(name: string, peerAddress: string): void
  /** Starts or stops a member's process. A leader that stops is replaced while quorum remains. */
  setRunning(name: string, running: boolean): void
  /**
   * Starts a member's process of this release of etcd. One that is older than the data is refused, and its process
   * ends: why.
   */
  start(name: string, version: string): string | undefined
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
  /** How many of them this member has carried out: all, or fewer by what `setLag` says. */
  raftApplied(name: string): bigint
  /** Lets a member be so many entries behind (a test's doing). */
  setLag(name: string, entries: number): void
  /**
   * What the data are written for, `3.6.0`: the minor of the oldest etcd, as soon as all members run. It rises and never
   * falls (etcd-io/etcd server/etcdserver/version/monitor.go). Undefined before that.
   */
  readonly storageVersion: string | undefined
  /** Bytes, as the status tells them; a test sets what it likes, and the snapshot keeps its size. */
  dbSize: bigint
  /** The whole database as a snapshot: buckets, and at the end the sha256 of all that is before it. */
  snapshot(): Buffer
}

/** An etcd without members. */
export function createEtcd(): LabEtcd {
  const members = new Map<string, LabEtcdMember>()
  const alarms = new Map<string, LabEtcdAlarm>()
  const lags = new Map<string, bigint>()
  const listeners = new Set<() => void>()
  let leader: string | undefined
  let raftIndex = 100_000n
  let raftTerm = 1n
  let storageVersion: string | undefined
  let dbSize: bigint | undefined
  let ownSize: bigint | undefined
  const upgradeLock = createMutex()

  const voters = () => [...members.values()].filter((member) => !member.learner)
  const running = () => voters().filter((member) => member.running)
  const hasQuorum = () => members.size > 0 && running().length >= Math.floor(voters().length / 2) + 1

  function elect(next: string | undefined): void {
    if (next !== undefined && next !== leader) raftTerm++
    leader = next
  }

  const alarmed = () =>
    [...alarms].flatMap(([name, alarm]) => {
      const member = members.get(name)
      return member ? [{ member, alarm }] : []
    })

  const snapshot = () =>
    snapshotOf({ members: [...members.values()], alarms: alarmed(), index: raftIndex, term: raftTerm, storageVersion })

  function changed(): void {
    ownSize = undefined
    if (!hasQuorum()) elect(undefined)
    else if (!running().some((member) => member.name === leader)) elect(running()[0]?.name)
    if (leader !== undefined) raftIndex++
    raiseStorageVersion()
    for (const listener of listeners) listener()
  }

  function raiseStorageVersion(): void {
    const all = [...members.values()]
    if (leader === undefined || !all.every((member) => member.running)) return
    const lowest = all.map(({ version }) => storageOf(version)).toSorted(byMinor)[0]
    if (lowest !== undefined && (storageVersion === undefined || byMinor(storageVersion, lowest) < 0))
      storageVersion = lowest
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
      members.set(name, draftMember(name, peerAddress))
      changed()
    },
    setRunning: (name, running) => update(name, { running }),
    start(name, version) {
      if (storageVersion !== undefined && byMinor(version, storageVersion) < 0) {
        update(name, { running: false, version })
        return whyNoDowngrade(version, storageVersion)
      }
      update(name, { running: true, version })
      return undefined
    },
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
    alarms: alarmed,
    leader: () => leader,
    forfeit(name) {
      if (leader !== name) return ''
      const next = running().find((member) => member.name !== name)
      if (!next) return ''
      elect(next.name)
      changed()
      return next.name
    },
    tryLockUpgrade: upgradeLock,
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
    raftApplied: (name) => raftIndex - (lags.get(name) ?? 0n),
    setLag: (name, entries) => lags.set(name, BigInt(entries)),
    get storageVersion() {
      return storageVersion
    },
    get dbSize() {
      return dbSize ?? (ownSize ??= BigInt(snapshot().length - digestBytes))
    },
    set dbSize(bytes) {
      dbSize = bytes
    },
    snapshot,
  }
}

/** A voter that does not run yet. */
function draftMember(name: string, peerAddress: string): LabEtcdMember {
  return {
    id: memberId(name),
    name,
    peerUrls: [`https://${peerAddress}:2380`],
    clientUrls: [`https://${peerAddress}:2379`],
    running: false,
    learner: false,
    version: '3.6.12',
  }
}

/** A lock for one at a time. Taking it returns its release, undefined if it is taken. */
function createMutex(): () => (() => void) | undefined {
  let taken = false
  return () => {
    if (taken) return undefined
    taken = true
    return () => {
      taken = false
    }
  }
}

/** What an etcd that is older than the data says when it ends. */
function whyNoDowngrade(version: string, storageVersion: string): string {
  const determined = storageVersion.split('.').slice(0, 2).join('.')
  return `cluster cannot be downgraded (current version: ${version} is lower than determined cluster version: ${determined})`
}

function memberId(name: string): bigint {
  const top = 1n << 63n
  return createHash('sha256').update(`etcd/${name}`).digest().readBigUInt64BE() | top | 1n
}

/** The version of the data that a release of etcd writes: its minor alone. */
function storageOf(version: string): string {
  return version.replace(/\.\d+$/, '.0')
}

function byMinor(one: string, other: string): number {
  const [a, b] = [one, other].map((version) => version.split('.').map(Number))
  return a![0]! - b![0]! || a![1]! - b![1]!
}
