import { execFile } from 'node:child_process'
import { glob, readFile } from 'node:fs/promises'
import { dirname, join, normalize, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { configSchema, parseConfig } from '../src/config.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFile(join(root, path), 'utf8')

/** Who may import whom. What is not listed (main, cli) knows everything. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'src/core/': ['src/core/', 'src/config.ts'],
  'src/config': ['src/core/', 'src/config'],
  'src/engine/': ['src/core/', 'src/engine/'],
  'src/watchers/': ['src/core/', 'src/watchers/'],
  'src/control/': ['src/core/', 'src/control/'],
  'src/agent.ts': ['src/core/', 'src/engine/', 'src/config.ts'],
  'jobs/': ['src/core/'],
}

/** Where a package may be imported. `yaml` is a format, and read at every door. */
const owners: Readonly<Record<string, readonly string[]>> = {
  '@bufbuild/protobuf': ['src/adapters/talos/'],
  '@connectrpc/connect': ['src/adapters/talos/'],
  '@connectrpc/connect-node': ['src/adapters/talos/'],
  '@hono/node-server': ['src/control/'],
  bullmq: ['src/adapters/bullmq/'],
  chokidar: ['src/watchers/'],
  commander: ['src/cli.ts', 'src/cli'],
  '@marcbachmann/cel-js': ['src/adapters/checks'],
  'ical.js': ['src/adapters/calendar'],
  hono: ['src/control/'],
  ioredis: ['src/adapters/bullmq/'],
  pino: ['src/main/'],
  ws: ['src/adapters/kubernetes/'],
  yaml: ['src/config-text.ts', 'src/adapters/'],
  zod: ['src/config'],
}

test('imports point inwards, and a package is known in one place', async () => {
  const breaches: string[] = []
  for await (const path of glob('{src,jobs}/**/*.ts', { cwd: root })) {
    const file = path.split(sep).join('/')
    if (file.includes('/gen/')) continue
    const text = await read(file)
    const adapter = /^src\/adapters\/[^/]+\//.exec(file)?.[0]
    const allowed = adapter
      ? ['src/core/', adapter]
      : Object.entries(mayImport).find(([place]) => file.startsWith(place))?.[1]
    const knowsAll = /^src\/(main|cli)(\.ts|\/)/.test(file)
    for (const [, from] of text.matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
      if (from!.startsWith('.')) {
        const target = normalize(join(dirname(file), from!))
          .split(sep)
          .join('/')
        if (!knowsAll && !allowed?.some((place) => target.startsWith(place))) breaches.push(`${file} imports ${target}`)
        continue
      }
      const name = from!
        .split('/')
        .slice(0, from!.startsWith('@') ? 2 : 1)
        .join('/')
      if (name in owners && !owners[name]!.some((place) => file.startsWith(place)))
        breaches.push(`${file} imports ${name}`)
      if (!(name in owners) && !from!.startsWith('node:'))
        breaches.push(`${file} imports ${name}, which belongs nowhere`)
      if (file.startsWith('src/core/')) breaches.push(`${file} imports ${from}: the core is pure`)
    }
    // Whoever looks after a process of its own may signal it, and no more.
    const readsProcess =
      /\bprocess\.(env|argv|exit|cwd)\b/.test(text) || /import (?!\{ kill \}).* from 'node:process'/.test(text)
    if (readsProcess && !knowsAll) breaches.push(`${file} reads the process`)
    if (/(?<!performance|\/\/.*|\*.*)\b(Date\.now|new Date\(\))/.test(text) && file.startsWith('src/core/'))
      breaches.push(`${file} reads the clock`)
  }
  expect(breaches).toEqual([])
})

test('the configuration that is shipped is valid, and its schema for editors is current', async () => {
  expect(() => parseConfig('', 'nothing')).toThrow('nothing:1:1')
  parseConfig(await read('config/caretaker.yaml'), 'config/caretaker.yaml')
  expect(JSON.parse(await read('config/caretaker.schema.json'))).toEqual(JSON.parse(JSON.stringify(configSchema())))
})

test('the compose file keeps the queue on the disk, the share as a folder, and both without privileges', async () => {
  const { services } = parse(await read('docker-compose.yml')) as { services: Record<string, Record<string, unknown>> }
  const { agent, queue } = services
  expect(queue?.['command']).toEqual(
    expect.arrayContaining(['--appendonly', 'yes', '--maxmemory-policy', 'noeviction']),
  )
  expect(queue?.['ports']).toEqual(['127.0.0.1:6379:6379'])
  expect(agent?.['volumes']).toContainEqual(expect.objectContaining({ type: 'bind', target: '/pxe' }))
  for (const service of [agent, queue]) expect(service).toMatchObject({ cap_drop: ['ALL'], read_only: true })
})

test('the image runs without root, and tells whether it is well', async () => {
  const lines = (await read('Dockerfile')).split('\n')
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM')))
  expect(last.find((line) => line.startsWith('USER'))).toBe('USER node')
  expect(last.some((line) => line.startsWith('HEALTHCHECK'))).toBe(true)
  for (const [, source] of lines.join('\n').matchAll(/^COPY (?!--from)(\S+)/gm))
    expect(await glob(source!, { cwd: root }).next(), source).toMatchObject({ done: false })
})

test('every version that is named is the same', async () => {
  const { version, dependencies } = JSON.parse(await read('package.json')) as {
    version: string
    dependencies: Record<string, string>
  }
  expect(await read('CHANGES.md')).toContain(`## ${version}`)
  expect(await read('docker-compose.yml')).toContain(`caretaker:${version}`)
  // BullMQ's own keys are used to take up jobs of a killed agent.
  expect(dependencies['bullmq']).toMatch(/^\d/)
})

test.each([
  ['types hold', 'tsc', ['-p', '.']],
  ['the linter finds nothing', 'oxlint', []],
  ['everything is formatted', 'oxfmt', ['--check']],
] as const)(
  '%s',
  async (_, program, args) => {
    const result = await promisify(execFile)(join(root, 'node_modules', '.bin', program), [...args], {
      cwd: root,
    }).then(
      () => 'ok',
      (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
    )
    expect(result).toBe('ok')
  },
  120_000,
)
