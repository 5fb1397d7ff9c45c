import type { DoctorReport } from '../../src/core/doctor/check.ts'
import type { Alert } from '../../src/core/alert.ts'
import type { Entry, Run } from '../../src/core/journal.ts'
import type { Delivery } from '../../src/core/notify/delivery.ts'
import type { JobAnswer, StatusAnswer } from '../../src/core/operator.ts'
import type { startDaemon } from '../http/daemon.ts'
import { clusterOf } from '../core/cluster/nodes.ts'
import { machines } from './answers-machines.ts'
import { netboot } from './answers-netboot.ts'
import { drill, outages, power, powerPlan, shownUpses } from './answers-power.ts'
import { former, nodes, plan, rollout, staged } from './answers-rollout.ts'
import { ago, present } from './answers-time.ts'

/** A homelab in the middle of a rollout, with a lot to say: long names, long reasons, and letters of every width. */

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
  leaseHolder: 'upgrade',
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
  images: [{ name: 'amd64', file: 'metal-amd64-uki.efi', published: staged[0], note: undefined }],
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
    fit: () => powerPlan,
    upses: async () => shownUpses,
    ups: async () => shownUpses[0],
    outages: () => ({ items: outages }),
    drill: async () => drill,
  },
  staging: {
    staged: async () => staged,
    stage: async () => ({ outcome: 'done', detail: 'v1.13.9 staged' }),
    rollBack: async () => ({ outcome: 'done', detail: 'v1.13.8 staged' }),
  },
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
  netboot,
  machines,
  machineConfigs: {
    render: async () => ({
      name: 'worker-2',
      role: 'worker',
      contract: '1.13',
      installs: { version: 'v1.13.9', schematic: 'ca3fbb9c3bb73ff71b7629ef5b487c827b93878609f361b0e1e555342378b595' },
      patches: ['nut-client.yaml'],
      masked: ['version: v1alpha1', 'machine:', '    type: worker', '    token: "(secret)"'],
      diff: ['@@ -2,3 +2,4 @@', ' machine:', '     type: worker', '-    persist: true', '+    kernel: {}'],
      warnings: ['/dev/sda may be another disk after a restart'],
    }),
  },
  names: () => ({
    nodes: nodes.map(({ name }) => name),
    hosts: ['synology'],
    upses: ['rack', 'attic'],
    jobs: jobs.map(({ name }) => name),
    machines: ['worker-nuc-attic', '52:54:00:aa:bb:cc'],
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
