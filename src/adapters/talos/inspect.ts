import { ConnectError } from '@connectrpc/connect'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import type { NodeClock, NodeInspection, NodeLink } from '../../core/doctor/node.ts'
import { absentOrRefused, asRecord, readFile, readOptional, readSpecs, textOf } from './resources.ts'
import type { Session } from './session.ts'

const timeStatus = { namespace: 'runtime', type: 'TimeStatuses.v1alpha1.talos.dev', id: 'node' } as const
const linkStatuses = { namespace: 'network', type: 'LinkStatuses.net.talos.dev' } as const
const ethernetStatuses = { namespace: 'network', type: 'EthernetStatuses.net.talos.dev' } as const

/** A node asks its time server for this long, in ms: less than one question to it may take. */
const asksServerFor = 4_000

/** What is not observed all the time: the node's clock beside ours, and its network cards. */
export async function inspectNode(session: Session): Promise<NodeInspection> {
  const [clock, links] = await Promise.all([readClock(session), readLinks(session)])
  return { clock, links }
}

async function readClock(session: Session): Promise<NodeClock> {
  const [status, asked] = await Promise.all([readOptional(session, timeStatus), askTime(session)])
  const { synced, syncDisabled } = asRecord(status)
  return {
    synced: typeof synced === 'boolean' ? synced : undefined,
    ...(syncDisabled === true ? { isDisabled: true } : {}),
    // One that keeps no time has no server to ask.
    ...(asked.trouble === undefined || syncDisabled === true ? {} : { trouble: asked.trouble }),
    told: asked.told ?? (await readKernelTime(session)),
  }
}

/** The node answers with its time when its server has told it its own (internal/app/machined … v1alpha1_time.go). */
async function askTime({ time }: Session): Promise<Pick<NodeClock, 'told' | 'trouble'>> {
  const from = Date.now()
  try {
    const { messages } = await time.time({}, { timeoutMs: asksServerFor })
    const local = messages[0]?.localtime
    return local ? { told: { at: timestampMs(local), from, to: Date.now() } } : {}
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error
    return absent(error) ? {} : { trouble: error.rawMessage.replace(/^error (querying|validating) /, '') }
  }
}

function absent(error: unknown): boolean {
  try {
    return absentOrRefused(error) === undefined
  } catch {
    return false
  }
}

/**
 * When it booted and for how long it has run, to the second: both go by its wall clock. Only os:admin may read files.
 */
async function readKernelTime(session: Session): Promise<NodeClock['told']> {
  const from = Date.now()
  const [uptime, stat] = await Promise.all([readFile(session, '/proc/uptime'), session.machine.systemStat({})])
  const seconds = Number(uptime?.toString('utf8').split(' ')[0])
  const boot = Number(stat.messages[0]?.bootTime ?? 0n)
  if (!Number.isFinite(seconds) || uptime === undefined || boot === 0) return undefined
  return { at: (boot + seconds) * 1_000, from: from - 1_000, to: Date.now() + 1_000 }
}

/** The physical network cards. */
async function readLinks(session: Session): Promise<readonly NodeLink[] | undefined> {
  const [links, ethernet] = await Promise.all([readSpecs(session, linkStatuses), readSpecs(session, ethernetStatuses)])
  if (links === undefined) return undefined
  return [...links].flatMap(([name, spec]): NodeLink[] => {
    const { type, kind, hardwareAddr, permanentAddr, linkState } = asRecord(spec)
    if (type !== 'ether' || (typeof kind === 'string' && kind !== '')) return []
    const macs = [hardwareAddr, permanentAddr].flatMap((mac) => textOf(mac)?.toLowerCase() ?? [])
    const card = ethernet?.get(name)
    const { wakeOnLAN } = asRecord(card)
    const wakesBy = Array.isArray(wakeOnLAN) ? wakeOnLAN.map(String) : []
    return [
      { name, macs: [...new Set(macs)], isUp: linkState === true, wakesBy: card === undefined ? undefined : wakesBy },
    ]
  })
}
