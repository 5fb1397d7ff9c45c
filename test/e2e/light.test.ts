import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kill } from 'node:process'
import { expect, test } from 'vitest'
import type { StatusAnswer } from '../../src/core/operator.ts'
import { endStore, startDaemon, waitFor } from '../lab/daemon.ts'
import { startHomelab } from '../lab/homelab.ts'

/** Loaded into the daemon before its own code: writes what it has used so far, whenever it is told to. */
const spy = String.raw`
const { renameSync, writeFileSync } = require('node:fs')
const Module = require('node:module')
if (process.argv.includes('start')) {
  const used = new Set()
  for (const name of ['DateTimeFormat', 'NumberFormat', 'Collator']) Intl[name] = new Proxy(Intl[name], {
    construct(target, given) { used.add(name); return Reflect.construct(target, given) },
    apply(target, self, given) { used.add(name); return Reflect.apply(target, self, given) },
  })
  process.on('SIGUSR2', () => {
    const packages = Object.keys(Module._cache).map((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1])
    const compiles = typeof WebAssembly !== 'undefined'
    const arenas = process.env.MALLOC_ARENA_MAX
    const answer = { used: [...used], packages: [...new Set(packages)], compiles, arenas }
    writeFileSync(process.env.SPY + '.new', JSON.stringify(answer))
    renameSync(process.env.SPY + '.new', process.env.SPY)
  })
}`

interface Seen {
  readonly used: readonly string[]
  readonly packages: readonly string[]
  /** Whether V8 may compile to machine code: without that there is no WebAssembly either. */
  readonly compiles: boolean
  readonly arenas: string
}

test('a daemon that stages and is asked holds no memory for Intl, a compiler, calendars or a pool for each thread', async () => {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-light-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const [file, seen] = [join(directory, 'spy.cjs'), join(directory, 'seen.json')]
  await writeFile(file, spy)
  const lab = stack.use(await startHomelab({ net: 71, controlPlanes: 1, workers: 1, versions: ['v1.13.9'] }))
  const config = await lab.writeConfig(join(directory, 'homelab'))
  stack.defer(() => endStore(join(directory, 'homelab')))
  const environment = { NODE_OPTIONS: `--require=${file}`, SPY: seen, TZ: 'UTC' }
  const daemon = stack.use(await startDaemon({ config, directory: join(directory, 'homelab'), environment }))
  await waitFor('an image to be staged', 20_000, async () => {
    const status = await daemon.control.get<StatusAnswer>('/status')
    return status.published !== undefined
  })
  await daemon.control.post('/jobs/watch-releases/run', { wait: true })
  kill(daemon.pid, 'SIGUSR2')
  const look = () => readFile(seen, 'utf8').catch(() => undefined)
  await waitFor('the spy', 5_000, async () => (await look()) !== undefined)
  const { used, packages, compiles, arenas } = JSON.parse((await look())!) as Seen
  expect(used).toEqual([])
  expect({ compiles, arenas }).toEqual({ compiles: false, arenas: '1' })
  // It sees what is there.
  expect(packages).toContain('bullmq')
  expect(packages.filter((name) => /luxon/.test(name ?? ''))).toEqual([])
})
