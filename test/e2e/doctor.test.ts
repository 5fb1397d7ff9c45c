import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { DoctorReport, Verdict } from '../../src/core/doctor/check.ts'
import { startLabTftp } from '../adapters/tftp/server.ts'
import { endStore, runCli, startDaemon, waitFor } from '../lab/daemon.ts'
import { type Homelab, startHomelab } from '../lab/homelab.ts'
import { commandLine } from '../lab/launcher.ts'
import { patience } from '../patience.ts'
import { lacks } from '../lab/needs.ts'
import { isStoreMissing } from '../services/queue/lab.ts'
import { startReceiver } from '../lab/notify/receiver.ts'
import { startSshd, whyNoSshd } from '../lab/sshd.ts'
import { startTftpd, whyNoTftpd } from '../lab/tftpd.ts'
import { startUpsdStandIn } from '../lab/upsd/stand-in.ts'

/** Back to the begin of the line, and wiped (ECMA-48, 8.3.41). */
const wipe = '\r\u001B[K'

/** A configuration, as a person edits it. */
interface Edited {
  nodes: { name: string; role: string; address: string; mac: string }[]
  hosts: object[]
  share: { server?: string }
  upses: { password: object; name?: string }[]
  factory: { url: string }
  queue?: object
  notifications?: object
}

async function edit(file: string, change: (config: Edited) => void): Promise<void> {
  const config = parse(await readFile(file, 'utf8')) as Edited
  change(config)
  await writeFile(file, stringify(config))
}

async function folder(stack: AsyncDisposableStack): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-doctor-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  // A TFTP server is another user.
  await chmod(directory, 0o755)
  return directory
}

/** The machine that the tests run on, as Caretaker's own: NODE_NAME says which that is. */
const own = (lab: Homelab) => ({
  name: 'pi',
  address: lab.nodes[0]!.address.replace(/\d+$/, '7'),
  mac: '02:00:00:00:00:07',
  shutdown: { http: { url: `http://${lab.nas!.address}:${lab.nas!.port}/off` } },
})
const environment = { NODE_NAME: 'pi' }

async function report(
  file: string,
  ...more: readonly string[]
): Promise<{ code: number | null; report: DoctorReport; stderr: string }> {
  const { code, stdout, stderr } = await runCli(['doctor', '--json', '-c', file, ...more], environment)
  if (stdout === '') throw new Error(stderr)
  return { code, report: JSON.parse(stdout) as DoctorReport, stderr }
}

/** On a machine that is busy a node of the lab may answer too late; then it is asked again. */
async function reportOfAnswers(file: string, tries = 3): ReturnType<typeof report> {
  const answer = await report(file)
  const isLate = answer.report.checks.some(({ id, reason }) => id.startsWith('node.') && reason.includes(' within '))
  return isLate && tries > 1 ? reportOfAnswers(file, tries - 1) : answer
}

/** What failed and what is a warning, with why. */
const bad = ({ checks }: DoctorReport) =>
  checks
    .filter(({ verdict }) => verdict === 'failed' || verdict === 'warning')
    .map(({ id, reason }) => `${id}: ${reason}`)

const of = ({ checks }: DoctorReport, verdict: Verdict) =>
  checks.filter((check) => check.verdict === verdict).map(({ id }) => id)

test.skipIf(lacks(whyNoTftpd()))(
  'a healthy homelab is green from end to end, by the daemon and without it',
  async () => {
    await using stack = new AsyncDisposableStack()
    const directory = await folder(stack)
    stack.defer(() => endStore(directory))
    const upsd = stack.use(await startUpsdStandIn({ address: '127.0.90.3' }))
    const lab = stack.use(await startHomelab({ net: 90, nas: true }))
    const phone = stack.use(await startReceiver('127.0.90.8'))
    const file = await lab.writeConfig(directory, {
      ups: { host: upsd.address, port: upsd.port, user: 'monuser', password: 'secret' },
      notifications: { channels: { phone: { type: 'webhook', url: phone.url } } },
    })
    stack.use(await startTftpd(join(directory, 'share'), '127.0.90.4', 26_990))
    await edit(file, ({ hosts, share }) => {
      hosts.push(own(lab))
      share.server = '127.0.90.4:26990'
    })
    const alone = await report(file)
    expect(bad(alone.report)).toEqual([])
    expect(alone.code).toBe(0)
    // What is there only with a daemon, or once something was done.
    expect(of(alone.report, 'skipped')).toEqual(['share.image', 'channel.sent:phone', 'queue.store'])

    await using daemon = await startDaemon({ config: file, directory, environment })
    // On a machine that is busy it may be told to wait for a node's first answer.
    await expect.poll(async () => (await runCli(['stage', '-c', file])).code, patience).toBe(0)
    const green = await report(file, '--send')
    expect([...bad(green.report), ...of(green.report, 'skipped')]).toEqual([])
    expect(of(green.report, 'ok')).toEqual(
      expect.arrayContaining([
        'share.tftp',
        'share.image',
        'node.clock:cp-1',
        'ups.login:ups',
        'queue.store',
        'channel.sent:phone',
      ]),
    )
    expect(phone.requests.some(({ body }) => body.includes('test'))).toBe(true)
    expect(green.report.checks.length).toBeGreaterThan(50)
    const shown = await runCli(['doctor', '--last', '-c', file], environment)
    expect(shown).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ok .*factory 2, .*\n\n\d\d checks: .*0 failed/s),
    })
    expect(await daemon.control.get('/doctor')).toMatchObject({ last: { at: green.report.at } })
    // Nothing is left behind on the share, and nobody was ordered about.
    expect((await readdir(join(directory, 'share'))).filter((name) => name.includes('check'))).toEqual([])
    expect([lab.poweredOff, lab.woken]).toEqual([[], []])
  },
)

/** A Redis that somebody has set up as a cache. */
async function startCache(stack: AsyncDisposableStack, address: string, port: number): Promise<void> {
  const settings = ['--bind', address, '--port', String(port), '--save', '', '--maxmemory-policy', 'allkeys-lru']
  const child: ChildProcess = spawn('redis-server', settings, { stdio: 'ignore' })
  stack.defer(() => void child.kill('SIGKILL'))
  await waitFor('redis to answer', 10_000, () => {
    try {
      return execFileSync('redis-cli', ['-h', address, '-p', String(port), 'ping'], { encoding: 'utf8' }).includes(
        'PONG',
      )
    } catch {
      return false
    }
  })
}

test.skipIf(lacks(whyNoSshd()) || isStoreMissing)(
  'twenty things that are wrong at once are each named, with a cure, and nothing hangs',
  async () => {
    await using stack = new AsyncDisposableStack()
    const directory = await folder(stack)
    const upsd = stack.use(
      await startUpsdStandIn({ address: '127.0.92.3', variables: { 'battery.runtime': '', 'battery.charge': '' } }),
    )
    const lab = stack.use(await startHomelab({ net: 92, nas: true }))
    const [pve, vm] = [
      stack.use(await startSshd({ address: '127.0.92.9' })),
      stack.use(await startSshd({ address: '127.0.92.10' })),
    ]
    await startCache(stack, '127.0.92.4', 26_992)
    const elsewhere = stack.use(await startLabTftp('127.0.92.5', { files: {} }))
    const day = 86_400_000
    const file = await lab.writeConfig(directory, {
      ups: { host: upsd.address, port: upsd.port, user: 'monuser', password: 'wrong' },
      life: { from: new Date(Date.now() - 300 * day), to: new Date(Date.now() + day / 2) },
      queue: { url: 'redis://127.0.92.4:26992' },
      notifications: { channels: { phone: { type: 'ntfy', server: 'http://127.0.92.6:9', topic: 'alerts' } } },
    })
    const ssh = ({ user, port, keys, knownHosts }: typeof vm, more: object) => ({
      ssh: { user, port, key: keys.known, knownHosts, ...more },
    })
    await edit(file, ({ nodes, hosts, share, factory }) => {
      const [, , third, first, second] = nodes
      third!.mac = '02:00:00:00:00:99'
      first!.role = 'controlplane'
      second!.address = '127.0.92.77'
      hosts.push(
        {
          name: 'pve',
          address: pve.address,
          mac: '02:00:00:00:92:09',
          shutdown: ssh(pve, { rehearsal: 'echo a password is required >&2; exit 1' }),
        },
        {
          name: 'hypervisor',
          address: vm.address,
          wake: { interface: 'nosuch0' },
          mac: '02:00:00:00:92:10',
          shutdown: ssh(vm, {}),
        },
      )
      share.server = `127.0.92.5:${elsewhere.port}`
      factory.url = 'http://127.0.92.8:9'
    })
    await vm.stop()
    await vm.changeHostKey()
    await vm.start()
    await chmod(pve.keys.known, 0o644)
    await chmod(join(directory, 'ups-password'), 0o644)
    lab.node('cp-1').faults.clockOff = 600_000
    lab.node('cp-2').faults.wakesBy = []
    lab.etcd.setAlarm('cp-1', 'NOSPACE')
    lab.kubernetes.deny('create pods/eviction')

    const { code, report: found } = await reportOfAnswers(file)
    expect(code).toBe(1)
    const wrong = found.checks.filter(({ verdict }) => verdict === 'failed' || verdict === 'warning')
    const told = Object.fromEntries(
      wrong.map(({ id, verdict, reason }) => [id.replace(directory, ''), `${verdict}: ${reason}`]),
    )
    expect(told).toMatchObject({
      'factory.reach': expect.stringMatching(/^failed: .*127\.0\.92\.8/),
      'share.tftp': expect.stringMatching(/^failed: what is written there is not served: .*has no such file/),
      'node.clock:cp-1': expect.stringMatching(/^failed: its clock is 10 min ahead/),
      'node.wake:cp-2': expect.stringMatching(/^warning: its card enp1s0 is not set to wake it/),
      'node.wake:cp-3': expect.stringMatching(/^failed: has no network card 02:00:00:00:00:99/),
      'node.role:w-1': expect.stringMatching(/^failed: runs as a worker and is configured as a controlplane/),
      'node.api:w-2': expect.stringMatching(/^failed: does not answer: /),
      'kubernetes.permissions': expect.stringMatching(/^failed: does not allow Caretaker to .*evict/),
      'etcd.health': expect.stringMatching(/^failed: etcd raises the alarm NOSPACE/),
      'ups.login:ups': expect.stringMatching(/^failed: refuses the login: /),
      'ups.figures:ups': expect.stringMatching(/^warning: .*battery\.runtime/),
      'power.fit': expect.stringMatching(/^warning: .*not known/),
      'host.shutdown:hypervisor': expect.stringMatching(/^failed: would not shut down: .*host key/),
      'host.shutdown:pve': expect.stringMatching(/^failed: would not shut down: /),
      'host.packets:hypervisor': expect.stringMatching(/^failed: magic packets would not reach it: .*nosuch0/),
      'channel.reach:phone': expect.stringMatching(/^failed: would tell nobody: /),
      'credentials.life:talosconfig': expect.stringMatching(/^warning: .*less than a day/),
      'files.mode:/ups-password': expect.stringMatching(/^warning: others may read .*ups-password/),
      [`files.mode:${pve.keys.known}`]: expect.stringMatching(/^failed: ssh refuses/),
      'queue.store': expect.stringMatching(/^failed: .*allkeys-lru/),
      'machine.supply': expect.stringMatching(
        /^warning: the machine that Caretaker runs on is not in the configuration/,
      ),
    })
    // Each says what to do, and nothing is named twice.
    expect(wrong.filter(({ next }) => next === undefined)).toEqual([])
    expect(new Set(wrong.map(({ id }) => id)).size).toBe(wrong.length)
    expect(found.tookMs).toBeLessThan(30_000)

    // What is safe to mend is mended, and the rest of it works then.
    const mended = await report(file, '--fix', '--only', 'files', 'host.shutdown:pve')
    expect(mended.report.fixed).toEqual(
      expect.arrayContaining([expect.stringContaining('ups-password'), expect.stringContaining(pve.keys.known)]),
    )
    expect(mended.report.checks).toMatchObject([
      {
        id: 'host.shutdown:pve',
        reason: expect.stringContaining('a password is required'),
        next: expect.stringContaining('visudo'),
      },
      { id: 'files.mode', verdict: 'ok' },
    ])
    expect(await runCli(['doctor', '--only', 'noed', '-c', file])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no check noed'),
    })
  },
)

test('a terminal shows how far it is, in one line that is gone at the end; elsewhere nothing of it is written', async () => {
  await using stack = new AsyncDisposableStack()
  const directory = await folder(stack)
  const lab = stack.use(await startHomelab({ net: 94, controlPlanes: 1, workers: 0 }))
  const file = await lab.writeConfig(directory)
  // Whoever swallows what is asked is waited for.
  lab.nodes[0]!.faults.silent = true
  const piped = await runCli(['doctor', '-c', file])
  expect(piped.stdout + piped.stderr).not.toContain('\r')
  const command = (await commandLine(['doctor', '-c', file])).map((word) => `'${word}'`).join(' ')
  const run = promisify(execFile)('script', ['-qec', command, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', COLUMNS: '80' },
  })
  // The code is that of a report in which something failed.
  const { stdout: shown } = await run.catch((error: { stdout: string }) => error)
  expect(shown.replaceAll(wipe, '<wipe>')).toMatch(/<wipe>\d+ of \d+, looking at .*node/)
  // The last line that is drawn is wiped before the report.
  const end = shown.lastIndexOf(wipe)
  expect(shown.slice(end)).not.toMatch(/\d+ of \d+,/)
  expect(shown.slice(end)).toContain('checks: ')
  expect(await runCli(['doctor', '-c', file], { TERM: 'dumb' })).toMatchObject({ code: 1 })
})
