import { normalMac } from '../../core/address.ts'
import { agreeing, listed } from '../../core/count.ts'
import { AgentError } from '../../core/errors.ts'
import type { Boot } from '../../core/netboot/boots.ts'
import { claimOf } from '../../core/provision/claimants.ts'
import { readCode } from '../../core/provision/code.ts'
import type { Claimant, Machine } from '../../core/provision/machine.ts'
import { notFound } from '../running-agent.ts'

/** A machine as a person has named it. */
export type Named =
  | { readonly kind: 'known'; readonly machine: Machine; readonly claimant: Claimant | undefined }
  | { readonly kind: 'seen'; readonly boot: Boot }

export interface Nameable {
  readonly machines: readonly Machine[]
  /** Those that were only seen booting. */
  readonly seen: readonly Boot[]
  nameOf(machine: Machine): string
}

/**
 * By its code, name, UUID, MAC address, address or serial number. What means several is refused: an order must not hit another machine.
 *
 * @throws AgentError `not-found`; `misconfigured` where several are meant
 */
export function findNamed(text: string, { machines, seen, nameOf }: Nameable): Named {
  const code = readCode(text)
  for (const machine of machines) {
    const claimant = machine.claimants.find((one) => one.code === code)
    if (claimant) return { kind: 'known', machine, claimant }
  }
  const [mac, lower] = [normalMac(text), text.toLowerCase()]
  const tests: readonly ((machine: Machine) => boolean)[] = [
    (machine) => machine.id === lower || machine.id === mac,
    (machine) => nameOf(machine) === text,
    (machine) => mac !== undefined && claimOf(machine).mac === mac,
    ({ claimants, delivery }) => delivery?.address === text || claimants.some(({ address }) => address === text),
    ({ claimants }) => claimants.some(({ claim }) => claim.serial === text),
  ]
  for (const test of tests) {
    const found = machines.filter(test)
    const [machine] = found
    if (found.length > 1)
      throw new AgentError(
        'misconfigured',
        `${text} may be ${found.map(({ id }) => id).join(' or ')}: name it by its UUID or its code`,
      )
    if (machine) return { kind: 'known', machine, claimant: undefined }
  }
  const boot = seen.find(
    (one) => one.machine === text || one.mac === (mac ?? '') || one.uuid === lower || one.address === text,
  )
  if (boot) return { kind: 'seen', boot }
  const meant = beginningWith(text, machines)
  if (meant.length > 0)
    throw new AgentError(
      'not-found',
      `${text} is where ${listed(meant)} ${agreeing(meant, 'begins', 'begin')}: name it whole`,
    )
  throw notFound(
    'machine',
    text,
    machines.map((machine) => ({ name: nameOf(machine) })),
  )
}

/** In characters: what is shorter is where many begin. */
const shortestBeginning = 4

/** UUIDs, MAC addresses and codes that begin with a text: whoever types a part of one means no machine that is called so. */
export function beginningWith(text: string, machines: readonly Machine[]): readonly string[] {
  const bare = (one: string) => one.toLowerCase().replaceAll(/[-:]/g, '')
  const beginning = bare(text)
  if (beginning.length < shortestBeginning) return []
  const all = machines.flatMap(({ id, claimants }) => [
    id,
    ...claimants.flatMap(({ claim: { uuid, mac }, code }) => [uuid, mac, code].filter((one) => one !== undefined)),
  ])
  return [...new Set(all)].filter((one) => bare(one).startsWith(beginning)).slice(0, 4)
}
