import { z } from 'zod'
import { hostMachine, machine, power, ups } from './power.ts'
import { host, name } from './scalars.ts'
import { defaultState } from './state.ts'
import { storage } from './storage.ts'
import { findRenamed } from './renamed.ts'
import { parseText } from './text.ts'
import { rebootMode, upgrade } from './upgrade.ts'
import { machinesOf } from '../core/power/machines.ts'
import type { Schematic } from '../core/release/schematic.ts'
import { needOf } from '../core/power/shutdown.ts'

const node = z.strictObject({
  name: name.meta({ description: "The node's name in Kubernetes" }),
  role: z.enum(['controlplane', 'worker']),
  address: host.meta({ description: 'Where its machine API answers (port 50000), never a virtual IP' }),
  ...machine,
  storage: z
    .boolean()
    .default(false)
    .meta({ description: 'It holds the data of Longhorn or Ceph: it goes down after the other workers' }),
  schematic: name.optional().meta({ description: 'Another one of config/schematics for this node alone' }),
  rebootMode: rebootMode.optional().meta({ description: 'How this node alone reboots' }),
})

const cluster = z.strictObject({
  name: name.default('homelab'),
  talosconfig: z.string().min(1).optional().meta({
    description:
      'Renewed in time: in its place, or below the state where the file is read-only. Without it, and until it is there, nodes are left alone',
  }),
  context: z.string().min(1).optional().meta({ description: "The talosconfig's context; its own choice by default" }),
  kubeconfig: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Renewed as the talosconfig is; without it one is asked of a control plane through Talos' }),
})

const factory = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .refine(
      (url) => !/[?#]/.test(url),
      'leave out ? and what follows: the paths of the Factory come after this address',
    )
    .refine(
      (url) => !URL.canParse(url) || (new URL(url).username === '' && new URL(url).password === ''),
      'keep user name and password out of the URL: it is shown and logged',
    )
    .default('https://factory.talos.dev')
    .meta({
      description:
        'The address of the Image Factory, with the path that a reverse proxy serves it at; installer images come from its host alone',
    }),
})

const share = z.strictObject({
  directory: z.string().min(1).meta({ description: 'What the TFTP server serves' }),
  image: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/, 'use a plain file name')
    .default('metal-amd64-uki.efi')
    .meta({ description: 'The name that machines boot' }),
  architecture: z.enum(['amd64', 'arm64']).default('amd64'),
  keep: z.int().min(1).max(50).default(2).meta({ description: 'How many staged images are kept' }),
})

/** Sections of the configuration that are not ours: each belongs to a service. */
export type Sections = Readonly<Record<string, z.ZodType>>

const own = {
  cluster: cluster.prefault({}),
  nodes: z.array(node).default([]),
  schematic: name.meta({ description: 'The file of config/schematics that nodes run, without .yaml' }),
  factory: factory.prefault({}),
  share,
  upgrade: upgrade.prefault({}),
  hosts: z.array(hostMachine).default([]).meta({ description: 'Machines that are no nodes and hang on a UPS: a NAS' }),
  upses: z.array(ups).default([]),
  power: power.prefault({}),
  storage: storage.prefault({}),
  state: z.string().min(1).default(defaultState).meta({ description: 'Where the journal and the queue are kept' }),
}

/** The whole configuration: what is ours, and a section for each service that has one. */
function schemaWith(sections: Sections) {
  const { state, ...first } = own
  // Their types are known to the services alone.
  const shape = { ...first, ...sections, state }
  return z
    .strictObject(shape)
    .superRefine(checkTogether, { when: ({ value }) => hasLists(value) })
    .transform(complete)
}

type Given = z.output<typeof node> | z.output<typeof hostMachine>

/** What no setting shows by itself. Runs beside other faults too, so that all are told at once. */
function checkTogether(
  {
    nodes,
    hosts,
    upses,
    upgrade: { canary },
    power: { feed },
  }: {
    nodes: readonly z.output<typeof node>[]
    hosts: readonly z.output<typeof hostMachine>[]
    upses: readonly z.output<typeof ups>[]
    upgrade: { canary?: { node: string } | undefined }
    power: Pick<z.output<typeof power>, 'feed'>
  },
  context: z.RefinementCtx,
): void {
  const fault = (message: string, ...path: (string | number)[]) => context.addIssue({ code: 'custom', path, message })
  const all: { one: Given; where: [string, number] }[] = [
    ...nodes.map((one, index) => ({ one, where: ['nodes', index] as [string, number] })),
    ...hosts.map((one, index) => ({ one, where: ['hosts', index] as [string, number] })),
  ]
  for (const key of ['name', 'address', 'mac'] as const) {
    for (const [index, { one, where }] of all.entries()) {
      const value = comparable(one[key])
      const isTaken = all.findIndex((other) => comparable(other.one[key]) === value) < index
      if (value !== undefined && isTaken)
        fault(`another ${where[0] === 'nodes' ? 'node' : 'machine'} has this ${key}`, ...where, key)
    }
  }
  for (const [index, { label }] of upses.entries()) {
    if (upses.findIndex((other) => other.label === label) < index)
      fault(`another UPS is called ${label}: give this one a label`, 'upses', index, 'label')
  }
  for (const { one, where } of all) {
    checkFeed(one.feed, upses, (message, ...path) => fault(message, ...where, ...path))
    if (upses.length > 1 && !one.feed && !feed)
      fault('there are several UPSes: name those that carry it, or a power.feed for all', ...where, 'feed')
    if (one.wake && !one.mac && !one.wake.powerOn)
      fault('without a mac or wake.powerOn it is not woken at all', ...where, 'wake')
  }
  checkFeed(feed, upses, (message, ...path) => fault(message, 'power', ...path))
  if (canary && !nodes.some((one) => one.name === canary.node))
    fault('there is no node of this name', 'upgrade', 'canary', 'node')
  if (nodes.length > 0 && nodes.every(({ role }) => role === 'worker'))
    fault('name at least one control plane', 'nodes')
  for (const [index, { user, password, cutPower }] of upses.entries()) {
    if (cutPower && user === undefined)
      fault('switching outlets off needs a user and a password', 'upses', index, 'cutPower')
    if ((user === undefined) === (password === undefined)) continue
    const [given, lacking] = user === undefined ? (['password', 'user'] as const) : (['user', 'password'] as const)
    fault(`needs ${lacking} beside it`, 'upses', index, given)
  }
}

function checkFeed(
  feed: Given['feed'],
  upses: readonly { label: string }[],
  fault: (message: string, ...path: string[]) => void,
): void {
  // What is no feed at all has its own fault already.
  if (typeof feed?.powerValue !== 'object') return
  const unknown = Object.keys(feed.powerValue).find((label) => !upses.some((ups) => ups.label === label))
  if (unknown !== undefined) fault(`there is no UPS ${unknown}`, 'feed')
  const sum = Object.values(feed.powerValue).reduce((total, weight) => total + weight, 0)
  if (feed.minSupplies > sum)
    fault(`the power values add up to ${sum} only: it would never have enough`, 'feed', 'minSupplies')
}

/** Times are shown in `upgrade.timeZone`, every machine has its feed, and the battery is never let down to where it could not carry the shutdown itself. */
function complete<
  Settings extends {
    nodes: readonly z.output<typeof node>[]
    hosts: readonly z.output<typeof hostMachine>[]
    upses: readonly { label: string }[]
    power: z.output<typeof power>
    upgrade: z.output<typeof upgrade>
  },
>(settings: Settings) {
  const [first, ...others] = settings.upses
  const only = first && others.length === 0 ? { powerValue: { [first.label]: 1 }, minSupplies: 1 } : undefined
  const fed = <One extends Given>(one: One): One => ({ ...one, feed: one.feed ?? settings.power.feed ?? only })
  const whole = { ...settings, nodes: settings.nodes.map(fed), hosts: settings.hosts.map(fed) }
  const { minimumRuntime, ...policy } = settings.power
  return {
    ...whole,
    power: { ...policy, minimumRuntime: minimumRuntime ?? needOf(machinesOf(whole), policy) },
    upgrade: { ...settings.upgrade, shownZone: settings.upgrade.timeZone },
  }
}

function hasLists(value: unknown): boolean {
  const { nodes, hosts, upses, upgrade: policy, power: guard } = Object(value) as Record<string, unknown>
  const isList = (list: unknown) => Array.isArray(list) && list.every((one) => typeof one === 'object' && one !== null)
  const isGroup = (group: unknown) => typeof group === 'object' && group !== null
  return isList(nodes) && isList(hosts) && isList(upses) && isGroup(policy) && isGroup(guard)
}

/** A MAC address may be written with colons or with dashes. */
function comparable(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  return value.toLowerCase().replaceAll(/(?<=\b[0-9a-f]{2})-(?=[0-9a-f]{2}\b)/g, ':')
}

export type Config = z.output<ReturnType<typeof schemaWith>>

const schematicSchema = z.strictObject({
  owner: z.string().optional(),
  overlay: z
    .strictObject({
      image: z.string().min(1),
      name: z.string().min(1),
      options: z.record(z.string(), z.unknown()).optional(),
    })
    .optional(),
  customization: z
    .strictObject({
      embeddedMachineConfiguration: z.string().optional(),
      extraKernelArgs: z.array(z.string()).optional(),
      meta: z.array(z.strictObject({ key: z.int().min(0).max(255), value: z.string() })).optional(),
      systemExtensions: z.strictObject({ officialExtensions: z.array(z.string()).optional() }).optional(),
      bootloader: z.enum(['none', 'dual-boot', 'sd-boot', 'grub']).optional(),
      secureboot: z
        .strictObject({ enrollKeys: z.string().optional(), includeWellKnownCertificates: z.boolean().optional() })
        .optional(),
      diskImage: z.strictObject({ sectorSize: z.int().min(0).optional() }).optional(),
    })
    .optional(),
})

/**
 * The text of `config/caretaker.yaml`, whose sections lie in the answer beside what is ours. `file` is what faults name.
 *
 * @throws AgentError `misconfigured`, with every fault
 */
export function parseConfig(text: string, file: string, sections: Sections = {}): Config {
  return parseText(schemaWith(sections), text, file, findRenamed)
}

/** The text of a file of `config/schematics`. @throws AgentError `misconfigured`, with every fault */
export function parseSchematic(text: string, file: string): Schematic {
  return parseText(schematicSchema, text, file)
}

/** JSON Schema (draft 7) of the configuration, for editors. */
export function configSchema(sections: Sections = {}): object {
  return z.toJSONSchema(schemaWith(sections), { io: 'input', target: 'draft-7' })
}
