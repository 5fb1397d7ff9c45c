import { legacyIn, type MachineConfig, ofKind, valueAt } from '../../../src/core/machine-config/document.ts'
import type { Value } from '../../../src/core/machine-config/tree.ts'
import type { LabMachineOptions, LabMember } from './types.ts'

export interface Installation extends LabMember {
  readonly image: string
  /** Undefined where a selector chooses it. */
  readonly disk: string | undefined
  /** It has its hostname in its configuration, and need not know its identity for it. */
  readonly isNamed: boolean
}

/** What a complete configuration makes of a machine. */
export function installationOf(config: MachineConfig, options: LabMachineOptions): Installation {
  const legacy = legacyIn(config)
  const at = (...path: readonly string[]) => valueAt(legacy, ...path)
  const unattended = ofKind(config, 'UnattendedInstallConfig')
  const hostname = ofKind(config, 'HostnameConfig')?.['hostname'] ?? at('machine', 'network', 'hostname')
  const { uuid, serial, mac, address } = options
  const image = text(at('machine', 'install', 'image')) ?? text(valueAt(unattended, 'installer', 'image')) ?? ''
  const found = options.resolveImage(image)
  const match = text(valueAt(unattended, 'provisioning', 'diskSelector', 'match'))
  return {
    name: text(hostname) ?? options.hostname ?? `talos-${uuid.slice(0, 3)}-${uuid.slice(-3)}`,
    role: at('machine', 'type') === 'controlplane' ? 'controlplane' : 'worker',
    address,
    mac,
    uuid,
    serial,
    config,
    image,
    disk: text(at('machine', 'install', 'disk')) ?? /^disk\.dev_path == "([^"]+)"$/.exec(match ?? '')?.[1],
    isNamed: text(hostname) !== undefined,
    version: found?.version ?? options.version,
    schematic: found?.schematic ?? options.schematic,
  }
}

function text(value: Value | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
