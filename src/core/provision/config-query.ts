import { type Claim, readClaim } from './question.ts'

/** What a request for a configuration says. */
export interface ConfigQuery {
  readonly claim: Claim
  /** Variables that Talos had no value for, in lower case: it has waited 90 s for them, and does so at each try. */
  readonly missing: readonly string[]
}

/**
 * Reads the query of a request, or the form of a device flow: both name what they claim alike. Of a name that stands there
 * twice the first counts.
 */
export function readConfigQuery(text: string): ConfigQuery {
  const said = new URLSearchParams(text)
  const claim = readClaim({
    uuid: said.get('uuid'),
    mac: said.get('mac'),
    serial: said.get('serial'),
    hostname: said.get('hostname'),
  })
  const missing = [...said.values()].flatMap((value) => /\$\{([a-z]+)\}/i.exec(value)?.[1]?.toLowerCase() ?? [])
  return { claim, missing: [...new Set(missing)] }
}

/** Two claims of one machine: the second says more where the first says nothing. Undefined where they contradict each other. */
export function agreedClaim(one: Claim, other: Claim): Claim | undefined {
  const fits = (['uuid', 'mac'] as const).every(
    (field) => one[field] === undefined || other[field] === undefined || one[field] === other[field],
  )
  if (!fits) return undefined
  return {
    uuid: one.uuid ?? other.uuid,
    mac: one.mac ?? other.mac,
    serial: one.serial ?? other.serial,
    hostname: one.hostname ?? other.hostname,
  }
}
