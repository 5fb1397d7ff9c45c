import { execFile } from 'node:child_process'
import { glob, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { StatusAnswer } from '../../src/core/operator.ts'
import { endStore, runCli, startDaemon, waitFor } from '../lab/daemon.ts'
import { startHomelab } from '../lab/homelab.ts'
import { placePackage } from '../lab/package.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFile(join(project, path), 'utf8')
let root: string
let launcher: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'caretaker-built-'))
  await placePackage(root)
  launcher = join(root, 'bin', 'caretaker.mjs')
})
afterAll(() => rm(root, { recursive: true, force: true }))

const filesOf = async (pattern: string, cwd: string) => (await Array.fromAsync(glob(pattern, { cwd }))).toSorted()

test('the built package looks after a homelab, with every job, and says its version', async () => {
  await using stack = new AsyncDisposableStack()
  const directory = join(root, 'homelab')
  const lab = stack.use(await startHomelab({ net: 69, controlPlanes: 1, workers: 1, versions: ['v1.13.9'] }))
  const config = await lab.writeConfig(directory)
  stack.defer(() => endStore(directory))
  const daemon = stack.use(await startDaemon({ config, directory, launcher }))
  await waitFor('an image to be staged', 20_000, async () => {
    const status = await daemon.control.get<StatusAnswer>('/status')
    return status.published !== undefined
  })
  const { stdout } = await runCli(['jobs', '--json', '-c', config], {}, launcher)
  const jobs = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name)
  expect(jobs.toSorted()).toEqual((await filesOf('*.ts', join(project, 'jobs'))).map((file) => basename(file, '.ts')))
  const { version } = JSON.parse(await read('package.json')) as { version: string }
  expect(await runCli(['--version'], {}, launcher)).toMatchObject({ stdout: `${version}\n` })
  expect(await daemon.stop()).toBe(0)
})

test('the built package has every service, and finds the same faults in a configuration', async () => {
  const entries = (files: readonly string[]) => files.map((file) => file.replace(/\.[jt]s$/, ''))
  const services = entries(await filesOf('src/services/*/service.ts', project))
  expect(services).not.toHaveLength(0)
  expect(entries(await filesOf('src/services/*/service.js', join(root, 'dist')))).toEqual(services)
  const file = join(root, 'faulty.yaml')
  const config = parse(await read('config/example/caretaker.yaml')) as Record<string, unknown>
  await writeFile(file, stringify({ ...config, nodes: [{ name: 1, role: 'boss' }], queue: { url: 'http://queue' } }))
  const built = await runCli(['config', 'check', '-c', file], {}, launcher)
  expect(built).toMatchObject({ code: 2, stderr: expect.stringContaining('nodes.0.role') })
  expect(built).toEqual(await runCli(['config', 'check', '-c', file]))
})

test('every file of the built package loads without the packages that it contains', async () => {
  // Scripts for browsers are no program of Node.
  const files = (await filesOf('dist/**/*.js', root)).filter(
    (file) => basename(file) !== 'cli.js' && !file.includes('/assets/'),
  )
  const places = files.map((file) => pathToFileURL(join(root, file)).href)
  const code = `for (const place of ${JSON.stringify(places)}) await import(place)`
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', code])
  await expect(run).resolves.toMatchObject({ stdout: '' })
})

test('no file of the built package imports node:http, for which Node would load undici as well', async () => {
  const files = await Promise.all(
    (await filesOf('dist/**/*.js', root)).map((file) => readFile(join(root, file), 'utf8')),
  )
  // One that imports something else shows that imports look so.
  expect(files.some((text) => /from ?["'`]node:net["'`]/.test(text))).toBe(true)
  expect(files.filter((text) => /(from|import) ?["'`](node:)?http["'`]/.test(text))).toEqual([])
})

test('the texts of the licences of what the package contains lie in it', async () => {
  const text = await readFile(join(root, 'dist', 'LICENSES.txt'), 'utf8')
  const { dependencies, devDependencies } = JSON.parse(await read('package.json')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >
  for (const name of ['zod', 'hono', 'ical.js', '@connectrpc/connect-node'])
    expect(text).toContain(`\n${name} ${devDependencies[name]}, `)
  for (const name of Object.keys(dependencies)) expect(text).not.toContain(`\n${name} `)
  expect(text).toContain('Mozilla Public License Version 2.0')
  expect(text).toContain('Copyright 2008 Google Inc.')
})
