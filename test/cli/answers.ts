import { observed } from '../../src/core/cluster/cluster.ts'
import type { DoctorReport } from '../../src/core/doctor/check.ts'
import type { Alert } from '../../src/core/alert.ts'
import type { Entry, Run } from '../../src/core/journal.ts'
import type { Delivery } from '../../src/core/notify/delivery.ts'
import type { JobAnswer, PlanAnswer, PowerAnswer, PowerPlanAnswer, StatusAnswer } from '../../src/core/operator.ts'
import type { TimelineRowAnswer, UpsAnswer } from '../../src/core/power/answers.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import type { StagedImage } from '../../src/core/release/image.ts'
import type { Rollout } from '../../src/core/upgrade/record.ts'
import type { startDaemon } from '../http/daemon.ts'
import { clusterOf, controlPlanes, schematic, worker } from '../core/cluster/nodes.ts'

/** A homelab in the middle of a rollout, with a lot to say: long names, long reasons, and letters of every width. */

/** The time at which everything here is so. */
export const present = '2026-11-26T21:40:00Z'
/** So many minutes before that. */
const ago = (minutes: number) => new Date(Date.parse(present) - minutes * 60_000).toISOString()

const nodes = [
  ...controlPlanes({}, {}, { kubernetes: { unschedulable: true } }),
  worker('worker-nuc-attic', {
    kubernetes: {
      attempts: {
        release: 'v1.13.9',
        count: 2,
        failure: 'the kubelet did not become Ready within 10 min after the reboot',
      },
    },
  }),
  worker('worker-gpu-1', { talos: 'silent' }),
  worker('w-1', { kubernetes: { paused: '待っているディスク 💾, ordered on Monday' } }),
]

const running: Run = {
  id: 7,
  job: 'upgrade-node',
  startedAt: ago(4),
  endedAt: ago(3),
  outcome: 'later',
  detail: 'worker-gpu-1 is not ready: the machine API did not answer within 10 s, so no other node is drained',
}

const jobs: readonly JobAnswer[] = [
  {
    name: 'upgrade-node',
    about: 'upgrades one node',
    triggers: [{ on: 'release.published' }, { on: 'image.staged' }, { on: 'node.changed' }, { every: '5m' }] as never,
    runs: 'queue',
    lastRun: running,
  },
  {
    name: 'check-backups',
    about: 'checks',
    triggers: [{ cron: '0 4 * * 0' }],
    runs: 'queue',
    lastRun: { ...running, job: 'check-backups', outcome: 'done', detail: 'nothing to do' },
  },
  {
    name: 'shut-down-cluster',
    about: 'shuts down',
    triggers: [{ on: 'power.critical' }] as never,
    runs: 'in-process',
    lastRun: undefined,
  },
]

const still = {
  loginRefused: undefined,
  silentForMs: undefined,
  driver: { pollIntervalMs: 2_000, pollFrequencyMs: 30_000 },
}

const upses: readonly UpsAnswer[] = [
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

const power: PowerAnswer = { upses, shutdownRequestedAt: undefined }

const timeline: readonly TimelineRowAnswer[] = [
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

const powerPlan: PowerPlanAnswer = {
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

const alerts: readonly Alert[] = [
  {
    id: 'ups.silent:attic',
    severity: 'critical',
    subject: 'attic',
    text: 'attic has not answered for 9 min: a power cut there is not noticed',
    action: 'check upsd at nas.lan:3493, and the cable between it and the UPS',
    since: ago(9),
  },
  {
    id: 'node.attempts:worker-nuc-attic',
    severity: 'warning',
    subject: 'worker-nuc-attic',
    text: 'the upgrade of worker-nuc-attic to v1.13.9 has failed twice',
    since: ago(200),
  },
]
const settled: Alert = {
  id: 'lease',
  severity: 'warning',
  subject: 'cluster',
  text: 'another agent holds the lease',
  since: ago(3_000),
  settledAt: ago(2_900),
}

const outages: readonly Outage[] = [
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

const plan: PlanAnswer = {
  release: {
    kind: 'target',
    version: 'v1.13.9',
    reason: 'the newest patch of 1.13, which was published 9 d ago and has soaked for 7 d',
  },
  held: [],
  version: 'v1.13.9',
  decision: {
    kind: 'go',
    first: [
      {
        id: 'snapshot-etcd',
        steps: [{ do: 'snapshot-etcd', node: 'cp-1', release: 'v1.13.9', within: 60_000 }],
        stops: [],
      } as never,
    ],
    nodes: [
      {
        node: 'worker-nuc-attic',
        intent: 'upgrade',
        reason: 'it runs v1.13.8, and workers go first',
        plan: [
          {
            id: 'pull-images',
            steps: [
              {
                do: 'pull-image',
                node: 'worker-nuc-attic',
                image: `factory.talos.dev/metal-installer/${schematic}:v1.13.9`,
                within: 600_000,
              },
            ],
            stops: [],
          } as never,
          { id: 'verify-etcd', steps: [{ do: 'await-etcd', within: 60_000 }], stops: [] } as never,
          { id: 'settle', steps: [{ do: 'settle', node: 'worker-nuc-attic', lasts: 120_000 }], stops: [] } as never,
        ],
      },
    ],
  },
  order: ['worker-nuc-attic', 'worker-gpu-1', 'w-1', 'cp-3', 'cp-2', 'cp-1'],
  takesMs: 3_900_000,
  toApprove: ['cp-1'],
  warnings: ['cp-3 stays behind: it is cordoned by someone else, and is left alone until it is uncordoned'],
}

const rollout: Rollout = {
  id: ago(90),
  release: 'v1.13.9',
  startedAt: ago(90),
  snapshot: '/var/lib/caretaker/snapshots/v1.13.9-2026-11-26.db',
  nodes: {
    'worker-nuc-attic': {
      role: 'worker',
      from: 'v1.13.8',
      startedAt: ago(90),
      endedAt: ago(80),
      outcome: 'failed',
      tookMs: 600_000,
      failures: ['the kubelet did not become Ready within 10 min after the reboot'],
      phases: { drain: 61_000, install: 35_000, reboot: 90_000, 'verify-boot': 400_000 },
    },
    'w-1': { role: 'worker', from: 'v1.13.8', startedAt: ago(12), failures: [], phases: { drain: 41_000 } },
  },
}
const former: Rollout = {
  ...rollout,
  id: ago(9_000),
  release: 'v1.13.8',
  startedAt: ago(9_000),
  endedAt: ago(8_960),
  outcome: 'done',
}

const staged: readonly StagedImage[] = ['v1.13.9', 'v1.13.8'].map((version, index) => ({
  version,
  schematic,
  architecture: 'amd64',
  sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  bytes: 104_857_600 + index,
  stagedAt: ago(300 + index * 10_000),
  path: `${version}/image.efi`,
  published: index === 0,
}))

const entries: readonly Entry[] = [
  { id: 5, at: ago(1), kind: 'step', subject: 'worker-nuc-attic', text: 'drain worker-nuc-attic: done' },
  {
    id: 4,
    at: ago(2),
    kind: 'power',
    subject: 'rack',
    text: 'rack is on battery, with a charge of 84 % and a runtime of 22 min at a load of 34 %',
  },
  {
    id: 3,
    at: ago(9),
    kind: 'alert',
    subject: 'attic',
    text: 'attic has not answered for 9 min: a power cut there is not noticed; check upsd at nas.lan:3493, and the cable between it and the UPS',
  },
  {
    id: 2,
    at: ago(90),
    kind: 'run',
    subject: 'upgrade-node',
    text: 'upgrade-node was started by 管理者@nas (unverified)',
  },
  { id: 1, at: ago(700), kind: 'event', subject: undefined, text: 'v1.13.9 was published' },
]

const status: StatusAnswer = {
  version: '0.2.0',
  pid: 4242,
  startedAt: ago(60 * 24 * 9),
  cluster: { ...clusterOf(...nodes), observedAt: present },
  power,
  target: 'v1.13.9',
  news: undefined,
  leftBehind: ['cp-3 stays behind: it is cordoned by someone else, and is left alone until it is uncordoned'],
  leaseHolder: 'caretaker on synology',
  activities: [
    {
      job: 'upgrade-node',
      step: 'drain worker-nuc-attic',
      since: ago(3),
      hint: 'waiting for 3 pods, among them postgres-0 of the namespace databases',
    },
  ],
  alerts: { open: alerts.length, worst: alerts[0] },
  outage: outages[0],
  paused: { reason: 'guests until Sunday', by: 'admin@nas (unverified)', since: ago(1_000) },
  waiting: 'worker-gpu-1 is not ready',
  published: staged[0],
  queue: { active: 1, wait: 0, delayed: 2, failed: 1 },
  services: [
    { name: 'api', state: 'running', since: ago(500), text: 'https://caretaker.lan:8420, 2 clients follow' },
    { name: 'queue', state: 'down', since: ago(5), text: 'no such host: valkey.lan' },
  ],
  missing: [],
  configuration: 'caretaker.yaml was changed since the start; restart needed for: hosts',
  journalDegraded: undefined,
}

const deliveries: readonly Delivery[] = [
  ['sent', 'homelab: worker-nuc-attic has failed twice', undefined],
  [
    'waiting',
    'homelab: attic has not answered for 9 min',
    'ntfy.sh did not answer within 10 s; it is tried again in 5 min',
  ],
].map(([state, title, why], index) => ({
  id: index,
  channel: index === 0 ? 'phone' : 'family-telegram',
  state: state as Delivery['state'],
  queuedAt: ago(9 - index),
  attempts: index + 1,
  message: {
    id: 'a',
    thread: 'a',
    kind: 'alert',
    severity: 'warning',
    topic: 'a',
    subject: 'a',
    at: ago(9),
    title: title!,
    text: title!,
    buttons: [],
  },
  ...(why === undefined ? {} : { why }),
}))

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
const shownUpses = [
  { label: 'rack', details: observed(details) },
  { label: 'attic', details: { ok: false, error: 'upsd at nas.lan:3493 did not answer within 3 s' } },
] as const

const report: DoctorReport = {
  at: ago(3),
  tookMs: 4_200,
  fixed: ['/etc/caretaker/ntfy.token has the mode 600 now, and had 644'],
  checks: [
    { id: 'factory.reach', subject: 'factory', verdict: 'ok', reason: 'offers 214 releases', tookMs: 90 },
    {
      id: 'share.tftp',
      subject: 'share',
      verdict: 'ok',
      reason: 'what was written is read back over TFTP',
      tookMs: 60,
    },
    {
      id: 'node.role:cp-1',
      subject: 'cp-1',
      verdict: 'failed',
      reason: 'runs as a worker and is configured as a controlplane',
      next: 'Set `role: worker` for cp-1 in caretaker.yaml, or install the node with the right machine type',
      tookMs: 1_200,
    },
    {
      id: 'host.sudo:synology',
      subject: 'synology',
      verdict: 'warning',
      reason: 'asks for a password before it shuts down: sudo -n -l /usr/sbin/shutdown fails',
      next: 'Allow the command without a password in /etc/sudoers.d/caretaker',
      tookMs: 700,
    },
    { id: 'share.image', subject: 'share', verdict: 'skipped', reason: 'no image is staged yet', tookMs: 1 },
  ],
}

/** What a daemon of this homelab answers. */
export const answers: Parameters<typeof startDaemon>[0] = {
  status: async () => status,
  alerts: () => alerts,
  settledAlerts: () => ({ items: [settled] }),
  journal: () => ({ items: entries }),
  jobs: {
    list: () => jobs,
    failed: async () => [
      {
        job: 'stage-image',
        failedAt: ago(400),
        attempts: 5,
        reason: 'the Image Factory at https://factory.talos.dev answered with HTTP 502 Bad Gateway',
      },
    ],
    run: async () => ({ outcome: 'later', detail: running.detail! }),
  },
  rollouts: {
    releases: async () =>
      ['v1.14.0-beta.1', 'v1.13.9', 'v1.13.8', 'v1.12.11'].map((version) => ({
        version,
        isPrerelease: version.includes('-'),
        isWithdrawn: false,
      })),
    status: async () => ({
      plan,
      current: rollout,
      approved: 'v1.13.9',
      aborted: [{ release: 'v1.13.7', by: 'admin@nas (unverified)', at: ago(20_000) }],
      paused: status.paused,
      openUntil: undefined,
      snapshot: undefined,
    }),
    plan: async () => plan,
    history: () => ({ items: [rollout, former] }),
  },
  nodes: { list: async () => nodes },
  power: {
    state: () => power,
    plan: () => powerPlan,
    upses: async () => shownUpses,
    ups: async () => shownUpses[0],
    outages: () => ({ items: outages }),
    drill: async () => ({
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
    }),
  },
  staging: { staged: async () => staged, stage: async () => ({ outcome: 'done', detail: 'v1.13.9 staged' }) },
  notifications: {
    log: () => ({ items: deliveries.toReversed() }),
    test: async () => [
      { channel: 'phone', sent: true, detail: 'sent', tookMs: 240 },
      {
        channel: 'family-telegram',
        sent: false,
        detail: 'Telegram refuses the token: HTTP 401 Unauthorized; make a new one with @BotFather',
        tookMs: 130,
      },
    ],
  },
  doctor: {
    state: () => ({ last: report, underWay: undefined }),
    examine: async () => report,
  },
  names: () => ({
    nodes: nodes.map(({ name }) => name),
    hosts: ['synology'],
    upses: ['rack', 'attic'],
    jobs: jobs.map(({ name }) => name),
    releases: ['v1.13.9', 'v1.13.8'],
  }),
  activities: () => status.activities,
  tokens: {
    list: () => [
      { name: 'phone', scope: 'operate', createdAt: ago(9_000), expiresAt: ago(-9_000) },
      { name: 'kitchen-tablet-by-the-door', scope: 'read', createdAt: ago(90_000) },
    ],
  },
}
