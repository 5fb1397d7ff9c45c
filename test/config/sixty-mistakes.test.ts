import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkConfiguration } from '../../src/cli/check.ts'
import { faultLine } from '../../src/core/fault.ts'
import { temporaryFolder } from '../lab/process.ts'

/** What people get wrong, and the one line that each hears: where it is, and what to do. */

const whole = `nodes:
  - { name: cp-1, role: controlplane, address: 192.168.0.2, mac: 00:1b:21:3a:4f:02 }
  - { name: w-1, role: worker, address: 192.168.0.3, mac: 00:1b:21:3a:4f:03 }
schematic: homelab
share: { directory: share }
upses:
  - { name: ups, host: 192.168.0.6 }
queue: { url: 'redis://127.0.0.1:9' }
state: state
`

interface Case {
  readonly name: string
  /** All of the file. */
  readonly text?: string
  /** Takes the place of a part of the whole configuration, or is added to it. */
  readonly edit?: readonly [part: string, by: string]
  readonly add?: string
  readonly encoding?: 'utf16le'
  /** Behind the name of the file. */
  readonly says: string
}

async function linesOf({ text, edit, add = '', encoding }: Case): Promise<readonly string[]> {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'caretaker.yaml')
  await mkdir(join(folder.path, 'share'))
  await mkdir(join(folder.path, 'schematics'))
  await writeFile(join(folder.path, 'schematics', 'homelab.yaml'), 'customization: {}\n')
  if (edit && !whole.includes(edit[0])) throw new Error(`nothing to edit: ${edit[0]}`)
  const written = text ?? (edit ? whole.replace(...edit) : whole) + add
  await writeFile(file, encoding ? Buffer.from(`\uFEFF${written}`, encoding) : written)
  const { faults } = await checkConfiguration(file, { PATH: process.env['PATH'] }, process.getuid!())
  return faults.map((fault) => faultLine(fault).replaceAll(`${folder.path}/`, ''))
}

test('without a mistake nothing is said', async () => {
  expect(await linesOf({ name: 'none', says: '' })).toEqual([])
})

test.each<Case>([
  { name: 'an empty file', text: '', says: '1:1: the file holds no settings' },
  { name: 'a file of comments', text: '# nothing yet\n', says: '1:1: the file holds no settings' },
  {
    name: 'a list instead of settings',
    text: '- nodes\n- share\n',
    says: '1:1: the file is a list, and holds no settings: write them without dashes, as `setting: value`',
  },
  { name: 'UTF-16 as Notepad saves it', encoding: 'utf16le', says: '1:1: it is UTF-16: save the file as UTF-8' },
  { name: 'a file that is no text', text: 'PK\u0003\u0004\u0000\u0000', says: '1:1: it is not a text file' },
  {
    name: 'line ends of an old Mac',
    text: 'schematic: homelab\rshare: { directory: share }\r',
    says: '1:1: its lines end with CR alone: save the file with LF or CRLF',
  },
  {
    name: 'a tab',
    edit: ['  - { name: cp-1', '\t- { name: cp-1'],
    says: '2:1: the line is indented with a tab: use spaces',
  },
  {
    name: 'a quote that is not closed',
    add: "cluster: { name: 'lab }\n",
    says: '11:1: a quote is opened and not closed',
  },
  {
    name: 'a bracket that is not closed',
    edit: ['192.168.0.6 }', '192.168.0.6'],
    says: '8:1: a bracket is opened before this and not closed, or this line is not indented further than its setting',
  },
  {
    name: 'a colon without a space',
    edit: ['state: state', 'state:state'],
    says: '9:1: a colon is missing: write `setting: value`',
  },
  {
    name: 'a setting twice',
    add: 'schematic: other\n',
    says: '10:1: schematic: is already set in line 4: keep one of them',
  },
  {
    name: 'a second document',
    add: '---\nstate: elsewhere\n',
    says: '10:1: a second document begins here (---): keep one, and leave out this line',
  },
  {
    name: 'an alias',
    add: 'power: { shed: [&batch { selector: tier=batch }, *batch] }\n',
    says: '10:50: aliases (*name) are not supported here: write the value out',
  },
  {
    name: 'a merge key',
    add: 'power: { <<: { deadTime: 30s } }\n',
    says: '10:10: power.<<: merge keys (<<) are not supported here: write the settings out',
  },
  {
    name: 'a tag',
    edit: ['state: state', 'state: !env STATE'],
    says: '9:8: tags (!name) are not supported here: quote the value',
  },
  {
    name: 'a section that is misspelled',
    add: 'upgrades: { soak: 7d }\n',
    says: '10:1: upgrades: is not a setting; did you mean upgrade?',
  },
  {
    name: 'a setting that is misspelled',
    add: 'power: { deadtime: 30s }\n',
    says: '10:10: power.deadtime: is not a setting; did you mean deadTime?',
  },
  {
    name: 'a setting in snake case',
    add: 'upgrade: { drain_timeout: 5m }\n',
    says: '10:12: upgrade.drain_timeout: is not a setting; did you mean drainTimeout?',
  },
  {
    name: 'a setting on the wrong level',
    add: 'maxOnBattery: 10m\n',
    says: '10:1: maxOnBattery: is not a setting; did you mean power.maxOnBattery?',
  },
  {
    name: 'a setting of an older version',
    add: 'power: { drain: 90s }\n',
    says: '10:10: power.drain: is now called power.drainTimeout',
  },
  { name: 'a setting that is missing', edit: ['schematic: homelab\n', ''], says: '1:1: schematic: is missing' },
  {
    name: 'a choice that is missing',
    edit: ['role: worker, ', ''],
    says: '3:5: nodes.1.role: is missing: use controlplane or worker',
  },
  {
    name: 'a setting without a value',
    edit: ['share: { directory: share }', 'share: { directory: }'],
    says: '5:21: share.directory: is empty: write a value',
  },
  {
    name: 'a list for a group',
    edit: ['share: { directory: share }', 'share: [share]'],
    says: '5:1: share: holds settings by their names, and this is a list: leave out the dashes or brackets',
  },
  {
    name: 'a group for a list',
    edit: ['  - { name: ups, host', '  { name: ups, host'],
    says: '6:1: upses: is a list: begin each entry with `- `',
  },
  {
    name: 'a value for a list',
    add: "upgrade: { windows: [{ days: sat, from: '02:00', to: '06:00' }] }\n",
    says: '10:30: upgrade.windows.0.days: is a list: put it in brackets, `[…]`, or begin each entry with `- `',
  },
  {
    name: 'yes',
    add: 'upgrade: { enabled: yes }\n',
    says: '10:21: upgrade.enabled: use true or false; did you mean true?',
  },
  {
    name: 'true in quotes',
    add: "upgrade: { enabled: 'false' }\n",
    says: '10:21: upgrade.enabled: use true or false, without quotes; did you mean false?',
  },
  {
    name: 'a number in quotes',
    edit: ['host: 192.168.0.6', "host: 192.168.0.6, port: '3493'"],
    says: '7:43: upses.0.port: use a whole number from 1 to 65535; did you mean 3493?',
  },
  {
    name: 'a number for a name',
    edit: ['name: w-1', 'name: 01'],
    says: "3:13: nodes.1.name: is text, and this is read as a number: put it in quotes; did you mean '01'?",
  },
  {
    name: 'a port that is none',
    edit: ['host: 192.168.0.6', 'host: 192.168.0.6, port: 34930000'],
    says: '7:43: upses.0.port: use a whole number from 1 to 65535',
  },
  {
    name: 'a percentage with its sign',
    add: 'power: { minimumCharge: 30% }\n',
    says: '10:25: power.minimumCharge: use a number from 0 to 100 (in %, without the sign); did you mean 30?',
  },
  {
    name: 'a percentage over 100',
    add: 'upgrade: { minimumCharge: 500 }\n',
    says: '10:27: upgrade.minimumCharge: use a number from 0 to 100 (in %, without the sign)',
  },
  {
    name: 'a duration without its unit',
    add: 'power: { deadTime: 30 }\n',
    says: '10:20: power.deadTime: use a duration such as 30s, 10m, 2h or 7d; did you mean 30s?',
  },
  {
    name: 'a duration in words',
    add: 'upgrade: { soak: 2 weeks }\n',
    says: '10:18: upgrade.soak: use a duration such as 30s, 10m, 2h or 7d; did you mean 14d?',
  },
  {
    name: 'two units',
    add: 'upgrade: { nodeEstimate: 1h30m }\n',
    says: '10:26: upgrade.nodeEstimate: use a duration such as 30s, 10m, 2h or 7d; did you mean 90m?',
  },
  {
    name: 'a version without its v',
    add: 'upgrade: { pin: 1.13.9 }\n',
    says: '10:17: upgrade.pin: use a Talos release such as v1.13.9; did you mean v1.13.9?',
  },
  {
    name: 'a version of two numbers',
    add: 'upgrade: { skip: [v1.13.8, 1.13] }\n',
    says: '10:28: upgrade.skip.1: use a Talos release such as v1.13.9; did you mean v1.13.0?',
  },
  {
    name: 'an hour with one digit',
    add: "upgrade: { windows: [{ from: 2:00, to: '06:00' }] }\n",
    says: '10:30: upgrade.windows.0.from: use a time of day such as 02:00; did you mean 02:00?',
  },
  {
    name: 'a day in full',
    add: "upgrade: { windows: [{ days: [saturday], from: '02:00', to: '06:00' }] }\n",
    says: '10:31: upgrade.windows.0.days.0: use sun, mon, tue, wed, thu, fri or sat; did you mean sat?',
  },
  {
    name: 'a time zone that is misspelled',
    add: 'upgrade: { timeZone: Europe/Warsav }\n',
    says: '10:22: upgrade.timeZone: use a time zone such as Europe/Warsaw; did you mean Europe/Warsaw?',
  },
  {
    name: 'a city for a time zone',
    add: 'upgrade: { timeZone: Berlin }\n',
    says: '10:22: upgrade.timeZone: use a time zone such as Europe/Warsaw; did you mean Europe/Berlin?',
  },
  {
    name: 'a date as Germans write it',
    add: 'upgrade: { blackouts: [{ from: 24.12.2026, to: 2026-12-27 }] }\n',
    says: '10:32: upgrade.blackouts.0.from: use a date such as 2026-12-24, or 2026-12-24T18:00:00+01:00; did you mean 2026-12-24?',
  },
  {
    name: 'a day that does not exist',
    add: 'storage: { accept: [{ name: OSD_NEARFULL, until: 2026-02-30 }] }\n',
    says: '10:50: storage.accept.0.until: use the last day, such as 2026-12-31, or a time such as 2026-12-31T18:00:00+01:00',
  },
  {
    name: 'a blackout that ends before it starts',
    add: 'upgrade: { blackouts: [{ from: 2026-12-27, to: 2026-12-24 }] }\n',
    says: '10:48: upgrade.blackouts.0.to: ends before it starts',
  },
  {
    name: 'a role by its old name',
    edit: ['role: controlplane', 'role: master'],
    says: '2:25: nodes.0.role: use controlplane or worker; did you mean controlplane?',
  },
  {
    name: 'an architecture by another name',
    edit: ['directory: share }', 'directory: share, architecture: x86_64 }'],
    says: '5:42: share.architecture: use amd64 or arm64; did you mean amd64?',
  },
  {
    name: 'a MAC address without colons',
    edit: ['00:1b:21:3a:4f:03', '001b213a4f03'],
    says: '3:59: nodes.1.mac: use a MAC address such as 00:1b:21:3a:4f:5c; did you mean 00:1b:21:3a:4f:03?',
  },
  {
    name: 'a MAC address that is too short',
    edit: ['00:1b:21:3a:4f:03', '00:1b:21:3a:4f'],
    says: '3:59: nodes.1.mac: use a MAC address such as 00:1b:21:3a:4f:5c',
  },
  {
    name: 'an address with a port',
    edit: ['host: 192.168.0.6', "host: '192.168.0.6:3493'"],
    says: '7:24: upses.0.host: use a host name or an IP address, without a port; did you mean 192.168.0.6?',
  },
  {
    name: 'an address with 300 in it',
    edit: ['192.168.0.3,', '192.168.0.300,'],
    says: '3:41: nodes.1.address: 192.168.0.300 is not an IPv4 address: it has four numbers, each at most 255',
  },
  {
    name: 'one address twice',
    edit: ['192.168.0.3,', '192.168.0.2,'],
    says: '3:41: nodes.1.address: another node has this address',
  },
  {
    name: 'a URL without its scheme',
    add: 'factory: { url: factory.talos.dev }\n',
    says: '10:17: factory.url: use a URL such as https://nas.lan:8420/path; did you mean https://factory.talos.dev?',
  },
  {
    name: 'a password in a URL',
    add: "factory: { url: 'https://me:hunter2@factory.lan' }\n",
    says: '10:17: factory.url: keep the user name and password out of the URL: it is shown and logged',
  },
  {
    name: 'a secret in the file',
    edit: ['host: 192.168.0.6', 'host: 192.168.0.6, user: u, password: hunter2'],
    says: '7:56: upses.0.password: refer to the secret as {file: PATH} or {env: NAME}; never write it here',
  },
  {
    name: 'a user without a password',
    edit: ['host: 192.168.0.6', 'host: 192.168.0.6, user: u'],
    says: '7:43: upses.0.user: needs a password, too',
  },
  {
    name: 'a UPS that there is not',
    edit: ['00:1b:21:3a:4f:03', '00:1b:21:3a:4f:03, feed: { any: [usp] }'],
    says: '3:78: nodes.1.feed: there is no UPS usp; did you mean ups?',
  },
  {
    name: 'several UPSes, and nobody says which',
    text: "nodes:\n  - { name: cp-1, role: controlplane, address: 192.168.0.2, mac: 00:1b:21:3a:4f:02, feed: { any: [ups, shelf] } }\n  - { name: w-1, role: worker, address: 192.168.0.3, mac: 00:1b:21:3a:4f:03 }\nschematic: homelab\nshare: { directory: share }\nupses:\n  - { name: ups, host: 192.168.0.7, label: shelf }\n  - { name: ups, host: 192.168.0.6 }\nqueue: { url: 'redis://127.0.0.1:9' }\nstate: state\n",
    says: '3:5: nodes.1.feed: there are several UPSes: set feed here, or power.feed for all machines',
  },
  {
    name: 'a canary that there is not',
    add: 'upgrade: { canary: { node: w1 } }\n',
    says: '10:28: upgrade.canary.node: there is no node w1; did you mean w-1?',
  },
  {
    name: 'only workers',
    edit: ['role: controlplane', 'role: worker'],
    says: '1:1: nodes: name at least one control plane',
  },
  {
    name: 'a selector that is none',
    add: "power: { shed: [{ selector: 'tier: batch' }] }\n",
    says: "10:29: power.shed.0.selector: is not a label selector: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character; did you mean tier=batch?",
  },
  {
    name: 'an expression that is none',
    add: "upgrade: { checks: [{ name: db, object: { apiVersion: v1, kind: Pod, cel: 'object.status.phase = ' } }] }\n",
    says: '10:21: upgrade.checks.0: db: its CEL expression is wrong: Unexpected character: = (column 21)',
  },
  {
    name: 'a check of nothing',
    add: 'upgrade: { checks: [{ name: web }] }\n',
    says: '10:21: upgrade.checks.0: needs exactly one of http, prometheus and object',
  },
  {
    name: 'a URL that is missing',
    add: 'hosts: [{ name: nas, address: 192.168.0.6, shutdown: { http: {} } }]\n',
    says: '10:56: hosts.0.shutdown.http.url: is missing',
  },
  {
    name: 'a method in small letters',
    add: "hosts: [{ name: nas, address: 192.168.0.6, shutdown: { http: { url: 'http://nas/off', method: post } } }]\n",
    says: '10:95: hosts.0.shutdown.http.method: use GET, POST, PUT, PATCH or DELETE; did you mean POST?',
  },
  {
    name: 'a shutdown by a word',
    add: 'hosts: [{ name: nas, address: 192.168.0.6, shutdown: ssh }]\n',
    says: '10:54: hosts.0.shutdown: use {ssh: {user: …, key: …, knownHosts: …}} or {http: {url: …}}',
  },
  {
    name: 'a type of channel that is misspelled',
    add: 'notifications: { channels: { phone: { type: nfty, topic: homelab } } }\n',
    says: '10:45: notifications.channels.phone.type: use apprise, discord, email, gotify, heartbeat, matrix, ntfy, pushover, slack, telegram or webhook; did you mean ntfy?',
  },
  {
    name: 'a channel that there is not',
    add: 'notifications: { channels: { phone: { type: ntfy, topic: homelab } }, routes: [{ channels: [phon] }] }\n',
    says: '10:93: notifications.routes.0.channels.0: there is no channel phon; did you mean phone?',
  },
  {
    name: 'a field of a template that there is not',
    add: "notifications: { channels: { hook: { type: webhook, url: 'http://nas/hook', template: '{{titel}}' } } }\n",
    says: '10:87: notifications.channels.hook.template: there is no {{titel}}: use {{id}}, {{thread}}, {{kind}}, {{severity}}, {{topic}}, {{subject}}, {{at}}, {{title}}, {{text}}, {{details}}, {{body}}, {{homelab}}, {{link}}',
  },
  {
    name: 'an address of the API with its port',
    add: "api: { address: '127.0.0.1:8420' }\n",
    says: '10:17: api.address: use a host name or an IP address, without a port; did you mean 127.0.0.1?',
  },
  {
    name: 'a broadcast address that is none',
    add: 'power: { wake: { broadcast: 192.168.0 } }\n',
    says: '10:29: power.wake.broadcast: use an IPv4 address such as 192.168.0.255',
  },
  {
    name: 'a pin that is skipped',
    add: 'upgrade: { pin: v1.13.9, skip: [v1.13.9] }\n',
    says: '10:17: upgrade.pin: v1.13.9 is in upgrade.skip as well, so nothing would ever be upgraded',
  },
  {
    name: 'a schematic that there is not',
    edit: ['schematic: homelab', 'schematic: homelap'],
    says: '4:12: schematic: schematics/homelap.yaml is missing; did you mean homelab?',
  },
  {
    name: 'a talosconfig that there is not',
    add: 'cluster: { talosconfig: talosconfig }\n',
    says: '10:25: cluster.talosconfig: talosconfig does not exist',
  },
  {
    name: 'a state directory in the share',
    edit: ['state: state', 'state: share/state'],
    says: '9:8: state: share/state is in the share, which TFTP serves to everybody: give it a directory of its own',
  },
])('$name', async (one) => {
  const lines = await linesOf(one)
  expect(lines).toEqual([`caretaker.yaml:${one.says}`])
  expect(lines[0]).not.toContain('hunter2')
})
