import type { Architecture } from '../release/image.ts'

/** What network firmware is like: which processor it starts programs for, how it loads them, what it trips over. */

/** A client by its number in option 93 (RFC 4578, 2.1; IANA: Processor Architecture Types). */
export interface Firmware {
  /** In words, for people. */
  readonly name: string
  /** Which images it can start; undefined: none of ours. */
  readonly architecture: Architecture | undefined
  /** Over which protocol it loads them. */
  readonly loads: 'tftp' | 'http'
  /** Why it can start none of ours. */
  readonly why?: string
}

const needsUefi = 'a UKI is started by UEFI firmware: switch the machine from BIOS (CSM, legacy) to UEFI'
const wrongProcessor = 'Talos has no UKI for this processor'

/**
 * The types that firmware of PCs, servers and boards tells. 64-bit firmware tells 7, by the letter "EBC"; few tell 9, which
 * the letter has for x64: EDK2 and its descendants had them the other way round (RFC 4578 errata; dnsmasq's man page knows
 * X86-64_EFI as both).
 */
const firmwares: Readonly<Record<number, Firmware>> = {
  0: { name: 'BIOS', architecture: undefined, loads: 'tftp', why: needsUefi },
  6: { name: 'UEFI of 32 bits', architecture: undefined, loads: 'tftp', why: wrongProcessor },
  7: { name: 'UEFI x64', architecture: 'amd64', loads: 'tftp' },
  9: { name: 'UEFI x64', architecture: 'amd64', loads: 'tftp' },
  10: { name: 'UEFI ARM of 32 bits', architecture: undefined, loads: 'tftp', why: wrongProcessor },
  11: { name: 'UEFI ARM64', architecture: 'arm64', loads: 'tftp' },
  15: { name: 'UEFI of 32 bits, HTTP boot', architecture: undefined, loads: 'http', why: wrongProcessor },
  16: { name: 'UEFI x64, HTTP boot', architecture: 'amd64', loads: 'http' },
  17: { name: 'UEFI x64, HTTP boot', architecture: 'amd64', loads: 'http' },
  18: { name: 'UEFI ARM of 32 bits, HTTP boot', architecture: undefined, loads: 'http', why: wrongProcessor },
  19: { name: 'UEFI ARM64, HTTP boot', architecture: 'arm64', loads: 'http' },
  20: { name: 'BIOS, HTTP boot', architecture: undefined, loads: 'http', why: needsUefi },
}

/** What a number of option 93 stands for. */
export function firmwareOf(type: number): Firmware {
  return (
    firmwares[type] ?? {
      name: `firmware of type ${type}`,
      architecture: undefined,
      loads: 'tftp',
      why: `it tells processor type ${type}, for which there is no image`,
    }
  )
}

/** The number that UEFI firmware tells, for whoever plays its part. */
export function typeOf(architecture: Architecture, loads: Firmware['loads']): number {
  if (loads === 'http') return architecture === 'amd64' ? 16 : 19
  return architecture === 'amd64' ? 7 : 11
}

/**
 * What EDK2 and what descends from it make of an OFFER (MdeModulePkg and NetworkPkg, read and seen on the wire of OVMF
 * 2022.11):
 *
 * - One without option 54 is dropped without a word: DhcpHandleSelect takes no typed offer from nobody.
 * - `yiaddr` of 0 and option 60 `PXEClient` make it one of a proxy.
 * - With option 43 that holds tag 6 and a boot file it is used as it is. Without option 43 the client asks again at port
 *   4011, and takes the file of that answer alone.
 * - Option 13 takes the place of asking the TFTP server for the size. It ends at 32 MiB, so it is never told for a UKI.
 * - It hears broadcasts to 255.255.255.255, and none to the broadcast address of its subnet.
 */
export const discoveryControl = Uint8Array.of(6, 1, 8, 255)

/** Makers of network cards whose first three bytes tell what kind of machine it is (IEEE's list, and QEMU's own). */
const makers: Readonly<Record<string, string>> = {
  '52:54:00': 'QEMU',
  'bc:24:11': 'Proxmox',
  '00:0c:29': 'VMware',
  '00:50:56': 'VMware',
  '08:00:27': 'VirtualBox',
  '00:15:5d': 'Hyper-V',
  '00:11:32': 'Synology',
  'b8:27:eb': 'Raspberry Pi',
  'dc:a6:32': 'Raspberry Pi',
  'e4:5f:01': 'Raspberry Pi',
  'd8:3a:dd': 'Raspberry Pi',
  '2c:cf:67': 'Raspberry Pi',
}

/** Who made the network card, where that says something; `mac` as `normalMac` writes it. */
export function makerOf(mac: string): string | undefined {
  return makers[mac.slice(0, 8)]
}
