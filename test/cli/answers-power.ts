import { observed } from '../../src/core/cluster/cluster.ts'
import type { DrillAnswer, PowerAnswer, PowerPlanAnswer } from '../../src/core/operator.ts'
import type { TimelineRowAnswer, UpsAnswer } from '../../src/core/power/answers.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import { ago, present } from './answers-time.ts'

/** The power of the homelab of `answers.ts`. */

const still = {
  loginRefused: undefined,
  silentForMs: undefined,
  driver: { pollIntervalMs: 2_000, pollFrequencyMs: 30_000 },
}

export const upses: readonly UpsAnswer[] = [
  {
    label: 'rack',
    state: {
      mode: 'on-battery',
      since: ago(2),
      forMs: 120_000,
      reading: { status: ['OB', 'DISCHRG'], chargePercent: 81, runtimeMs: 1_260_000, loadPercent: 34 },
    },
    ...still,
    triggers: [
      { reason: 'low-battery', text: 'the UPS reports a low battery (OB LB)' },
      { reason: 'low-charge', text: 'charge below 30 %' },
      {
        reason: 'low-runtime',
        text: 'runtime below 5 min',
        disarmed: 'the UPS does not report battery.runtime, which it would take',
      },
    ],
  },
  {
    label: 'attic',
    state: { mode: 'unknown', since: ago(9), forMs: 540_000, why: 'upsd at nas.lan:3493 did not answer within 3 s' },
    loginRefused: undefined,
    silentForMs: 540_000,
    noReading: { forMs: 540_000, why: 'upsd at nas.lan:3493 did not answer within 3 s' },
    driver: undefined,
    triggers: [],
  },
]

export const power: PowerAnswer = { upses, shutdownRequestedAt: undefined }

export const timeline: readonly TimelineRowAnswer[] = [
  {
    phase: 'cordon',
    fromMs: 0,
    toMs: 5_000,
    likelyMs: 1_000,
    steps: ['cordon cp-1', 'cordon cp-2', 'cordon w-1'],
    reversible: true,
  },
  {
    phase: 'set-storage-flags',
    fromMs: 5_000,
    toMs: 35_000,
    steps: ['set the flag noout of Ceph in rook-ceph'],
    reversible: true,
  },
  {
    phase: 'drain',
    fromMs: 35_000,
    toMs: 215_000,
    likelyMs: 90_000,
    steps: ['drain worker-nuc-attic', 'drain w-1'],
    reversible: true,
  },
  {
    phase: 'shut-down-workers',
    fromMs: 215_000,
    toMs: 335_000,
    likelyMs: 240_000,
    steps: ['shut down worker-nuc-attic', 'shut down w-1'],
    reversible: false,
  },
  {
    phase: 'shut-down-control-planes',
    fromMs: 335_000,
    toMs: 455_000,
    steps: ['shut down cp-1', 'shut down cp-2', 'shut down cp-3'],
    reversible: false,
  },
  { phase: 'shut-down-nas', fromMs: 455_000, toMs: 575_000, steps: ['shut down synology'], reversible: false },
]

export const powerPlan: PowerPlanAnswer = {
  form: 'ordered',
  reason: 'the battery lasts for everything in order, at the longest that each phase may take',
  leftMs: 1_260_000,
  needsMs: 575_000,
  timeline,
  unread: [
    {
      label: 'attic',
      isBlind: false,
      forMs: 540_000,
      why: 'upsd at nas.lan:3493 did not answer within 3 s',
      triggers: [{ reason: 'low-charge', text: 'charge below 30 %', disarmed: 'no reading' }],
    },
  ],
}

export const outages: readonly Outage[] = [
  { startedAt: ago(2), reason: 'on-battery', stage: 'shedding', nodes: {} },
  {
    startedAt: ago(60 * 24 * 3),
    endedAt: ago(60 * 24 * 3 - 42),
    stoppedAt: ago(60 * 24 * 3 - 9),
    wokenAt: ago(60 * 24 * 3 - 30),
    reason: 'low-charge',
    stage: 'over',
    nodes: Object.fromEntries(
      ['cp-1', 'worker-nuc-attic', 'synology'].map((name, index) => [
        name,
        {
          wasUp: true,
          state: 'back',
          at: {
            'shutdown-sent': ago(60 * 24 * 3 - 3 - index),
            off: ago(60 * 24 * 3 - 5 - index),
            'wake-sent': ago(60 * 24 * 3 - 31),
            back: ago(60 * 24 * 3 - 35 - index),
          },
        },
      ]),
    ),
  },
]

const details = {
  variables: {
    'battery.charge': '81',
    'device.model': 'Smart-UPS 1500 ラック',
    'ups.delay.shutdown': '20',
    'ups.status': 'OB DISCHRG',
    'ups.vendorid': '051d',
  },
  writable: ['ups.delay.shutdown'],
  commands: ['beeper.disable', 'beeper.enable', 'load.off', 'load.on', 'shutdown.return', 'test.battery.start.quick'],
  clients: ['127.0.0.1', '192.168.1.20'],
  server: 'Network UPS Tools upsd 2.8.0 - http://www.networkupstools.org/',
  protocol: '1.3',
  driver: { pollIntervalMs: 2_000 },
  secure: false,
}
export const shownUpses = [
  { label: 'rack', details: observed(details) },
  { label: 'attic', details: { ok: false, error: 'upsd at nas.lan:3493 did not answer within 3 s' } },
] as const

export const drill: DrillAnswer = {
  run: { outcome: 'stuck', detail: 'the rehearsal found 1 fault: synology does not let Caretaker in' },
  report: {
    at: present,
    form: 'ordered',
    reason: powerPlan.reason,
    runtimeMs: 1_260_000,
    needsMs: 575_000,
    timeline,
    checks: [
      { subject: 'rack', text: 'upsd lets us log in, and counts 2 clients', ok: true, tookMs: 12 },
      {
        subject: 'synology',
        text: 'ssh admin@synology.lan: Permission denied (publickey): add the key /var/lib/caretaker/id_ed25519.pub to its authorized_keys',
        ok: false,
        tookMs: 812,
      },
    ],
    walked: [
      {
        phase: 'drain',
        tookMs: 45_000,
        failed: ['postgres-0 could not be evicted: its disruption budget allows none'],
      },
    ],
  },
}
