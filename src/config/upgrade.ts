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
        namespace: namespace.optional(),
        name: z.string().min(1).optional(),
        selector: labelSelector.optional(),
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
  blockedTimeout: duration.prefault('30m').meta({ description: 'delete: after this time; skip: so long' }),
  emptyDir: z.enum(['delete', 'keep']).default('delete').meta({ description: 'Data in emptyDir volumes' }),
  unmanaged: z.enum(['delete', 'keep']).default('delete').meta({ description: 'Pods that nobody makes anew' }),
  last: z
    .array(z.strictObject({ selector: labelSelector, timeout: duration.optional() }))
    .default([])
    .meta({ description: 'Pods that go last, one selector after another' }),
  tierTimeout: duration.optional(),
  volumeDetachTimeout: duration.prefault('5m').meta({ description: 'How long volumes may take to be detached' }),
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
  nodeEstimate: duration
    .prefault('15m')
    .meta({ description: "So much of a window must be left for one more node, until the cluster's history tells" }),
  settle: duration.prefault('1m').meta({ description: 'How long a node must stay healthy before the next one' }),
  attempts: z
    .int()
    .min(1)
    .max(10)
    .default(2)
    .meta({ description: 'How often a release is tried on a node that fails it' }),
  afterRollback: z.enum(['ask', 'powercycle']).default('ask').meta({
    description: 'A node that booted its old system: ask a person, or try once more by a firmware boot',
  }),
  mayLose: z.array(z.string().min(1)).default([]).meta({
    description: 'What upgrades may take from nodes that have it: siderolabs/i915, net.ifnames=0, overlay:rpi_generic',
  }),
  retryAfter: duration.prefault('5m'),
  drainTimeout: duration.prefault('10m'),
  draining: draining.prefault({}),
  installTimeout: duration.prefault('15m'),
  rebootTimeout: duration.prefault('15m'),
  rebootMode: rebootMode.default('default'),
  checks: z.array(check).default([]).meta({ description: 'What must hold before and after each node' }),
  checksTimeout: duration.prefault('10m'),
  snapshots: z
    .strictObject({
      directory: z.string().min(1).optional().meta({ description: 'etcd snapshots; below the state by default' }),
      keep: z.int().min(1).max(100).default(5),
    })
    .prefault({}),
})
