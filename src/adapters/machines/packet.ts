import { normalMac } from '../../core/address.ts'

/** Six times FF, then sixteen times the address: 102 bytes (AMD, Magic Packet Technology, 1995), and a password after it. */
export function magicPacket(mac: Buffer, secureOn: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.alloc(6, 0xff), ...Array.from({ length: 16 }, () => mac), secureOn])
}

/** The six bytes of `00:11:32:ab:cd:ef`, `00-11-32-AB-CD-EF` or `001132abcdef`; undefined for anything else. */
export function parseMac(text: string): Buffer | undefined {
  const mac = normalMac(text)
  return mac === undefined ? undefined : Buffer.from(mac.replaceAll(':', ''), 'hex')
}

/**
 * A SecureOn password: six bytes written as a MAC address, or four written as an IPv4 address, which is how `ether-wake -p`
 * and Wireshark's dissector know it. Undefined for anything else.
 */
export function parseSecureOn(text: string): Buffer | undefined {
  const parts = /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) ? text.split('.').map(Number) : undefined
  if (parts) return parts.every((part) => part <= 255) ? Buffer.from(parts) : undefined
  return parseMac(text)
}
