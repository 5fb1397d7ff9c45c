import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { cp, mkdir, mkdtemp, open, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import type { Alert } from '../../src/core/alert.ts'
import type { PowerAnswer, StatusAnswer } from '../../src/core/operator.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import { endStore, type LabDaemon, runCli, startDaemon, waitFor } from '../lab/daemon.ts'
import { type Homelab, startHomelab } from '../lab/homelab.ts'
import { startUpsdStandIn, type UpsdStandIn } from '../lab/upsd/stand-in.ts'

/** The real process, kill -9, and a state directory as a power cut leaves it on an SD card. */

interface Scene extends AsyncDisposable {
  readonly lab: Homelab
  readonly upsd: UpsdStandIn
  readonly state: string
  /** The configuration file. */
  readonly config: string
  start(options?: { readonly isMute?: true }): Promise<LabDaemon>
}

async function scene(net: number): Promise<Scene> {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-damaged-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  stack.defer(() => endStore(directory))
  const upsd = stack.use(await startUpsdStandIn({ address: `127.0.${net}.93` }))
  const pace = { stop: 500, boot: 700, settle: 200 }
  const lab = stack.use(await startHomelab({ net, controlPlanes: 1, workers: 1, nas: true, pace }))
  const config = await lab.writeConfig(directory, {
    ups: { host: upsd.address, port: upsd.port },
    upgrade: { enabled: false },
    power: { drainTimeout: '2s', shutdownTimeout: '20s', reserve: '1s' },
  })
  await upsd.set('battery.runtime', '900')
  const owned = stack.move()
  return {
    lab,
    upsd,
    state: join(directory, 'state'),
    config,
    start: async (options = {}) => owned.use(await startDaemon({ config, directory, ...options })),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const isOff = ({ lab }: Scene) => lab.nodes.every(({ power }) => power === 'off') && lab.nas?.power === 'off'
const isBack = ({ lab }: Scene) =>
  lab.nodes.every(({ name, ready }) => ready && lab.kubernetes.node(name)?.spec.unschedulable !== true) &&
  lab.nas?.power === 'on'
/** Also of its nodes: on a busy machine their first answers take their time, and who was up is what is woken. */
async function onMains(daemon: LabDaemon): Promise<void> {
  await waitFor('the agent to know of mains', 20_000, async () =>
    (await daemon.control.get<PowerAnswer>('/power')).upses.every(({ state }) => state.mode === 'on-mains'),
  )
  await waitFor('the agent to know its nodes', 20_000, async () =>
    (await daemon.control.get<StatusAnswer>('/status')).cluster.nodes.every(({ talos }) => talos.ok),
  )
}

/** The power fails, everything goes down; it returns, and everything comes back. */
async function goThroughAnOutage(it: Scene): Promise<void> {
  await it.upsd.status('OB DISCHRG LB')
  await waitFor('everything to be off', 40_000, () => isOff(it))
  // As long as it takes to write down that everything was told.
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  await it.upsd.status('OL CHRG')
  await waitFor('everything to be back', 60_000, () => isBack(it))
}

async function overwrite(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(bytes, 0, bytes.length, 0)
  await file.close()
}

function change(path: string, sql: string): void {
  using database = new DatabaseSync(path)
  database.exec(sql)
}

/** The journal that a daemon leaves behind which is killed after its start, made once for all. */
const killed = { path: '', made: undefined as Promise<void> | undefined }
afterAll(() => rm(killed.path, { recursive: true, force: true }))

async function leaveJournal({ state }: Scene): Promise<void> {
  killed.made ??= (async () => {
    killed.path = await mkdtemp(join(tmpdir(), 'caretaker-killed-'))
    await using it = await scene(139)
    await (await it.start()).kill()
    for (const name of readdirSync(it.state).filter((file) => file.startsWith('journal.db')))
      await cp(join(it.state, name), join(killed.path, name))
  })()
  await killed.made
  await cp(killed.path, state, { recursive: true })
}

const record = (value: string, kind = 'outage', key = '2026-11-26T10:00:00.000Z') =>
  `INSERT OR REPLACE INTO records VALUES ('${kind}', '${key}', 1, 0, '${value}')`
const outageThat = (more: object) =>
  JSON.stringify({ startedAt: '2026-11-26T10:00:00.000Z', reason: 'low-battery', stage: 'stopped', nodes: {}, ...more })

const samples: readonly { readonly how: string; readonly damage: (path: string) => unknown }[] = [
  { how: 'has a broken header', damage: (path) => overwrite(path, Buffer.alloc(4_096, 7)) },
  { how: 'is empty, with its log', damage: (path) => truncate(path, 0).then(() => rm(`${path}-wal`, { force: true })) },
  { how: 'is a directory', damage: (path) => rm(path).then(() => mkdir(path)) },
  { how: 'is a link to itself', damage: (path) => rm(path).then(() => symlink(path, path)) },
  { how: 'has a format that none can have', damage: (path) => change(path, 'PRAGMA user_version = 1500000000') },
  { how: 'has an outage that is no JSON', damage: (path) => change(path, record('{"startedAt":')) },
  { how: 'has an outage of another shape', damage: (path) => change(path, record('[[],{"nodes":7}]')) },
  {
    how: 'has an outage of machines that there are not, in 2106',
    damage: (path) =>
      change(
        path,
        record(outageThat({ startedAt: '2106-02-07T06:28:15.000Z', nodes: { ghost: { wasUp: true, state: 'off' } } })),
      ),
  },
  { how: 'has an order that is no JSON', damage: (path) => change(path, record('{', 'fact.power.ordered', '')) },
  { how: 'has an order of no time', damage: (path) => change(path, record('"yesterday"', 'fact.power.ordered', '')) },
  {
    how: 'is locked out by a lock that is no lock',
    damage: (path) => writeFile(path.replace('journal', 'lock'), 'x'.repeat(5_000)),
  },
]

describe.concurrent('a daemon whose journal', () => {
  test.each(samples.map((sample, index) => ({ ...sample, net: 140 + index })))(
    'at the start $how guards the power, and brings the cluster back',
    async ({ damage, net }) => {
      await using it = await scene(net)
      await leaveJournal(it)
      await damage(join(it.state, 'journal.db'))
      const daemon = await it.start()
      await onMains(daemon)
      await goThroughAnOutage(it)
      await waitFor('the outage to be over', 20_000, async () =>
        (await daemon.control.list<Outage>('/outages')).some(({ stage }) => stage === 'over'),
      )
      expect(isBack(it)).toBe(true)
    },
  )

  test.each([
    { how: 'is deleted', damage: (path: string) => rm(path), net: 160 },
    { how: 'is replaced by a directory', damage: (path: string) => rm(path).then(() => mkdir(path)), net: 161 },
    { how: 'ends after a byte', damage: (path: string) => truncate(path, 1), net: 162 },
  ])('$how while it runs guards the power, and tells of it', async ({ damage, net }) => {
    await using it = await scene(net)
    const daemon = await it.start()
    await onMains(daemon)
    await damage(join(it.state, 'journal.db'))
    await goThroughAnOutage(it)
    const alerts = await daemon.control.get<Alert[]>('/alerts')
    // Memory has all that counts, so nothing is lost, and nothing is left to do but to look at the disk.
    const text = expect.stringMatching(/: nothing is lost$/)
    expect(alerts).toContainEqual(
      expect.objectContaining({ id: expect.stringMatching(/^journal\.damaged:/), severity: 'warning', text }),
    )
    expect(readdirSync(it.state).filter((name) => name.startsWith('journal.db.damaged')).length).toBeGreaterThan(0)
  })

  test.each([
    {
      what: 'its journal is damaged beyond reading',
      lose: ({ state }: Scene) => writeFile(join(state, 'journal.db'), 'x'.repeat(9_000)),
      net: 180,
    },
    { what: 'its journal is gone', lose: ({ state }: Scene) => rm(join(state, 'journal.db')), net: 181 },
  ])(
    'was killed when everything was off, and $what, wakes the cluster from the marks on its nodes',
    async ({ lose, net }) => {
      await using it = await scene(net)
      const first = await it.start()
      await onMains(first)
      await it.upsd.status('OB DISCHRG LB')
      await waitFor('everything to be off', 40_000, () => isOff(it))
      await first.kill()
      for (const ending of ['-wal', '-shm']) rmSync(join(it.state, `journal.db${ending}`), { force: true })
      await lose(it)
      await it.upsd.status('OL CHRG')
      const daemon = await it.start()
      await waitFor('everything to be back', 60_000, () => isBack(it))
      const alerts = await daemon.control.get<Alert[]>('/alerts')
      expect(alerts).toContainEqual(
        expect.objectContaining({ id: expect.stringMatching(/^journal\.damaged:/), severity: 'critical' }),
      )
    },
  )

  test('can not be written, on a disk that is read-only, guards the power all the same', async (context) => {
    context.skip(process.getuid?.() !== 0, 'only root may mount a disk read-only')
    await using it = await scene(172)
    const first = await it.start()
    await onMains(first)
    await first.stop()
    execFileSync('mount', ['--bind', it.state, it.state])
    await using disk = new AsyncDisposableStack()
    disk.defer(() => void execFileSync('umount', ['-l', it.state]))
    execFileSync('mount', ['-o', 'remount,ro,bind', it.state])
    const daemon = await it.start({ isMute: true })
    await goThroughAnOutage(it)
    expect(daemon.output).toMatch(/the journal is kept in memory/)
    // Its socket is where commands find it all the same.
    const status = await runCli(['status', '-c', it.config])
    expect(status).toMatchObject({ code: 0, stdout: expect.stringMatching(/\njournal +kept in memory: /) })
    expect((await runCli(['alerts', '-c', it.config])).stdout).toMatch(
      /commands reach the daemon at \/.*control\.sock, because the state directory takes no socket: .*EROFS/,
    )
    await daemon.kill()
  })
})
