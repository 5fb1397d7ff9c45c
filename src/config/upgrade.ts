import { z } from 'zod'
import { duration, labelSelector, name, namespace, percent, time, timeZone, version } from './scalars.ts'
import type { Check } from '../core/cluster/check.ts'
import { days } from '../core/upgrade/window.ts'

const window = z.strictObject({
  days: z
    .array(z.enum(days))
    .min(1)
    .default([...days]),
  from: time,
  to: time,
})

export const rebootMode = z.enum(['default', 'powercycle', 'force'])

const instant = z
  .string()
  .refine((text) => !Number.isNaN(Date.parse(text)), 'use a date such as 2026-12-24, or 2026-12-24T18:00:00+01:00')

const blackout = z
  .strictObject({ from: instant, to: instant, reason: z.string().min(1).default('a blackout') })
  .refine(({ from, to }) => !(Date.parse(from) >= Date.parse(to)), { message: 'ends before it starts', path: ['to'] })

const check = z
  .strictObject({
    name: z.string().min(1),
    http: z.strictObject({ url: z.url({ protocol: /^https?$/ }), status: z.int().default(200) }).optional(),
    prometheus: z.strictObject({ url: z.url({ protocol: /^https?$/ }), query: z.string().min(1) }).optional(),
    object: z
      .strictObject({
        apiVersion: z.string().min(1),
        kind: z.string().min(1),
        namespace: namespace.optional(),
        name: z.string().min(1).optional(),
        selector: labelSelector.optional(),
        cel: z.string().min(1).meta({ description: 'True of each object: object.status.phase == "Ready"' }),
      })
      .optional(),
  })
  .refine(
    ({ http, prometheus, object }) => [http, prometheus, object].filter((one) => one !== undefined).length === 1,
    'needs exactly one of http, prometheus and object',
  )
  .transform(({ name: called, http, prometheus, object }): Check => {
    if (http) return { name: called, http }
    return prometheus ? { name: called, prometheus } : { name: called, object: object! }
  })

const draining = z.strictObject({
  whenBlocked: z.enum(['wait', 'skip', 'delete']).default('wait').meta({
    description: 'If a disruption budget blocks the drain: wait, upgrade other nodes first, or delete the pods',
  }),
  blockedTimeout: duration
    .prefault('30m')
    .meta({ description: 'delete: delete the pods after this; skip: come back to the node after this' }),
  emptyDir: z.enum(['delete', 'keep']).default('delete').meta({ description: 'Pods with emptyDir volumes' }),
  unmanaged: z.enum(['delete', 'keep']).default('delete').meta({ description: 'Pods without a controller' }),
  last: z
    .array(z.strictObject({ selector: labelSelector, timeout: duration.optional() }))
    .default([])
    .meta({ description: 'Pods to evict last, one selector after another' }),
  tierTimeout: duration.optional().meta({ description: 'How long each tier of pods may take; default: drainTimeout' }),
  volumeDetachTimeout: duration.prefault('5m').meta({ description: 'How long volumes may take to detach' }),
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

/** The section `upgrade`. */
export const upgrade = z.strictObject({
  enabled: z.boolean().default(true).meta({ description: 'false: stage images, never touch a node' }),
  channel: z.enum(['stable', 'prerelease']).default('stable'),
  pin: version.optional(),
  skip: z.array(version).default([]),
  soak: duration.prefault('7d').meta({ description: 'Minimum age of a release, from when Caretaker first saw it' }),
  approval: z.enum(['none', 'minor', 'always']).default('none').meta({
    description: 'Which releases wait for `caretaker approve`: new minor versions, or all',
  }),
  windows: z.array(window).default([]).meta({ description: 'When nodes may be upgraded; none: always' }),
  timeZone: timeZone.default('UTC').meta({ description: 'Of windows, and of times on screen unless TZ is set' }),
  blackouts: z.array(blackout).default([]).meta({ description: 'Times without upgrades' }),
  calendar: z.string().min(1).optional().meta({ description: 'An iCalendar file or URL; its events are blackouts' }),
  mode: z.enum(['direct', 'staged']).default('direct').meta({
    description: 'staged: install at any time, reboot in a window',
  }),
  order: z.enum(['workers-first', 'control-planes-first']).default('workers-first'),
  canary: z
    .strictObject({ node: name, watch: duration.prefault('1h') })
    .optional()
    .meta({ description: 'The node to upgrade first, and how long to watch it before the next one' }),
  parallel: parallel.default(1).meta({ description: 'Workers at a time; control planes are upgraded one by one' }),
  twoMembers: z.enum(['refuse', 'allow']).default('refuse').meta({
    description: 'allow: upgrade a two-member etcd, which loses quorum during each reboot',
  }),
  minimumCharge: percent
    .default(50)
    .meta({ description: 'Start no node while the charge of its UPS is below this, in %' }),
  nodeEstimate: duration.prefault('15m').meta({
    description: 'Time left in a window to start upgrading another node, until Caretaker has measured this cluster',
  }),
  settle: duration.prefault('1m').meta({ description: 'How long a node must stay healthy before the next one starts' }),
  attempts: z.int().min(1).max(10).default(2).meta({ description: 'How often to try a release on a node' }),
  afterRollback: z.enum(['ask', 'powercycle']).default('ask').meta({
    description: 'If a node booted its previous release: ask, or try once more through the firmware',
  }),
  mayLose: z.array(z.string().min(1)).default([]).meta({
    description: 'What nodes may lose in an upgrade: siderolabs/i915, net.ifnames=0, overlay:rpi_generic',
  }),
  retryAfter: duration.prefault('5m'),
  drainTimeout: duration.prefault('10m'),
  draining: draining.prefault({}),
  installTimeout: duration.prefault('15m'),
  rebootTimeout: duration.prefault('15m'),
  rebootMode: rebootMode.default('default'),
  checks: z.array(check).default([]).meta({ description: 'Must pass before and after each node' }),
  checksTimeout: duration.prefault('10m'),
  snapshots: z
    .strictObject({
      directory: z
        .string()
        .min(1)
        .optional()
        .meta({ description: 'Directory of etcd snapshots; default: under state' }),
      keep: z.int().min(1).max(100).default(5),
    })
    .prefault({}),
})
