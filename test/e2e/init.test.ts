import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { DoctorReport } from '../../src/core/doctor/check.ts'
import type { InitReport } from '../../src/cli/init/report.ts'
import { runCli, waitFor } from '../lab/daemon.ts'
import { type Homelab, homelabSchematicId } from '../lab/homelab.ts'
import { lacks } from '../lab/needs.ts'
import { startTftpd, whyNoTftpd } from '../lab/tftpd.ts'
import { startUpsdStandIn } from '../lab/upsd/stand-in.ts'
import { isUpsdInstalled, startUpsd } from '../lab/upsd/upsd.ts'
import { type InitLab, makeFolder, runInit, startInitLab } from './init-lab.ts'

let at: InitLab
let lab: Homelab
beforeAll(async () => {
  at = await startInitLab(211)
  lab = at.lab
})
afterAll(() => at[Symbol.asyncDispose]())

let directory: string
let file: string
beforeEach(async () => {
  directory = await makeFolder()
  file = join(directory, 'caretaker.yaml')
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const talosconfig = () => at.talosconfig
const options = () => ({
  talosconfig: talosconfig(),
  ups: `${at.upsd.address}:${at.upsd.port}`,
  upsUser: 'monuser',
  upsPassword: 'secret',
  share: join(directory, 'share'),
  factory: lab.factory.url,
  state: 'state',
})
const init = (words: readonly string[], stdin?: string) => runInit(file, words, stdin)
const answered = (more: object = {}, ...words: string[]) =>
  init(['--answers', '-', '--no-check', ...words], JSON.stringify({ ...options(), ...more }))

interface Written {
  nodes?: { name: string; role: string; address: string; mac: string }[]
  upses?: { name: string; host: string; user?: string; password?: object }[]
  share: { directory: string; server?: string }
  schematic: string
  upgrade: object
  cluster: object
}
const written = async () => parse(await readFile(file, 'utf8')) as Written
const leftovers = async () => (await readdir(directory)).filter((name) => name.startsWith('.'))

test.skipIf(lacks(whyNoTftpd()) || lacks(isUpsdInstalled() ? undefined : 'nut-server is not installed'))(
  'from nothing to a green doctor by one command, within a minute, and no machine is touched',
  async () => {
    await using real = await startUpsd({ address: '127.0.211.94' })
    await using stack = new AsyncDisposableStack()
    stack.use(await startTftpd(join(directory, 'share'), '127.0.211.4', 26_901))
    await writeFile(join(directory, 'pw'), 'secret\n', { mode: 0o600 })
    const beganAt = performance.now()
    const words = ['--copy', '--ups-user', 'monuser', '--state', 'state', '--yes', '--json']
    const places = {
      talosconfig: talosconfig(),
      ups: `${real.address}:${real.port}`,
      'ups-password-file': join(directory, 'pw'),
      share: join(directory, 'share'),
      tftp: '127.0.211.4:26901',
      factory: lab.factory.url,
    }
    const named = Object.entries(places).map(([name, value]) => `--${name}=${value}`)
    const { code, stdout, stderr } = await init([...words, ...named])
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const report = JSON.parse(stdout) as InitReport
    expect(report).toMatchObject({ isWritten: true, remarks: [], check: { faults: [], warnings: [] } })
    expect(performance.now() - beganAt).toBeLessThan(60_000)
    expect(report.nodes.map(({ name, role, macs }) => [name, role, macs])).toEqual(
      lab.nodes.map(({ name, role, mac }) => [name, role, [mac]]),
    )
    expect(report.upses).toMatchObject([{ label: 'ups', login: 'taken', tells: ['charge', 'runtime', 'load'] }])

    expect(await runCli(['config', 'check', '--online', '-c', file])).toMatchObject({ code: 0 })
    const doctor = await runCli(['doctor', '--json', '-c', file])
    const { checks } = JSON.parse(doctor.stdout) as DoctorReport
    expect(checks.filter(({ verdict }) => verdict === 'failed')).toEqual([])
    expect(checks).toContainEqual(expect.objectContaining({ id: 'share.tftp', verdict: 'ok' }))
    expect(doctor.code).toBe(0)
    expect(lab.nodes.flatMap(({ calls }) => calls.map(({ method }) => method))).toEqual([])
    expect([await readdir(join(directory, 'share')), await leftovers()]).toEqual([[], []])
    expect((await stat(join(directory, 'talosconfig'))).mode & 0o777).toBe(0o600)
    // The password, too, where the daemon can read it.
    expect((await written()).upses).toMatchObject([{ password: { file: 'ups-password' } }])
    expect((await stat(join(directory, 'ups-password'))).mode & 0o777).toBe(0o600)
  },
)

test('answers come by stdin, a password among them, and no secret is shown or in the YAML', async () => {
  const { code, stdout, stderr } = await init(['--no-check'], JSON.stringify(options()))
  expect({ code, stderr }).toMatchObject({ code: 0 })
  expect((await written()).upses).toMatchObject([{ user: 'monuser', password: { file: 'ups-password' } }])
  const key = Buffer.from(/key: (\S+)/.exec(await readFile(talosconfig(), 'utf8'))![1]!, 'base64').toString('utf8')
  for (const text of [stdout, stderr, await readFile(file, 'utf8')]) {
    expect(text).not.toMatch(/\bsecret\b/)
    expect(text).not.toContain(key.split('\n')[1])
  }
})

test('nothing but a pipe is enough to say everything', async () => {
  const yaml = `talosconfig: ${talosconfig()}\nshare: ${join(directory, 'share')}\nfactory: ${lab.factory.url}\nupgrades: never\nstate: state\n`
  expect(await init([], yaml)).toMatchObject({ code: 0 })
  expect(await written()).toMatchObject({ upgrade: { enabled: false }, schematic: 'homelab' })
  const text = await readFile(join(directory, 'schematics', 'homelab.yaml'), 'utf8')
  expect(text).toContain(homelabSchematicId)
  expect(await runCli(['schematic', 'id', join(directory, 'schematics', 'homelab.yaml')])).toMatchObject({
    stdout: `${homelabSchematicId}\n`,
  })
})

test('before there is a cluster, what a daemon needs before it is written, and is valid', async () => {
  expect(await init(['--share', join(directory, 'share'), '--state', 'state', '--no-check'])).toMatchObject({ code: 0 })
  expect(Object.keys(await written())).not.toContain('nodes')
  expect(await runCli(['config', 'check', '-c', file])).toMatchObject({ code: 0 })
})

test('an older configuration is shown with what would change, and changed only when that is said', async () => {
  expect(await answered()).toMatchObject({ code: 0 })
  const first = (await readFile(file, 'utf8'))
    .replace(lab.node('w-1').mac, '00:00:00:00:00:01')
    .replace('soak: 7d', 'soak: 14d')
    .replace('# soak', 'soak')
  await writeFile(file, `${first}# Mine.\n`)

  const refused = await answered()
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('is there already: nothing was written') })
  expect(refused.stdout).toContain('-    mac: 00:00:00:00:00:01\n+    mac:')
  const shown = await answered({}, '--diff', '--json')
  expect(shown.code).toBe(0)
  const changed = (JSON.parse(shown.stdout) as InitReport).files.filter(({ change }) => change !== 'unchanged')
  expect(changed.map(({ path }) => path)).toEqual([file])
  expect(await readFile(file, 'utf8')).toBe(`${first}# Mine.\n`)

  expect(await answered({}, '--force')).toMatchObject({ code: 0 })
  const now = await readFile(file, 'utf8')
  expect(now).toContain('soak: 14d')
  expect(now).toMatch(/# Mine\.\n$/)
  expect((await written()).nodes?.map(({ mac }) => mac)).toEqual(lab.nodes.map(({ mac }) => mac))
  expect(await answered()).toMatchObject({ code: 0, stdout: expect.stringContaining(`${file}: unchanged`) })
  expect(await leftovers()).toEqual([])
})

test.each([
  {
    name: 'a talosconfig that is not there',
    more: { talosconfig: '/nowhere/talosconfig' },
    code: 2,
    says: '/nowhere/talosconfig does not exist',
  },
  { name: 'a upsd that does not answer', more: { ups: '127.0.211.96:1' }, code: 4, says: '127.0.211.96:1' },
  { name: 'a share that is not there', more: { share: '/nowhere/share' }, code: 2, says: '/nowhere/share' },
  { name: 'a server that is none', more: { ups: 'ups@nas' }, code: 2, says: 'ups@nas is not a server' },
  { name: 'a zone that is none', more: { timeZone: 'Mars' }, code: 2, says: 'Mars is not a time zone' },
  { name: 'a user without a password', more: { upsPassword: undefined }, code: 2, says: 'needs a password, too' },
  { name: 'an answer that is misspelled', more: { talosConfig: 'x' }, code: 2, says: 'did you mean talosconfig?' },
  { name: 'an answer of another kind', more: { share: 3 }, code: 2, says: 'share is not a text' },
  { name: 'a time of upgrades that is none', more: { upgrades: 'mondays' }, code: 2, says: 'weekends, nights' },
  { name: 'a UPS that nobody has', more: { feeds: { 'w-1': ['attic'] } }, code: 2, says: 'there is no UPS attic' },
])('$name is named, and nothing is written', async ({ more, code, says }) => {
  expect(await answered(more)).toMatchObject({ code, stderr: expect.stringContaining(says) })
  expect(existsSync(file)).toBe(false)
})

test('a password that upsd refuses is written as a comment, with what upsd says', async () => {
  const { code, stdout } = await answered({ upsPassword: 'wrong' })
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('upsd refuses the login') })
  expect((await written()).upses).toEqual([{ name: 'ups', host: at.upsd.address, port: at.upsd.port }])
})

test('without a terminal and with nothing said it tells what to say', async () => {
  expect(await init([])).toMatchObject({ code: 2, stderr: expect.stringContaining('--talosconfig FILE') })
})

test('what the older configuration says need not be said again, and what is away at the moment stays as it is', async () => {
  {
    await using other = await startUpsdStandIn({ address: '127.0.211.97' })
    expect(await answered({ ups: `${other.address}:${other.port}` })).toMatchObject({ code: 0 })
  }
  const first = await readFile(file, 'utf8')
  await writeFile(file, first.replace('name: w-2', 'name: old-name'))
  const { code, stdout } = await init(['--yes', '--force', '--no-check'])
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('its entry stays as it is') })
  expect(await readFile(file, 'utf8')).toBe(first)
})

test('what people chose is changed only where it is said again', async () => {
  expect(await answered({ upgrades: 'never', timeZone: 'Europe/Warsaw' })).toMatchObject({ code: 0 })
  expect(await answered({}, '--force')).toMatchObject({ code: 0 })
  expect((await written()).upgrade).toEqual({ enabled: false, timeZone: 'Europe/Warsaw' })
  expect(await answered({ upgrades: 'nights' }, '--force')).toMatchObject({ code: 0 })
  expect((await written()).upgrade).toEqual({
    enabled: true,
    timeZone: 'Europe/Warsaw',
    windows: [{ from: '02:00', to: '06:00' }],
  })
})

test('of a talosconfig with several clusters one is chosen, and only its keys are copied', async () => {
  const { contexts } = parse(await readFile(talosconfig(), 'utf8')) as { contexts: { lab: object } }
  const both = { contexts: { other: { ...contexts.lab, endpoints: ['127.0.211.99'] }, lab: contexts.lab } }
  const path = join(directory, 'mine')
  await mkdir(path)
  await writeFile(join(path, 'config'), stringify(both))
  const named = { talosconfig: join(path, 'config') }
  expect(await answered(named)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('has the contexts other, lab: choose one with --context'),
  })
  expect(await answered({ ...named, context: 'lab' })).toMatchObject({ code: 0 })
  expect((await written()).cluster).toEqual({ name: 'lab', talosconfig: 'mine/config', context: 'lab' })
  expect(await answered({ ...named, context: 'lob' })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('lob'),
  })

  file = join(directory, 'etc', 'caretaker.yaml')
  expect(await answered({ ...named, context: 'lab', copy: true })).toMatchObject({ code: 0 })
  expect((await written()).cluster).toEqual({ name: 'lab', talosconfig: 'talosconfig' })
  const copy = parse(await readFile(join(directory, 'etc', 'talosconfig'), 'utf8')) as object
  expect(copy).toEqual({ context: 'lab', contexts: { lab: contexts.lab } })
})

test('a node that is off is listed as Kubernetes knows it, and the check says that it does not answer', async () => {
  lab.node('w-2').cutPower()
  try {
    const { code, stdout } = await init(['--answers', '-', '--json'], JSON.stringify(options()))
    const report = JSON.parse(stdout) as InitReport
    expect(code).toBe(1)
    expect(report.nodes.at(-1)).toMatchObject({ name: 'w-2', macs: [], version: null })
    expect(report.remarks).toContainEqual(expect.stringMatching(/^w-2 did not answer: /))
    expect(report.check?.faults).toContainEqual(expect.objectContaining({ setting: 'nodes (w-2).address' }))
  } finally {
    lab.node('w-2').wake()
    await waitFor('w-2 to be back', 20_000, () => lab.node('w-2').ready)
  }
})
