import { z } from 'zod'
import { hostMachine, machine, power, ups } from './power.ts'
import { host, name } from './scalars.ts'
import { defaultState } from './state-line.ts'
import { storage } from './storage.ts'
import { findRenamed } from './renamed.ts'
import { type Inspected, inspectText, parseText } from './text.ts'
import { rebootMode, upgrade } from './upgrade.ts'
import { normalMac } from '../core/address.ts'
import { describeUnknown } from '../core/count.ts'
import { machinesOf } from '../core/power/machines.ts'
import type { Schematic } from '../core/release/schematic.ts'
import { needOf } from '../core/power/shutdown.ts'

const node = z.strictObject({
  name: name.meta({ description: "The node's name in Kubernetes" }),
  role: z.enum(['controlplane', 'worker']),
  address: host.meta({ description: 'Address of its machine API (port 50000), never a virtual IP' }),
  ...machine,
  storage: z
    .boolean()
    .default(false)
    .meta({ description: 'Holds Longhorn or Ceph data: shut down after the other workers' }),
  schematic: name.optional().meta({ description: 'The schematic of this node, if it differs' }),
  rebootMode: rebootMode.optional().meta({ description: 'How this node reboots, if it differs' }),
})

const cluster = z.strictObject({
  name: name.default('homelab'),
  talosconfig: z.string().min(1).optional().meta({
    description:
      'Renewed before it expires: in place, or under state if the file is read-only. Without it no node is touched',
  }),
  context: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'The context in the talosconfig; default: its current one' }),
  kubeconfig: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Renewed like the talosconfig; without it Caretaker requests one through Talos' }),
})

const factory = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .refine((url) => !/[?#]/.test(url), 'leave out ? and everything after it: Caretaker appends paths to this URL')
    .refine(
      (url) => !URL.canParse(url) || (new URL(url).username === '' && new URL(url).password === ''),
      'keep the user name and password out of the URL: it is shown and logged',
    )
    .default('https://factory.talos.dev')
    .meta({
      description:
        'URL of the Image Factory, with the path of a reverse proxy, if any; installer images come from its host',
    }),
})

const share = z.strictObject({
  directory: z.string().min(1).meta({ description: 'The directory that the TFTP server serves' }),
  image: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/, 'use a plain file name')
    .default('metal-amd64-uki.efi')
    .meta({ description: 'The file that machines boot' }),
  architecture: z.enum(['amd64', 'arm64']).default('amd64'),
  keep: z.int().min(1).max(50).default(2).meta({ description: 'How many staged images to keep' }),
})

/** Sections of the configuration that belong to services. */
export type Sections = Readonly<Record<string, z.ZodType>>

const own = {
  cluster: cluster.prefault({}),
  nodes: z.array(node).default([]),
  schematic: name.meta({ description: 'The schematic of the nodes: a file in config/schematics, without .yaml' }),
  factory: factory.prefault({}),
  share,
  upgrade: upgrade.prefault({}),
  hosts: z.array(hostMachine).default([]).meta({ description: 'Machines on a UPS that are not nodes, such as a NAS' }),
  upses: z.array(ups).default([]),
  power: power.prefault({}),
  storage: storage.prefault({}),
  state: z.string().min(1).default(defaultState).meta({ description: 'The state directory, with journal and queue' }),
}

/** The whole configuration, with a section for each service that has one. */
function schemaWith(sections: Sections) {
  const { state, ...first } = own
  // Only the services know their types.
  const shape = { ...first, ...sections, state }
  return z
    .strictObject(shape)
    .superRefine(checkTogether, { when: ({ value }) => hasLists(value) })
    .transform(complete)
}

type Given = z.output<typeof node> | z.output<typeof hostMachine>

/** Checks across settings. Runs even if a setting is wrong by itself, so that all errors are reported at once. */
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
  if (canary && !nodes.some((one) => one.name === canary.node))
    fault(describeUnknown([canary.node], namesOf(nodes), ['node', 'nodes']), 'upgrade', 'canary', 'node')
  if (nodes.length > 0 && nodes.every(({ role }) => role === 'worker'))
    fault('name at least one control plane', 'nodes')
  for (const [index, { user, password, cutPower }] of upses.entries()) {
    if (cutPower && user === undefined) fault('needs a user and a password', 'upses', index, 'cutPower')
    if ((user === undefined) === (password === undefined)) continue
    const [given, lacking] = user === undefined ? (['password', 'user'] as const) : (['user', 'password'] as const)
    fault(`needs a ${lacking}, too`, 'upses', index, given)
  }
}

const namesOf = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name)

function checkFeed(
  feed: Given['feed'],
  upses: readonly { label: string }[],
  fault: (message: string, ...path: string[]) => void,
): void {
  // A feed with the wrong shape has its own error already.
  if (typeof feed?.powerValue !== 'object') return
  const known = upses.map(({ label }) => label)
  const unknown = Object.keys(feed.powerValue).filter((label) => !known.includes(label))
  if (unknown.length > 0) fault(describeUnknown(unknown, known, ['UPS', 'UPSes']), 'feed')
  const sum = Object.values(feed.powerValue).reduce((total, weight) => total + weight, 0)
  if (feed.minSupplies > sum) fault(`the power values add up to only ${sum}`, 'feed', 'minSupplies')
}

/** Fills in what follows from other settings: feeds, the zone of times, and the runtime that a shutdown itself takes. */
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

/** Names, addresses, and MAC addresses however they are written. */
function comparable(value: unknown): string | undefined {
  return typeof value === 'string' ? (normalMac(value) ?? value.toLowerCase()) : undefined
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
 * Parses `config/caretaker.yaml`. `file` is the name that errors show.
 *
 * @throws AgentError `misconfigured`, with every error
 */
export function parseConfig(text: string, file: string, sections: Sections = {}): Config {
  return parseText(schemaWith(sections), text, file, findRenamed)
}

/** The same for whoever wants to see all faults, those of the files that it names as well. Never throws. */
export function inspectConfig(text: string, file: string, sections: Sections = {}): Inspected<Config> {
  const assume = { schematic: 'homelab', share: { directory: '.' } }
  return inspectText(schemaWith(sections), text, { file, findRenamed, assume })
}

/** The text of a file of `config/schematics`. @throws AgentError `misconfigured`, with every error */
export function parseSchematic(text: string, file: string): Schematic {
  return parseText(schematicSchema, text, file)
}

/** JSON Schema (draft 7) of the configuration, for editors. */
export function configSchema(sections: Sections = {}): object {
  return z.toJSONSchema(schemaWith(sections), { io: 'input', target: 'draft-7' })
}
