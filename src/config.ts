import { z } from 'zod'
import { duration, name, percent } from './config-scalars.ts'
import { parseText } from './config-text.ts'
import { rebootMode, upgrade } from './config-upgrade.ts'
import type { Schematic } from './core/schematic.ts'
import { cordonWithin } from './core/shutdown.ts'

const interval = duration.refine(
  (ms) => ms >= 50 && ms <= 30_000,
  'use 50ms to 30s: upsd drops who is silent for a minute',
)

const mac = z.string().regex(/^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$/, 'use a MAC address such as 00:1b:21:3a:4f:5c')
const host = z
  .string()
  .regex(/^[A-Za-z0-9]([-A-Za-z0-9.:]*[A-Za-z0-9])?$/, 'use a host name or an IP address, without a port')
  .refine((text) => !/^[^:]*:\d+$/.test(text), 'use a host name or an IP address, without a port')
const port = z.int().min(1).max(65_535)

/** A secret is named in the configuration and never in it. */
const secret = z.union(
  [
    z.strictObject({ file: z.string().min(1).meta({ description: 'Path of a file that holds the secret' }) }),
    z.strictObject({ env: z.string().min(1).meta({ description: 'Environment variable that holds the secret' }) }),
  ],
  'name a secret as {file: PATH} or {env: NAME}; it is never written here itself',
)
export type SecretSource = z.output<typeof secret>

const node = z.strictObject({
  name: name.meta({ description: "The node's name in Kubernetes" }),
  role: z.enum(['controlplane', 'worker']),
  address: host.meta({ description: 'Where its machine API answers (port 50000), never a virtual IP' }),
  mac: mac.optional().meta({ description: 'For Wake-on-LAN; without it somebody has to press the button' }),
  schematic: name.optional().meta({ description: 'Another one of config/schematics for this node alone' }),
  rebootMode: rebootMode.optional().meta({ description: 'How this node alone reboots' }),
})

const cluster = z.strictObject({
  name: name.default('homelab'),
  talosconfig: z.string().min(1),
  context: z.string().min(1).optional().meta({ description: "The talosconfig's context; its own choice by default" }),
  kubeconfig: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Without it one is asked of a control plane through Talos, and renewed' }),
})

const factory = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).default('https://factory.talos.dev'),
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

const ups = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/, "use the UPS's name in upsd")
    .default('ups'),
  host,
  port: port.default(3493),
  user: z.string().min(1).optional().meta({
    description: 'With a password: log in as a secondary, for which the primary waits. Reading needs neither',
  }),
  password: secret.optional(),
})

const wake = z.strictObject({
  stableFor: duration.prefault('60s'),
  minimumCharge: percent.default(25),
  retryEvery: duration.prefault('30s'),
  giveUpAfter: duration.prefault('15m'),
  broadcast: z.ipv4().default('255.255.255.255'),
  port: port.default(9),
})

const power = z
  .strictObject({
    onBatteryAfter: duration.prefault('5s'),
    lowBatteryAfter: duration.prefault('3s'),
    maxOnBattery: duration.prefault('15m'),
    minimumCharge: percent.optional(),
    minimumRuntime: duration
      .optional()
      .meta({ description: 'Shut down when less than this is left; by default what the shutdown itself takes' }),
    silence: duration
      .prefault('30s')
      .meta({ description: 'Silence of the UPS on battery for so long starts the shutdown' }),
    pollOnMains: interval.prefault('5s'),
    pollOnBattery: interval.prefault('1s'),
    reserve: duration.prefault('60s'),
    assumedRuntime: duration
      .prefault('3m')
      .meta({ description: 'What the battery is taken to have left where the UPS does not say' }),
    drain: duration.prefault('90s'),
    nodeStops: duration.prefault('60s'),
    wake: wake.prefault({}),
  })
  // Below this the battery could not carry the shutdown itself.
  .transform((policy) => ({
    ...policy,
    minimumRuntime: policy.minimumRuntime ?? cordonWithin + policy.drain + 2 * policy.nodeStops + policy.reserve,
  }))

const queue = z.strictObject({
  url: z
    .url({ protocol: /^rediss?$/ })
    .refine(
      (url) => !URL.canParse(url) || new URL(url).password === '',
      'keep the password out of the URL: use queue.password',
    )
    .optional()
    .meta({ description: 'A Redis or Valkey of your own; without it one is run under the state directory' }),
  password: secret.optional(),
})

const schema = z
  .strictObject({
    cluster,
    nodes: z.array(node).min(1),
    schematic: name.meta({ description: 'The file of config/schematics that nodes run, without .yaml' }),
    factory: factory.prefault({}),
    share,
    upgrade: upgrade.prefault({}),
    upses: z.array(ups).max(1, 'one UPS is supported so far').default([]),
    power: power.prefault({}),
    queue: queue.prefault({}),
    state: z
      .string()
      .min(1)
      .default('/var/lib/caretaker')
      .meta({ description: 'Where the journal and the queue are kept' }),
  })
  .superRefine(checkTogether, { when: ({ value }) => hasLists(value) })

/** What no setting shows by itself. Runs beside other faults too, so that all are told at once. */
function checkTogether(
  {
    nodes,
    upses,
    upgrade: { canary },
  }: {
    nodes: readonly z.output<typeof node>[]
    upses: readonly z.output<typeof ups>[]
    upgrade: { canary?: { node: string } | undefined }
  },
  context: z.RefinementCtx,
): void {
  const fault = (message: string, ...path: (string | number)[]) => context.addIssue({ code: 'custom', path, message })
  for (const key of ['name', 'address', 'mac'] as const) {
    for (const [index, node] of nodes.entries()) {
      const value = comparable(node[key])
      if (value !== undefined && nodes.findIndex((other) => comparable(other[key]) === value) < index)
        fault(`another node has this ${key}`, 'nodes', index, key)
    }
  }
  if (canary && !nodes.some((one) => one.name === canary.node))
    fault('there is no node of this name', 'upgrade', 'canary', 'node')
  if (nodes.length > 0 && nodes.every(({ role }) => role === 'worker'))
    fault('name at least one control plane', 'nodes')
  for (const [index, { user, password }] of upses.entries()) {
    if ((user === undefined) === (password === undefined)) continue
    const [given, lacking] = user === undefined ? (['password', 'user'] as const) : (['user', 'password'] as const)
    fault(`needs ${lacking} beside it`, 'upses', index, given)
  }
}

function hasLists(value: unknown): boolean {
  const { nodes, upses, upgrade: policy } = Object(value) as Record<string, unknown>
  const isList = (list: unknown) => Array.isArray(list) && list.every((one) => typeof one === 'object' && one !== null)
  return isList(nodes) && isList(upses) && typeof policy === 'object' && policy !== null
}

/** A MAC address may be written with colons or with dashes. */
function comparable(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  return value.toLowerCase().replaceAll(/(?<=\b[0-9a-f]{2})-(?=[0-9a-f]{2}\b)/g, ':')
}

export type Config = z.output<typeof schema>

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

/** The text of `config/caretaker.yaml`. `file` is what faults name. @throws AgentError `misconfigured`, with every fault */
export function parseConfig(text: string, file: string): Config {
  return parseText(schema, text, file)
}

/** The text of a file of `config/schematics`. @throws AgentError `misconfigured`, with every fault */
export function parseSchematic(text: string, file: string): Schematic {
  return parseText(schematicSchema, text, file)
}

/** JSON Schema (draft 7) of the configuration, for editors. */
export function configSchema(): object {
  return z.toJSONSchema(schema, { io: 'input', target: 'draft-7' })
}
