import process from 'node:process'
import type { Interviewed } from '../../src/cli/init/interview.ts'
import type { PlannedFile } from '../../src/cli/init/files.ts'
import { renderEnd, renderFiles, renderFound, reportOf } from '../../src/cli/init/report.ts'
import { notesOf, renderRestored, renderSaved } from '../../src/cli/render-backup.ts'
import type { DeliveryAnswer } from '../../src/cli/delivery-answers.ts'
import { renderDelivery } from '../../src/cli/render-schematic.ts'
import { wrap } from '../../src/cli/wrap.ts'
import { judgeArguments } from '../../src/core/provision/kernel-arguments.ts'
import { machine, node, schematicId, ups } from '../core/setup/seen.ts'

/** What init has found in a homelab that has a bit of everything. */
const found: Interviewed = {
  choices: {
    clusterName: 'homelab',
    cluster: {
      talosconfig: 'talosconfig',
      context: undefined,
      kubeconfig: undefined,
      seen: {
        nodes: [
          node({
            machine: machine({ disks: [{ path: '/dev/sda', size: '500 GB', model: 'LAB SSD', isSystem: true }] }),
          }),
          node({
            name: 'worker-1',
            role: 'worker',
            address: '192.168.0.3',
            macs: [],
            machine: undefined,
            trouble: 'no answer within 10 s',
          }),
        ],
        storage: [],
        remarks: [],
      },
    },
    factory: undefined,
    schematics: [{ name: 'homelab', id: schematicId, nodes: ['cp-1'], text: 'customization: {}\n' }],
    share: { directory: '/volume1/pxe', server: '192.168.0.6', prefix: '' },
    upses: [{ ups: ups(), label: 'ups', isNamed: false }],
    upsUser: undefined,
    feeds: {},
    upgrades: 'weekends',
    timeZone: 'Europe/Warsaw',
    state: '/var/lib/caretaker',
  },
  remarks: [
    'worker-1 did not answer: no answer within 10 s. Run `caretaker init` again when it does',
    'ups: without a user its primary does not wait for the cluster to be down',
  ],
  copied: undefined,
  newPassword: undefined,
}

const file = '/etc/caretaker/caretaker.yaml'
const before = [
  'cluster:',
  '  name: homelab',
  'nodes:',
  '  - name: cp-1',
  '    address: 192.168.0.9',
  '# Machines on a UPS that are not nodes, the one that Caretaker runs on among them. They go last.',
  'state: state',
]
const planned: readonly PlannedFile[] = [
  { path: '/etc/caretaker/schematics/homelab.yaml', text: 'customization: {}\n', before: undefined, isSecret: false },
  { path: '/etc/caretaker/talosconfig', text: 'new', before: 'old', isSecret: true },
  {
    path: file,
    before: `${before.join('\n')}\n`,
    text: `${before.with(4, '    address: 192.168.0.2 # as the node itself says, by its card enp1s0 with the MAC address 00:1b:21:3a:4f:02').join('\n')}\n`,
    isSecret: false,
  },
]
const fault = (setting: string, line: number, message: string) => ({ file, line, column: 3, setting, message })
const check = {
  faults: [fault('state', 7, 'neither valkey-server nor redis-server is installed, and the queue needs one')],
  warnings: [fault('upses.0.user', 5, 'without a user the primary does not wait for the cluster to be down')],
}

const at = '2026-11-27T02:00:00.000Z'
const saved = {
  file: '/var/lib/caretaker/caretaker.backup',
  format: 1,
  version: '0.1.0',
  at,
  journalFormat: 3,
  hasSecrets: false,
  configuration: 'caretaker.yaml',
  files: [{ place: 'state', path: 'journal.db', bytes: 36_864, sha256: '', mode: 0o600 }],
  leftOut: ['/etc/caretaker/talosconfig', '/etc/caretaker/ups-password'],
} as const
const restored = {
  state: '/var/lib/caretaker',
  configuration: file,
  version: '0.1.0',
  at,
  restored: ['/var/lib/caretaker/journal.db', '/etc/caretaker/schematics/homelab.yaml', file],
  kept: '/var/lib/caretaker/replaced-2026-11-27T02-10-00Z',
  finished: null,
} as const

/** What those commands show that change files, or look at machines, by their lines. */
/** A schematic that every machine boots is told where machines ask. */
const delivery: DeliveryAnswer = {
  file: '/etc/caretaker/schematics/homelab.yaml',
  url: 'http://192.168.0.10:8424',
  way: 'device-flow',
  arguments: [],
  diff: [
    '@@ -1,3 +1,5 @@',
    ' customization:',
    '   extraKernelArgs:',
    '     - console=tty0',
    '+    - talos.config=http://192.168.0.10:8424/config?uuid=${uuid}&mac=${mac}&serial=${serial}',
    '+    - talos.config.oauth.client_id=caretaker',
  ].join('\n'),
  before: schematicId,
  after: 'f'.repeat(64),
  ...judgeArguments(['talos.config.inline=KLUv'], { url: 'http://192.168.0.10:8424' }),
  consequences: {
    name: 'homelab',
    differences: ['has the kernel argument talos.config.oauth.client_id=caretaker in addition'],
    isRebuilt: true,
    images: ['metal-amd64-uki.efi'],
    nodes: [{ name: 'w-1', reboots: true, losses: [] }],
  },
  isWritten: false,
}

export function drawnScreens(): Readonly<Record<string, string>> {
  const elsewhere = { ...saved, hasSecrets: true, leftOut: ['/home/me/.talos/config'] }
  const again = {
    ...restored,
    restored: [],
    kept: undefined,
    finished: 'the restore of the backup of yesterday was interrupted, and is finished now',
  }
  return {
    init: initScreen(),
    'schematic delivery': [
      delivery,
      { ...delivery, errors: [], isWritten: true },
      { ...delivery, errors: [], diff: '' },
    ]
      .map(renderDelivery)
      .join('\n\n'),
    backup: [renderSaved(saved), ...notesOf(saved), '', renderSaved(elsewhere), ...notesOf(elsewhere)]
      .map(onTerminal)
      .join('\n'),
    restore: [renderRestored(restored), '', renderRestored(again)].join('\n'),
  }
}

/** As output.note breaks its lines. */
const onTerminal = (line: string) => wrap(line, process.stderr.columns).join('\n')

/** The summary, the difference, and the end. */
function initScreen(): string {
  return [
    renderFound(found),
    renderFiles(planned),
    renderEnd(file, check, 'systemctl restart caretaker'),
    renderEnd(file, { faults: [], warnings: [] }, 'systemctl restart caretaker'),
  ].join('\n\n')
}

export function initJson(): string {
  return JSON.stringify(reportOf(found, planned, { file, isWritten: true, check }))
}
