import { normalMac } from '../core/address.ts'
import { describeUnlisted } from '../core/spelling.ts'
import type { Config } from './config.ts'
import { type Mistake, wrong } from './mistake.ts'

/** What is wrong with which machines boot from the network. */
export function findNetbootMistakes({ netboot, nodes, hosts }: Config): readonly Mistake[] {
  const known = [...nodes, ...hosts].map(({ name }) => name)
  const seen = new Set<string>()
  return netboot.machines.flatMap(({ machine }, index) => {
    const path = ['netboot', 'machines', index, 'machine']
    const key = normalMac(machine) ?? machine
    const found: Mistake[] = []
    if (seen.has(key)) found.push(wrong(path, `${machine} is listed twice`))
    seen.add(key)
    if (normalMac(machine) === undefined && !known.includes(machine))
      found.push(wrong(path, describeUnlisted([machine], known, ['node or host', 'nodes or hosts'])))
    return found
  })
}
