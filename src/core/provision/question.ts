import { normalMac } from '../address.ts'

/** How a machine gets its configuration. */
export type Way = 'plain' | 'device-flow' | 'maintenance'

export const ways: readonly Way[] = ['plain', 'device-flow', 'maintenance']

/**
 * What a machine says of itself when it asks for its configuration. Anyone may claim anything: it identifies, and proves
 * nothing. Absent: it did not say, or Talos had no value for the variable.
 */
export interface Claim {
  /** Of its firmware, in lower case. */
  readonly uuid?: string | undefined
  /** As `normalMac` writes it: of its first card by name, which need not be the one that it asks through. */
  readonly mac?: string | undefined
  readonly serial?: string | undefined
  readonly hostname?: string | undefined
}

/** A machine asks for its configuration. */
export interface ConfigQuestion {
  readonly claim: Claim
  /** Where it asks from: IPv4 as `192.168.0.21`, IPv6 as RFC 5952 writes it. */
  readonly address: string
  /**
   * How it asks. `plain`: by GET, and nothing else; where its way is to be maintenance it is then told to `introduce`
   * itself, whatever was approved. `device-flow`: with a code. `maintenance`: its API answers, and its configuration would
   * be applied there.
   */
  readonly way: Way
  /** The device flow that it begins, or goes on with. */
  readonly flow?: string | undefined
  /** It is the same request, which was held: no new try. */
  readonly isHeld?: boolean | undefined
}

/** The longest serial number and hostname that are kept, in characters. */
const longest = 64

/**
 * Reads a claim from what stands in a request. A variable that Talos could not resolve arrives as it was written,
 * `${hostname}`, after 90 s (siderolabs/talos, metal/url/url.go), and says nothing; neither does what has no such form,
 * nor a UUID that many boards have, as one of zeros or of ones (talos#8804).
 */
export function readClaim(given: Readonly<Partial<Record<keyof Claim, string | null | undefined>>>): Claim {
  const said = (value: string | null | undefined) =>
    value === null || value === undefined || value.includes('${') ? '' : value.trim()
  const uuid = said(given.uuid).toLowerCase()
  const plain = (value: string) =>
    /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value) ? value.slice(0, longest) : undefined
  return {
    uuid: isUuid(uuid) ? uuid : undefined,
    mac: normalMac(said(given.mac)),
    serial: plain(said(given.serial)),
    hostname: plain(said(given.hostname)),
  }
}

/** What firmware has that was never told one, in both orders of bytes (AMI's default): boards share it. */
const ofMany = new Set(['03000200-0400-0500-0006-000700080009', '00020003-0004-0005-0006-000700080009'])

function isUuid(text: string): boolean {
  const isOne = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) && !/^[0-]+$|^[f-]+$/.test(text)
  return isOne && !ofMany.has(text)
}

/** What a machine is known by: its UUID, else its MAC address. Undefined: it says neither, and is nobody. */
export function idOf({ uuid, mac }: Claim): string | undefined {
  return uuid ?? mac
}
