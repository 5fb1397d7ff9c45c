import { areaOf, type Check } from '../core/doctor/check.ts'
import type { Settings } from '../main/settings.ts'
import { examineDirectly } from './direct-doctor.ts'

/** What of the doctor's checks is about the configuration. */
const only = [
  'factory',
  'share.write',
  'share.tftp',
  'node.api',
  'node.role',
  'node.identity',
  'node.wake',
  'kubernetes',
  'ups.status',
  'ups.login',
  'host.shutdown',
  'channel.reach',
] as const

/** What is not as the configuration says. */
export interface OnlineFault {
  /** As people find it in the file: `nodes (cp-1).role`. */
  readonly setting: string
  readonly message: string
}

export interface OnlineAnswer {
  readonly faults: readonly OnlineFault[]
  readonly warnings: readonly OnlineFault[]
}

/**
 * Asks everything that the configuration names whether it is what the configuration says, as `caretaker doctor` does. Only
 * asks; nothing is changed anywhere.
 */
export async function checkOnline(settings: Settings, signal: AbortSignal): Promise<OnlineAnswer> {
  const { checks } = await examineDirectly(settings, { only, mayLack: true }, signal)
  const told = (verdict: Check['verdict']) =>
    checks
      .filter((check) => check.verdict === verdict)
      .map((check): OnlineFault => ({ setting: settingOf(check), message: check.reason }))
  return { faults: told('failed'), warnings: told('warning') }
}

/** The setting that a check is about, as people find it in the file. */
function settingOf(check: Check): string {
  const { id, subject } = check
  const settings: Readonly<Record<string, string>> = {
    'factory.reach': 'factory.url',
    'factory.schematic': `schematic (${subject})`,
    'share.write': 'share.directory',
    'share.tftp': 'share.server',
    'node.api': `nodes (${subject}).address`,
    'node.role': `nodes (${subject}).role`,
    'node.identity': `nodes (${subject})`,
    'node.wake': `nodes (${subject}).mac`,
    'host.shutdown': `hosts (${subject}).shutdown`,
    'ups.status': `upses (${subject})`,
    'ups.login': `upses (${subject}).user`,
    'channel.reach': `notifications.channels.${subject}`,
  }
  return settings[id.split(':', 1)[0]!] ?? (areaOf(check) === 'kubernetes' ? 'cluster.kubeconfig' : areaOf(check))
}
