import { expect, test } from 'vitest'
import { AgentError, messageOf } from '../../src/core/errors.ts'
import { parseSchematic } from '../../src/config/config.ts'
import { nearest } from '../../src/core/spelling.ts'
import { parseWhole } from './whole.ts'

/** What is said of a configuration that lacks nothing but what stands in `add`. */
function faultsOf(add: string): readonly string[] {
  try {
    parseWhole(`schematic: homelab\nshare: { directory: /srv }\n${add}`, 'c.yaml')
    return []
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    return messageOf(error).split('\n')
  }
}

test.each([
  { where: 'at the top', add: 'upgrades: {}', hint: 'upgrades: is not a setting; did you mean upgrade?' },
  {
    where: 'in a section',
    add: 'power: { deadtime: 3s }',
    hint: 'power.deadtime: is not a setting; did you mean deadTime?',
  },
  {
    where: 'two levels down',
    add: 'power: { wake: { stagegr: 3s } }',
    hint: 'power.wake.stagegr: is not a setting; did you mean stagger?',
  },
  {
    where: 'in a list',
    add: 'upses: [{ host: nas, monitor: x, lable: y }]',
    hint: 'upses.0.lable: is not a setting; did you mean label?',
  },
  {
    where: 'in a list within a section',
    add: 'upgrade: { windows: [{ form: "01:00", to: "02:00" }] }',
    hint: 'upgrade.windows.0.form: is not a setting; did you mean from?',
  },
  {
    where: 'in one of several choices',
    add: 'hosts: [{ name: nas, address: nas, shutdown: { ssh: { usr: u, key: k, knownHosts: h } } }]',
    hint: 'hosts.0.shutdown.ssh.usr: is not a setting; did you mean user?',
  },
  {
    where: 'in the section of a service',
    add: 'queue: { ulr: x }',
    hint: 'queue.ulr: is not a setting; did you mean url?',
  },
  {
    where: 'in another style',
    add: 'power: { dead_time: 3s }',
    hint: 'power.dead_time: is not a setting; did you mean deadTime?',
  },
  {
    where: 'on another level than its own',
    add: 'maxOnBattery: 3m',
    hint: 'maxOnBattery: is not a setting; did you mean power.maxOnBattery?',
  },
])('a name that is misspelled $where is told with the one that is meant', ({ add, hint }) => {
  expect(faultsOf(add)).toContainEqual(
    expect.stringMatching(new RegExp(`^c\\.yaml:3:\\d+: ${hint.replaceAll(/[?.()]/g, '\\$&')}$`)),
  )
})

test('what is near nothing is told without a guess', () => {
  expect(faultsOf('colour: red')).toEqual(['c.yaml:3:1: colour: is not a setting'])
  expect(faultsOf('power: { x: 1 }')).toEqual(['c.yaml:3:10: power.x: is not a setting'])
  expect(nearest('k'.repeat(5_000), ['kubeconfig'])).toBeUndefined()
})

test('a schematic has its own names', () => {
  expect(() => parseSchematic('customization: { extraKernelArg: [] }', 's.yaml')).toThrow(
    's.yaml:1:18: customization.extraKernelArg: is not a setting; did you mean extraKernelArgs?',
  )
})

test.each([
  {
    name: 'entries of a list that are not aligned',
    add: 'nodes:\n - name: a\n  - name: b\n',
    says: ['c.yaml:5:3: the entries of a list must begin in the same column: align the dashes'],
  },
  {
    name: 'a setting that is indented less than its section',
    add: 'power:\n    deadTime: 3s\n  drainTimeout: 3s\n',
    says: [
      'c.yaml:5:1: the indentation does not fit the lines around it: settings of one level begin in the same column',
    ],
  },
  {
    name: 'a setting that is indented more than the one before',
    add: 'power:\n  deadTime: 3s\n   drainTimeout: 3s\n',
    says: [
      'c.yaml:4:13: another setting follows where a value stands: check the indentation of the next line, or quote a value with a colon',
    ],
  },
  {
    name: 'a tab',
    add: 'power:\n\tdeadTime: 3s\n',
    says: [expect.stringMatching(/^c\.yaml:4:1: the line is indented with a tab: use spaces$/)],
  },
  { name: 'a quote', add: 'state: "/srv\n', says: ['c.yaml:4:1: a quote is opened and not closed'] },
  {
    name: 'a colon',
    add: 'power\nupgrade: {}\n',
    says: [
      expect.stringMatching(
        /^c\.yaml:3:1: a setting must stand on one line with its colon|^c\.yaml:3:1: a colon is missing/,
      ),
    ],
  },
])('a slip in $name is told in words for people', ({ add, says }) => {
  const faults = faultsOf(add)
  expect(faults.slice(0, says.length)).toEqual(says)
  // YAML's own words for them.
  for (const fault of faults) expect(fault).not.toMatch(/mapping|collection|scalar|node|token|implicit|sequence|flow/i)
})

test.each([
  {
    name: 'a kind of channel that does not exist, with what is meant',
    add: 'notifications: { channels: { phone: { type: ntfi, topic: x } } }',
    faults: [
      'notifications.channels.phone.type: use apprise, discord, email, gotify, heartbeat, matrix, ntfy, pushover, slack, telegram or webhook; did you mean ntfy?',
    ],
  },
  {
    name: 'a channel without its kind, with what there is',
    add: 'notifications: { channels: { phone: { topic: x } } }',
    faults: [
      'notifications.channels.phone.type: is missing: use apprise, discord, email, gotify, heartbeat, matrix, ntfy, pushover, slack, telegram or webhook',
    ],
  },
  {
    name: 'everything beside an unknown kind, a route to no channel too',
    add: 'notifications: { channels: { phone: { type: fone }, mail: { type: email } }, routes: [{ channels: [male, mail] }] }',
    faults: [
      expect.stringMatching(/^notifications\.channels\.phone\.type: use /),
      'notifications.channels.mail.host: is missing',
      'notifications.channels.mail.from: is missing',
      'notifications.channels.mail.to: is missing',
      'notifications.routes.0.channels.0: there is no channel male; there are phone and mail',
    ],
  },
  {
    name: 'a choice that does not exist',
    add: 'upgrade: { mode: stagd, approval: 7 }',
    faults: ['upgrade.approval: use none, minor or always', 'upgrade.mode: use direct or staged; did you mean staged?'],
  },
  {
    name: 'a text where there is a list',
    add: 'hosts: nas',
    faults: ['hosts: is a list: put it in brackets, `[…]`, or begin each entry with `- `'],
  },
  {
    name: 'a number of no entries',
    add: 'notifications: { routes: [{ channels: [] }] }',
    faults: ['notifications.routes.0.channels: is an empty list: name at least one'],
  },
])('what is wrong is said in words of ours: $name', ({ add, faults }) => {
  const found = faultsOf(add).map((line) => line.replace(/^\S+ /, ''))
  expect(found).toEqual(expect.arrayContaining(faults))
  expect(found.join('\n')).not.toMatch(/Invalid|expected|discriminator|Too (small|big)/)
})
