import { appendFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { Alert } from '../../src/core/alert.ts'
import type { PowerAnswer } from '../../src/core/operator.ts'
import { endStore, runCli, startDaemon, waitFor } from '../lab/daemon.ts'
import type { Homelab } from '../lab/homelab.ts'
import { type CliLab, startCliLab } from './cli-lab.ts'
import { startUpsdStandIn } from '../lab/upsd/stand-in.ts'

let started: CliLab
let lab: Homelab
beforeAll(async () => {
  started = await startCliLab('messages', 65)
  ;({ lab } = started)
})
afterAll(() => started[Symbol.asyncDispose]())

const folder = () => started.folder()

/** A change to a configuration that is otherwise good. */
async function edit(file: string, change: (config: Record<string, Record<string, unknown>>) => void): Promise<void> {
  const config = parse(await readFile(file, 'utf8')) as Record<string, Record<string, unknown>>
  change(config)
  await writeFile(file, stringify(config))
}

test('a wrong configuration is one message with every fault, its line and its column, and code 2', async () => {
  const directory = await folder()
  const file = await lab.writeConfig(directory)
  await edit(file, (config) => {
    config['upgrade']!['soak'] = 'soon'
    config['share']!['directry'] = 'x'
    ;(config['nodes'] as unknown as Record<string, unknown>[])[1]!['role'] = 'boss'
  })
  for (const command of [['start'], ['config', 'check'], ['status']]) {
    const { code, stderr, stdout } = await runCli([...command, '-c', file])
    expect(code).toBe(2)
    expect(stdout).toBe('')
    const lines = stderr.trimEnd().split('\n')
    expect(lines.slice(0, 3)).toEqual([
      expect.stringMatching(/^caretaker: .*caretaker\.yaml:\d+:\d+: nodes\.1\.role: /),
      expect.stringMatching(/caretaker\.yaml:\d+:\d+: share\.directry: is not a setting; did you mean directory\?$/),
      expect.stringMatching(/caretaker\.yaml:\d+:\d+: upgrade\.soak: use a duration such as 30s, 10m, 2h or 7d$/),
    ])
    // What is doubtful is not hidden by what is wrong.
    const isChecked = command[1] === 'check'
    expect(lines.length > 3).toBe(isChecked)
    expect(lines.some((line) => /^warning: .*:\d+:\d+: upgrade\.twoMembers: two control/.test(line))).toBe(isChecked)
  }
})

test('a good configuration is called so, and a file that it names and that is missing is named', async () => {
  const directory = await folder()
  const file = await lab.writeConfig(directory)
  expect(await runCli(['config', 'check', '-c', file])).toMatchObject({ code: 0, stdout: `${file} is valid\n` })
  const inAYear = new Date(Date.now() + 365 * 86_400_000).toISOString().slice(0, 10)
  expect((await runCli(['config', 'check', '-c', file])).stderr.split('\n')).toEqual([
    `the client certificate in ${join(directory, 'talosconfig')} (os:admin) expires on ${inAYear}`,
    `the client certificate in ${join(directory, 'kubeconfig')} expires on ${inAYear}`,
    '',
  ])
  await rm(join(directory, 'kubeconfig'))
  expect(await runCli(['config', 'check', '-c', file])).toMatchObject({
    code: 2,
    stdout: `${file}:4:15: cluster.kubeconfig: ${join(directory, 'kubeconfig')} does not exist\n`,
  })
})

test('a Kubernetes API that refuses us is named once, and not for each node', async () => {
  const directory = await folder()
  const file = await lab.writeConfig(directory)
  const kubeconfig = parse(await readFile(join(directory, 'kubeconfig'), 'utf8')) as {
    readonly users: readonly { user: Record<string, unknown> }[]
  }
  kubeconfig.users[0]!.user = { token: 'nobody-knows-it' }
  await writeFile(join(directory, 'kubeconfig'), stringify(kubeconfig))
  const { code, stdout } = await runCli(['config', 'check', '--online', '-c', file])
  expect(code).toBe(2)
  expect(stdout.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/: cluster\.kubeconfig: the Kubernetes API at \S+ refuses GET \S+: Unauthorized/),
  ])
})

test('what answers at the addresses is asked with --online, and is called what it is', async () => {
  const directory = await folder()
  const file = await lab.writeConfig(directory)
  const online = ['config', 'check', '--online', '-c', file]
  expect(await runCli(online)).toMatchObject({ code: 0, stdout: `${file} is valid\n` })
  await edit(file, (config) => {
    const [first, second] = config['nodes'] as unknown as Record<string, unknown>[]
    const { address } = first!
    Object.assign(first!, { address: second!['address'] })
    Object.assign(second!, { address })
  })
  expect((await runCli(['config', 'check', '-c', file])).code).toBe(0)
  const { code, stdout } = await runCli(online)
  expect({ code, lines: stdout.trimEnd().split('\n') }).toEqual({
    code: 2,
    lines: [
      expect.stringContaining(`${file}: nodes (cp-1).role: runs as a worker and is configured as a controlplane: `),
      expect.stringMatching(
        /nodes \(cp-1\): is not the machine that answers at its address: that is w-1 \(machine id /,
      ),
      expect.stringContaining(`${file}: nodes (w-1).role: runs as a controlplane and is configured as a worker: `),
      expect.stringMatching(
        /nodes \(w-1\): is not the machine that answers at its address: that is cp-1 \(machine id /,
      ),
    ],
  })
  await edit(
    file,
    (config) => void ((config['nodes'] as unknown as Record<string, unknown>[])[1]!['address'] = '127.0.65.99'),
  )
  expect((await runCli(online)).stdout).toMatch(/nodes \(w-1\)\.address: does not answer: w-1 \(127\.0\.65\.99\)/)
})

test('keys and secrets of hosts that are missing are named before a power cut finds out', async () => {
  const directory = await folder()
  const file = await lab.writeConfig(directory)
  const ssh = '{ user: root, key: nas-key, knownHosts: known_hosts }'
  const nas = `  - { name: nas, nas: true, address: 127.0.65.6, shutdown: { ssh: ${ssh} } }`
  const token = '{ authorization: { file: token } }'
  const router = `  - { name: router, address: 127.0.65.7, shutdown: { http: { url: 'http://127.0.65.7/off', headers: ${token} } } }`
  await appendFile(file, `hosts:\n${nas}\n${router}\n`)
  const { code, stdout } = await runCli(['config', 'check', '-c', file])
  // Where in the file depends on what the lab writes before it.
  expect({
    code,
    lines: stdout
      .trimEnd()
      .replaceAll(/:\d+:\d+: /g, ': ')
      .split('\n'),
  }).toEqual({
    code: 2,
    lines: [
      `${file}: hosts.0.shutdown.ssh.key: ${join(directory, 'nas-key')} does not exist`,
      `${file}: hosts.0.shutdown.ssh.knownHosts: ${join(directory, 'known_hosts')} does not exist`,
      `${file}: hosts.1.shutdown.http.headers.authorization: ${join(directory, 'token')} does not exist`,
    ],
  })
})

test('without redis-server the daemon ends with the line that installs it', async () => {
  const directory = await folder()
  const file = await lab.writeConfig(directory)
  const empty = join(directory, 'bin')
  await mkdir(empty)
  await symlink(process.execPath, join(empty, 'node'))
  const { code, stderr } = await runCli(['start', '-c', file], { PATH: empty })
  expect(code).toBe(2)
  expect(stderr).toMatch(
    /^caretaker: neither valkey-server nor redis-server is installed, .*`apt-get install redis-server`.*\n$/,
  )
})

test('a Factory that does not answer is one message that names it, and the daemon goes on', async () => {
  const directory = await folder()
  const file = await lab.writeConfig(directory, { factoryUrl: 'http://127.0.65.81:9' })
  expect(await runCli(['releases', '-c', file])).toMatchObject({
    code: 4,
    stderr:
      'caretaker: look up releases: GET http://127.0.65.81:9/versions: connection refused: is it listening there?\n',
  })
  await using stack = new AsyncDisposableStack()
  stack.defer(() => endStore(directory))
  const daemon = stack.use(await startDaemon({ config: file, directory }))
  const { code, stdout } = await runCli(['run', 'watch-releases', '--wait', '-c', file])
  expect({ code, stdout }).toEqual({
    code: 1,
    stdout: 'failed: GET http://127.0.65.81:9/versions: connection refused: is it listening there?\n',
  })
  expect(await daemon.control.get('/power')).toMatchObject({ upses: [] })
})

test('a queue store that does not answer is named, keeps nothing else from working, and the daemon still stops', async () => {
  const directory = await folder()
  const file = await lab.writeConfig(directory, { queue: { url: 'redis://127.0.65.82:9' } })
  const daemon = await startDaemon({ config: file, directory })
  expect((await runCli(['status', '-c', file])).stdout).toContain('queue      its store does not respond')
  expect(await runCli(['run', 'watch-releases', '-c', file])).toMatchObject({
    code: 4,
    stderr: expect.stringMatching(/^caretaker: the queue store does not accept watch-releases: /),
  })
  expect(await daemon.stop()).toBe(0)
})

test('a wrong UPS password is one message, and the UPS is watched all the same', async () => {
  await using stack = new AsyncDisposableStack()
  const upsd = stack.use(await startUpsdStandIn({ address: '127.0.65.93' }))
  const directory = await folder()
  const file = await lab.writeConfig(directory, {
    ups: { host: upsd.address, port: upsd.port, user: 'monuser', password: 'wrong' },
  })
  const told = /upsd at 127\.0\.65\.93:\d+ refuses LOGIN ups as monuser: ACCESS-DENIED: check the user, the password/
  const direct = await runCli(['ups', '-c', file])
  expect(direct).toMatchObject({ code: 1, stderr: expect.stringMatching(told) })
  expect(direct.stdout).toContain('ups.status: OL')
  stack.defer(() => endStore(directory))
  const daemon = stack.use(await startDaemon({ config: file, directory }))
  await waitFor('the UPS to be read', 10_000, async () =>
    (await daemon.control.get<PowerAnswer>('/power')).upses.every(({ state }) => state.mode === 'on-mains'),
  )
  expect((await runCli(['power', 'status', '-c', file])).stdout).toContain('on mains power')
  const { stdout } = await runCli(['status', '-c', file])
  expect(stdout).toMatch(/power +on mains/)
  expect(stdout).toMatch(told)
  expect((await runCli(['journal', '-c', file])).stdout).toMatch(told)
  // A busy machine may have another alert: that the watch of the UPSes is late.
  expect(stdout).toMatch(/alerts +(\d+ open .*, the most severe: )?warning: upsd at/)
  const alerts = await runCli(['alerts', '-c', file])
  expect(alerts).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^warning {3}ups\.login:ups, for \d+ m?s\n {10}upsd at/m),
  })
  expect(alerts.stdout).toMatch(told)
  const all = JSON.parse((await runCli(['alerts', '--all', '--json', '-c', file])).stdout) as readonly Alert[]
  expect(all.filter(({ subject }) => subject === 'ups')).toEqual([
    expect.objectContaining({ id: 'ups.login:ups', severity: 'warning' }),
  ])
  for (const text of [direct.stdout, direct.stderr, stdout]) expect(text).not.toContain('wrong')
})

test('a talosconfig without the role is one message that says which one it takes', async () => {
  const directory = await folder()
  const file = await lab.writeConfig(directory, { roles: ['os:reader'] })
  const { code, stderr } = await runCli(['start', '-c', file])
  expect(code).toBe(2)
  expect(stderr).toBe(
    `caretaker: ${join(directory, 'talosconfig')}: its certificate has the role os:reader, not os:admin, which upgrades need ` +
      '(os:operator is enough with upgrade.enabled: false): make one with `talosctl config new --roles os:admin`\n',
  )
})

test('a talosconfig and a kubeconfig that are no YAML are refused with the place, and with nothing that is in them', async () => {
  const directory = await folder()
  const file = await lab.writeConfig(directory)
  for (const name of ['talosconfig', 'kubeconfig']) {
    const path = join(directory, name)
    const good = await readFile(path, 'utf8')
    await writeFile(path, `${good}users: "hunter2\n`)
    const lines = good.split('\n').length
    for (const command of ['start', 'config check']) {
      const { code, stdout, stderr } = await runCli([...command.split(' '), '-c', file])
      expect(code).toBe(2)
      expect(stdout + stderr).toMatch(
        new RegExp(`${path}: it is not valid YAML: line (${lines}|${lines + 1}), column \\d+: [a-z]`),
      )
      expect(stdout + stderr).not.toMatch(/hunter2|LS0tLS1/)
    }
    await writeFile(path, good)
  }
})

test('a second daemon on the same state is refused', async () => {
  await using stack = new AsyncDisposableStack()
  const directory = await folder()
  const file = await lab.writeConfig(directory)
  stack.defer(() => endStore(directory))
  stack.use(await startDaemon({ config: file, directory }))
  const { code, stderr } = await runCli(['start', '-c', file])
  expect(code).toBe(2)
  expect(stderr).toMatch(
    /^caretaker: another Caretaker uses .*state: stop it first, or give this one its own 'state'\n$/,
  )
})

test('a journal of a newer release is refused in one line, and left as it is', async () => {
  const directory = await folder()
  const file = await lab.writeConfig(directory)
  const state = join(directory, 'state')
  await mkdir(state)
  const journal = join(state, 'journal.db')
  {
    using database = new DatabaseSync(journal)
    database.exec('CREATE TABLE records (thought TEXT); CREATE TABLE thoughts (text TEXT); PRAGMA user_version = 1000')
  }
  const before = await readFile(journal)
  for (const command of ['start', 'journal', 'alerts'])
    expect(await runCli([command, '-c', file])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /^caretaker: .*journal\.db was written by a newer Caretaker \(format 1000; this one reads up to \d+\): install that version, or restore a backup of this one \(`caretaker restore FILE`\)\n$/,
      ),
    })
  expect(await readFile(journal)).toEqual(before)
})
