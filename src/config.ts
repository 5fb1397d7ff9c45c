import { z } from 'zod'
import { parseText } from './config-text.ts'
import type { Check } from './core/check.ts'
import { parseDuration } from './core/duration.ts'
import type { Schematic } from './core/schematic.ts'
import { parseVersion } from './core/version.ts'
import { cordonWithin } from './core/shutdown.ts'
import { days } from './core/window.ts'

const duration = z
  .string()
  .refine((text) => parseDuration(text) !== undefined, 'use a duration such as 30s, 10m, 2h or 7d')
  .transform((text) => parseDuration(text)!)
  .meta({ description: 'A duration: 500ms, 30s, 10m, 2h, 7d' })

const interval = duration.refine(
  (ms) => ms >= 50 && ms <= 30_000,
  'use 50ms to 30s: upsd drops who is silent for a minute',
)

const version = z
  .string()
  .refine((text) => text.startsWith('v') && parseVersion(text) !== undefined, 'use a Talos release such as v1.13.9')
const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'use a time of day such as 02:00')
const percent = z.number().min(0).max(100)
const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'use lower-case letters, digits and dashes')
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

const timeZone = z.string().refine((zone) => {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }))
  } catch {
    return false
  }
}, 'use a time zone such as Europe/Warsaw')

const window = z.strictObject({
  days: z
    .array(z.enum(days))
    .min(1)
    .default([...days]),
  from: time,
  to: time,
})

const rebootMode = z.enum(['default', 'powercycle', 'force'])

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

const instant = z
  .string()
  .refine((text) => !Number.isNaN(Date.parse(text)), 'use a date such as 2026-12-24, or 2026-12-24T18:00:00+01:00')

const selector = z.string().min(1).meta({ description: 'A label selector: app=db,tier!=cache' })

const blackout = z
  .strictObject({ from: instant, to: instant, reason: z.string().min(1).default('a blackout') })
  .refine(({ from, to }) => !(Date.parse(from) >= Date.parse(to)), { message: 'ends before it begins', path: ['to'] })

const check = z
  .strictObject({
    name: z.string().min(1),
    http: z.strictObject({ url: z.url({ protocol: /^https?$/ }), status: z.int().default(200) }).optional(),
    prometheus: z.strictObject({ url: z.url({ protocol: /^https?$/ }), query: z.string().min(1) }).optional(),
    object: z
      .strictObject({
        apiVersion: z.string().min(1),
        kind: z.string().min(1),
        namespace: z.string().min(1).optional(),
        name: z.string().min(1).optional(),
        selector: selector.optional(),
        cel: z.string().min(1).meta({ description: 'True of each object: object.status.phase == "Ready"' }),
      })
      .optional(),
  })
  .refine(
    ({ http, prometheus, object }) => [http, prometheus, object].filter((one) => one !== undefined).length === 1,
    'give it one of http, prometheus and object',
  )
  .transform(({ name: called, http, prometheus, object }): Check => {
    if (http) return { name: called, http }
    return prometheus ? { name: called, prometheus } : { name: called, object: object! }
  })

const draining = z.strictObject({
  whenBlocked: z.enum(['wait', 'skip', 'delete']).default('wait').meta({
    description: 'A drain that a disruption budget refuses: wait for it, take other nodes first, or delete the pods',
  }),
  blockedFor: duration.prefault('30m').meta({ description: 'delete: after this time; skip: so long' }),
  emptyDir: z.enum(['delete', 'keep']).default('delete').meta({ description: 'Data in emptyDir volumes' }),
  unmanaged: z.enum(['delete', 'keep']).default('delete').meta({ description: 'Pods that nobody makes anew' }),
  last: z
    .array(z.strictObject({ selector, within: duration.optional() }))
    .default([])
    .meta({ description: 'Pods that go last, one selector after another' }),
  tierWithin: duration.optional(),
  volumesWithin: duration.prefault('5m').meta({ description: 'How long volumes may take to be detached' }),
})

const parallel = z.union(
  [
    z.int().min(1),
    z
      .string()
      .regex(/^([1-9]\d?|100)%$/)
      .transform((text) => ({ percent: Number(text.slice(0, -1)) })),
  ],
  'use a number of nodes, or a share of them such as 25%',
)

const upgrade = z.strictObject({
  enabled: z.boolean().default(true).meta({ description: 'false: stage images, and never touch a node' }),
  channel: z.enum(['stable', 'prerelease']).default('stable'),
  pin: version.optional(),
  skip: z.array(version).default([]),
  soak: duration.prefault('7d').meta({ description: 'How long a release must have been known before it is used' }),
  approval: z.enum(['none', 'minor', 'always']).default('none').meta({
    description: 'Which releases wait for `caretaker approve`: those of another minor version, or all',
  }),
  windows: z.array(window).default([]).meta({ description: 'When nodes may be upgraded; none: always' }),
  timeZone: timeZone.default('UTC'),
  blackouts: z.array(blackout).default([]).meta({ description: 'Times in which nothing is touched' }),
  calendar: z.string().min(1).optional().meta({ description: 'An iCalendar file or URL; its events are blackouts' }),
  mode: z.enum(['direct', 'staged']).default('direct').meta({
    description: 'staged: install at any time, and reboot in a window',
  }),
  order: z.enum(['workers-first', 'control-planes-first']).default('workers-first'),
  canary: z
    .strictObject({ node: name, watch: duration.prefault('1h') })
    .optional()
    .meta({ description: 'The first node of all, and how long it is watched before the next one' }),
  parallel: parallel.default(1).meta({ description: 'Workers at a time; control planes are always upgraded alone' }),
  twoMembers: z.enum(['refuse', 'allow']).default('refuse').meta({
    description: 'allow: upgrade the control planes of a two-member etcd, which stands still meanwhile',
  }),
  minimumCharge: percent.default(50).meta({ description: "The UPS's charge from which on a node is begun" }),
  nodeTakes: duration
    .prefault('15m')
    .meta({ description: "So much of a window must be left for one more node, until the cluster's history tells" }),
  settle: duration.prefault('1m').meta({ description: 'How long a node must stay healthy before the next one' }),
  attempts: z.int().min(1).max(10).default(2),
  retryAfter: duration.prefault('5m'),
  drain: duration.prefault('10m'),
  draining: draining.prefault({}),
  install: duration.prefault('15m'),
  reboot: duration.prefault('15m'),
  rebootMode: rebootMode.default('default'),
  checks: z.array(check).default([]).meta({ description: 'What must hold before and after each node' }),
  checksWithin: duration.prefault('10m'),
  snapshots: z
    .strictObject({
      directory: z.string().min(1).optional().meta({ description: 'etcd snapshots; below the state by default' }),
      keep: z.int().min(1).max(100).default(5),
    })
    .prefault({}),
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
