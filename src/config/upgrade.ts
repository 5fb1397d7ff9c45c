import { z } from 'zod'
import { duration, httpUrl, labelSelector, name, namespace, percent, time, timeZone, version } from './scalars.ts'
import type { Check } from '../core/cluster/check.ts'
import { days } from '../core/upgrade/window.ts'

const window = z.strictObject({
  days: z
    .array(z.enum(days))
    .min(1)
    .default([...days])
    .meta({ description: 'The days on which it begins; default: every day' }),
  from: time.meta({ description: 'When it begins' }),
  to: time.meta({ description: 'When it ends; earlier than from: on the next day' }),
})

export const rebootMode = z.enum(['default', 'powercycle', 'force'])

const instantWords = 'use a date such as 2026-12-24, or 2026-12-24T18:00:00+01:00'
const instant = z
  .string(instantWords)
  .refine((text) => !Number.isNaN(Date.parse(text)), instantWords)
  .meta({ kind: 'date' })

const blackout = z
  .strictObject({
    from: instant.meta({
      description: 'When it begins: a day (from 00:00 UTC), or a time with its offset',
      examples: ['2026-12-24', '2026-12-24T18:00:00+01:00'],
    }),
    to: instant.meta({ description: 'When it ends, written alike', examples: ['2026-12-27'] }),
    reason: z
      .string()
      .min(1)
      .default('a blackout')
      .meta({ description: 'What is shown as the reason for waiting', examples: ['holidays'] }),
  })
  .refine(({ from, to }) => !(Date.parse(from) >= Date.parse(to)), { message: 'ends before it starts', path: ['to'] })

const check = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .meta({ description: 'What it is called in messages', examples: ['web'] }),
    http: z
      .strictObject({
        url: httpUrl.meta({ description: 'The URL that is asked by GET' }),
        status: z.int().default(200).meta({ description: 'The HTTP status that it must answer with' }),
      })
      .optional()
      .meta({ description: 'Passes if a URL answers with a status' }),
    prometheus: z
      .strictObject({
        url: httpUrl.meta({ description: 'The base URL of Prometheus' }),
        query: z
          .string()
          .min(1)
          .meta({ description: 'A PromQL expression', examples: ['absent(ALERTS{severity="critical"})'] }),
      })
      .optional()
      .meta({ description: 'Passes if a query of Prometheus has a result, and none of its values is 0' }),
    object: z
      .strictObject({
        apiVersion: z
          .string()
          .min(1)
          .meta({ description: 'Its apiVersion', examples: ['postgresql.cnpg.io/v1'] }),
        kind: z
          .string()
          .min(1)
          .meta({ description: 'Its kind', examples: ['Cluster'] }),
        namespace: namespace.optional().meta({ description: 'Its namespace; default: all', examples: ['db'] }),
        name: z
          .string()
          .min(1)
          .optional()
          .meta({ description: 'Its name; default: all of the kind', examples: ['main'] }),
        selector: labelSelector.optional().meta({ description: 'Only objects with these labels' }),
        cel: z
          .string()
          .min(1)
          .meta({
            description: 'True of each object: object.status.phase == "Ready"',
            examples: ['object.status.readyInstances == 3'],
          }),
      })
      .optional()
      .meta({ description: 'Passes if an expression is true of each of these Kubernetes objects' }),
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
    .array(
      z.strictObject({
        selector: labelSelector.meta({ description: 'Which pods' }),
        timeout: duration.optional().meta({ description: 'How long they may take; default: tierTimeout' }),
      }),
    )
    .prefault([])
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
      .meta({ kind: 'share' })
      .transform((text) => ({ percent: Number(text.slice(0, -1)) })),
  ],
  'use a number of nodes, or a share of them such as 25%',
)

/** The section `upgrade`. */
export const upgrade = z.strictObject({
  enabled: z.boolean().default(true).meta({ description: 'false: stage images, never touch a node' }),
  channel: z
    .enum(['stable', 'prerelease'])
    .default('stable')
    .meta({ description: 'Which releases are considered: final ones, or alphas, betas and candidates too' }),
  pin: version.optional().meta({ description: 'Upgrade to this release and no further; default: to the newest' }),
  skip: z.array(version).default([]).meta({ description: 'Releases that no node is upgraded to' }),
  soak: duration.prefault('7d').meta({ description: 'Minimum age of a release, from when Caretaker first saw it' }),
  approval: z.enum(['none', 'minor', 'always']).default('none').meta({
    description: 'Which releases wait for `caretaker approve`: new minor versions, or all',
  }),
  windows: z.array(window).default([]).meta({ description: 'When nodes may be upgraded; none: always' }),
  timeZone: timeZone
    .default('UTC')
    .meta({ description: 'The time zone of windows, and of times on screen unless TZ is set' }),
  blackouts: z.array(blackout).default([]).meta({ description: 'Times without upgrades' }),
  calendar: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'An iCalendar file or URL; its events are blackouts', examples: ['holidays.ics'] }),
  mode: z.enum(['direct', 'staged']).default('direct').meta({
    description: 'staged: install at any time, reboot in a window',
  }),
  order: z
    .enum(['workers-first', 'control-planes-first'])
    .default('workers-first')
    .meta({ description: 'Which nodes are upgraded first' }),
  canary: z
    .strictObject({
      node: name.meta({ description: 'The name of the node', examples: ['w-1'] }),
      watch: duration.prefault('1h').meta({ description: 'How long it must stay healthy before the next node starts' }),
    })
    .optional()
    .meta({ description: 'The node to upgrade first, and how long to watch it before the next one' }),
  parallel: parallel
    .prefault(1)
    .meta({ description: 'Workers at a time; control planes are upgraded one by one', examples: ['25%'] }),
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
  mayLose: z
    .array(z.string().min(1))
    .default([])
    .meta({
      description: 'What nodes may lose in an upgrade: siderolabs/i915, net.ifnames=0, overlay:rpi_generic',
      examples: [['siderolabs/i915', 'net.ifnames=0', 'overlay:rpi_generic']],
    }),
  retryAfter: duration
    .prefault('5m')
    .meta({ description: 'How long to wait before the next look where something is in the way' }),
  drainTimeout: duration.prefault('10m').meta({ description: 'How long draining a node may take' }),
  draining: draining.prefault({}).meta({ description: 'How pods leave a node' }),
  installTimeout: duration.prefault('15m').meta({ description: 'How long the installer may take on a node' }),
  rebootTimeout: duration.prefault('15m').meta({ description: 'How long a node may take to come back and be Ready' }),
  rebootMode: rebootMode.default('default').meta({
    description:
      'How nodes reboot: by kexec where Talos can (default), through the firmware (powercycle), or without stopping pods (force)',
  }),
  checks: z.array(check).prefault([]).meta({ description: 'Must pass before and after each node' }),
  checksTimeout: duration.prefault('10m').meta({ description: 'How long after a node the checks may take to pass' }),
  snapshots: z
    .strictObject({
      directory: z
        .string()
        .min(1)
        .optional()
        .meta({ description: 'Directory of etcd snapshots; default: under state', examples: ['/volume1/etcd'] }),
      keep: z.int().min(1).max(100).default(5).meta({ description: 'How many snapshots to keep' }),
    })
    .prefault({})
    .meta({ description: 'Snapshots of etcd, saved before the first control plane is upgraded' }),
})
