import { normalMac } from '../../core/address.ts'
import { readClaim } from '../../core/provision/question.ts'
import type { MemberLook } from '../../core/provision/seen.ts'
import { asRecord, machineStatus, readOptional, readSpecs, textOf } from './resources.ts'
import type { Session } from './session.ts'
import { surveyMachine } from './survey.ts'

const system = {
  namespace: 'hardware',
  type: 'SystemInformations.hardware.talos.dev',
  id: 'systeminformation',
} as const
const links = { namespace: 'network', type: 'LinkStatuses.net.talos.dev' } as const

/** What a node tells of which machine it is, and how far it has come. */
export async function identifyMember(session: Session, signal: AbortSignal): Promise<MemberLook> {
  signal.throwIfAborted()
  const [{ name, role, version, schematic }, hardware, status, cards] = await Promise.all([
    surveyMachine(session),
    readOptional(session, system).then(asRecord),
    readOptional(session, machineStatus).then(asRecord),
    readSpecs(session, links),
  ])
  return {
    uuid: readClaim({ uuid: textOf(hardware['uuid']) }).uuid,
    name,
    role,
    stage: textOf(status['stage']),
    version,
    schematic,
    macs: [...(cards ?? [])].flatMap(([, spec]) => macOf(asRecord(spec))),
  }
}

/** Of a card, and of nothing that is made of cards. */
export function macOf({ type, kind, permanentAddr, hardwareAddr }: Record<string, unknown>): readonly string[] {
  if (type !== 'ether' || (textOf(kind) ?? '') !== '') return []
  const mac = normalMac(textOf(permanentAddr) ?? textOf(hardwareAddr) ?? '')
  return mac === undefined ? [] : [mac]
}
