import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { endStore, type LabDaemon, runCli, startDaemon, waitFor } from '../lab/daemon.ts'
import { type Homelab, startHomelab } from '../lab/homelab.ts'
import { startUpsdStandIn, type UpsdStandIn } from '../lab/upsd/stand-in.ts'

/** Each waits for several things. */
const patience = { timeout: 300_000 }
let lab: Homelab
let upsd: UpsdStandIn
let stack: AsyncDisposableStack
let directory: string
let file: string

beforeAll(async () => {
  lab = await startHomelab({ net: 68, controlPlanes: 1, workers: 1, versions: ['v1.13.9', 'v1.14.1'] })
})
afterAll(() => lab[Symbol.asyncDispose]())
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  directory = await mkdtemp(join(tmpdir(), 'caretaker-live-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  stack.defer(() => endStore(directory))
  upsd = stack.use(await startUpsdStandIn({ address: '127.0.68.93' }))
  file = await lab.writeConfig(directory, {
    ups: { host: upsd.address, port: upsd.port },
    upgrade: { enabled: false, soak: '7d' },
  })
  return () => stack.disposeAsync()
})

type Written = Record<string, Record<string, unknown>>

async function edit(change: (config: Written) => void): Promise<void> {
  const config = parse(await readFile(file, 'utf8')) as Written
  change(config)
  await writeFile(file, stringify(config))
}

const start = async (): Promise<LabDaemon> => stack.use(await startDaemon({ config: file, directory }))
const status = async () => (await runCli(['status', '-c', file])).stdout
const shows = (what: string, text: string | RegExp) =>
  waitFor(what, 20_000, async () => {
    const shown = await status()
    return typeof text === 'string' ? shown.includes(text) : text.test(shown)
  })

test(
  'without nodes and credentials it guards the power and stages, says what is missing, and takes credentials that appear',
  patience,
  async () => {
    await edit((config) => {
      delete config['nodes']
      delete config['cluster']
    })
    const daemon = await start()
    await shows('the UPS to be read', /power +on mains/)
    await shows('an image to be staged', /share +v1\.14\.1/)
    expect(await status()).toMatch(/missing +nodes: list them under `nodes`/)
    expect(await status()).toMatch(/missing +a talosconfig: set cluster\.talosconfig/)
    await upsd.status('OB DISCHRG')
    await shows('the power cut to be seen', /power +on battery/)
    await upsd.status('OL')
    expect(await daemon.stop()).toBe(0)

    // Named, and not written yet: a cluster is being made.
    const configured = await lab.writeConfig(directory, {
      ups: { host: upsd.address, port: upsd.port },
      upgrade: { enabled: false },
    })
    expect(configured).toBe(file)
    for (const name of ['talosconfig', 'kubeconfig'])
      await rename(join(directory, name), join(directory, `${name}.later`))
    await start()
    await shows(
      'what is missing',
      new RegExp(`missing +a usable talosconfig: put it at ${join(directory, 'talosconfig')}`),
    )
    for (const name of ['talosconfig', 'kubeconfig'])
      await rename(join(directory, `${name}.later`), join(directory, name))
    await shows('the nodes to be seen', /w-1 +worker +v1\.13\.9 .* yes/)
    expect(await status()).not.toContain('missing')
  },
)

test(
  'an edit of the configuration counts at once, by itself and by SIGHUP, or says what takes a restart',
  patience,
  async () => {
    const daemon = await start()
    await edit((config) => void (config['upgrade']!['pin'] = 'v1.13.9'))
    await waitFor('the edit to be taken', 15_000, async () =>
      (await runCli(['journal', '-c', file])).stdout.includes('was edited; now in effect: upgrade.pin'),
    )
    expect((await runCli(['plan', '-c', file])).stdout).toContain('the nodes run v1.13.9, and v1.13.9 is pinned')

    await edit((config) => void (config['share']!['keep'] = 5))
    process.kill(daemon.pid, 'SIGHUP')
    const text = `${file} was changed since the start; restart needed for: share.keep`
    await shows('that it takes a restart', text)
    expect((await runCli(['alerts', '-c', file])).stdout).toContain(text)
    expect(await daemon.stop()).toBe(0)
    await start()
    expect(await status()).not.toContain('restart needed')
  },
)

test(
  'a typo keeps nothing from being guarded: while it runs, and at its start after a power cut',
  patience,
  async () => {
    const daemon = await start()
    await shows('the UPS to be read', /power +on mains/)
    const good = await readFile(file, 'utf8')
    await writeFile(file, good.replace('soak: 7d', 'soak: soon'))
    const fault = /caretaker\.yaml:\d+:\d+: upgrade\.soak: use a duration such as 30s, 10m, 2h or 7d/
    await shows('the fault', fault)
    expect((await runCli(['alerts', '-c', file])).stdout).toMatch(/critical/)
    expect((await runCli(['config', 'check', '-c', file])).code).toBe(2)
    await daemon.kill()
    // Together with what else may be broken then.
    await writeFile(join(directory, 'talosconfig'), 'contexts: [')
    const again = await start()
    expect((await runCli(['alerts', '-c', file])).stdout).toContain(
      `${join(directory, 'talosconfig')}: it is not valid YAML`,
    )
    expect(again.output).toMatch(fault)
    await shows('the UPS to be read', /power +on mains/)
    await shows('the fault', fault)
    await upsd.status('OB DISCHRG')
    await shows('the power cut to be seen', /power +on battery/)
    await again.kill()
    // Half of an edit, and nothing of it says where the state is.
    await writeFile(file, 'cluster:\n  name: "lab\n')
    await start()
    await shows('the power cut to be seen', /power +on battery/)
    await writeFile(file, good)
    await waitFor('it to be mended', 20_000, async () => !(await status()).includes('last good version'))
  },
)
