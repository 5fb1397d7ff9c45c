import type { z } from 'zod'
import { normalMac } from '../core/address.ts'
import { describeUnlisted } from '../core/spelling.ts'
import { checkImages, type ImagesTogether } from './images.ts'
import type { hostMachine, node } from './machine.ts'
import type { power, ups } from './power.ts'
import { name } from './scalars.ts'

/** A machine as it is given. */
export type Given = z.output<typeof node> | z.output<typeof hostMachine>

/** Checks across settings. Runs even if a setting is wrong by itself, so that all errors are reported at once. */
export function checkTogether(
  {
    nodes,
    hosts,
    upses,
    upgrade: { canary },
    power: { feed },
    ...others
  }: {
    nodes: readonly z.output<typeof node>[]
    hosts: readonly z.output<typeof hostMachine>[]
    upses: readonly z.output<typeof ups>[]
    upgrade: { canary?: { node: string } | undefined }
    power: Pick<z.output<typeof power>, 'feed'>
  } & ImagesTogether,
  context: z.RefinementCtx,
): void {
  const fault = (message: string, ...path: (string | number)[]) => context.addIssue({ code: 'custom', path, message })
  const all: { one: Given; where: [string, number] }[] = [
    ...nodes.map((one, index) => ({ one, where: ['nodes', index] as [string, number] })),
    ...hosts.map((one, index) => ({ one, where: ['hosts', index] as [string, number] })),
  ]
  for (const key of ['name', 'address', 'mac'] as const) {
    const taken = new Set<string>()
    for (const { one, where } of all) {
      // A machine may have several MAC addresses.
      const values = [one[key]].flat().flatMap((value) => comparable(value) ?? [])
      if (values.some((value) => taken.has(value)))
        fault(`another ${where[0] === 'nodes' ? 'node' : 'machine'} has this ${key}`, ...where, key)
      for (const value of values) taken.add(value)
    }
  }
  for (const [index, { label }] of upses.entries()) {
    if (upses.findIndex((other) => other.label === label) < index)
      fault(`another UPS is called ${label}: give this one another label`, 'upses', index, 'label')
  }
  for (const { one, where } of all) {
    checkFeed(one.feed, upses, (message, ...path) => fault(message, ...where, ...path))
    if (upses.length > 1 && !one.feed && !feed)
      fault('there are several UPSes: set feed here, or power.feed for all machines', ...where, 'feed')
    if (one.wake && !one.mac && !one.wake.powerOn) fault('needs a mac or wake.powerOn to be woken', ...where, 'wake')
  }
  checkFeed(feed, upses, (message, ...path) => fault(message, 'power', ...path))
  if (canary && name.safeParse(canary.node).success && !nodes.some((one) => one.name === canary.node))
    fault(describeUnlisted([canary.node], namesOf(nodes), ['node', 'nodes']), 'upgrade', 'canary', 'node')
  checkImages({ ...others, nodes }, fault)
  if (nodes.length > 0 && nodes.every(({ role }) => role === 'worker'))
    fault('name at least one control plane', 'nodes')
  for (const [index, { user, password, cutPower }] of upses.entries()) {
    if (cutPower && user === undefined) fault('needs a user and a password', 'upses', index, 'cutPower')
    if ((user === undefined) === (password === undefined)) continue
    const [given, lacking] = user === undefined ? (['password', 'user'] as const) : (['user', 'password'] as const)
    fault(`needs a ${lacking}, too`, 'upses', index, given)
  }
}

const namesOf = (all: readonly { readonly name: unknown }[]) =>
  all.flatMap(({ name: one }) => (typeof one === 'string' ? [one] : []))

function checkFeed(
  feed: Given['feed'],
  upses: readonly { label: string }[],
  fault: (message: string, ...path: string[]) => void,
): void {
  // A feed with the wrong shape has its own error already.
  if (typeof feed?.powerValue !== 'object' || feed.powerValue === null || Array.isArray(feed.powerValue)) return
  const known = upses.map(({ label }) => label)
  const unknown = Object.keys(feed.powerValue).filter((label) => !known.includes(label))
  if (unknown.length > 0) fault(describeUnlisted(unknown, known, ['UPS', 'UPSes']), 'feed')
  const sum = Object.values(feed.powerValue).reduce((total, weight) => total + weight, 0)
  if (feed.minSupplies > sum) fault(`the power values add up to only ${sum}`, 'feed', 'minSupplies')
}

/** Whether the settings are there that are looked at together, each at least of the right kind. */
export function hasLists(value: unknown): boolean {
  const { nodes, hosts, upses, images, upgrade: policy, power: guard } = Object(value) as Record<string, unknown>
  const isList = (list: unknown) => Array.isArray(list) && list.every((one) => typeof one === 'object' && one !== null)
  const isGroup = (group: unknown) => typeof group === 'object' && group !== null
  return [nodes, hosts, upses, images].every(isList) && isGroup(policy) && isGroup(guard)
}

/** Names, addresses, and MAC addresses however they are written. */
function comparable(value: unknown): string | undefined {
  return typeof value === 'string' ? (normalMac(value) ?? value.toLowerCase()) : undefined
}
