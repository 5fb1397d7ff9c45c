import { openApiText } from './openapi-document.ts'
import { settingsPage } from './settings-page.ts'
import { execFile } from 'node:child_process'
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseWhole, wholeSchema } from './config/whole.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFile(join(root, path), 'utf8')

test('the configuration that is shipped is valid, and its schema for editors is current', async () => {
  expect(() => parseWhole('', 'nothing')).toThrow('nothing:1:1')
  parseWhole(await read('config/caretaker.yaml'), 'config/caretaker.yaml')
  expect(await read('config/caretaker.openapi.json')).toBe(await openApiText())
  expect(await read('docs/settings.md')).toBe(await settingsPage())
  expect(JSON.parse(await read('config/caretaker.schema.json'))).toEqual(JSON.parse(JSON.stringify(wholeSchema())))
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

test('the compose file starts the guard of the power whatever becomes of the queue’s store', async () => {
  const { services } = parse(await read('docker-compose.yml')) as { services: Record<string, Record<string, unknown>> }
  expect(services['agent']).not.toHaveProperty('depends_on')
  expect(services['agent']).not.toHaveProperty('links')
})

test('the image runs without root, and tells whether it is well', async () => {
  const lines = (await read('Dockerfile')).split('\n')
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM')))
  expect(last.find((line) => line.startsWith('USER'))).toBe('USER node')
  expect(last.some((line) => line.startsWith('HEALTHCHECK'))).toBe(true)
  for (const [, source] of lines.join('\n').matchAll(/^COPY (?!--from)(\S+)/gm))
    expect(await glob(source!, { cwd: root }).next(), source).toMatchObject({ done: false })
})

test('every package of the lock file has the checksum that npm compares it with, also those of other platforms', async () => {
  const { packages } = JSON.parse(await read('package-lock.json')) as {
    packages: Record<string, { link?: boolean; integrity?: string; cpu?: readonly string[] }>
  }
  const entries = Object.entries(packages).filter(([path, { link }]) => path.includes('node_modules/') && !link)
  expect(entries.filter(([, { cpu }]) => cpu).length).toBeGreaterThan(40)
  const without = entries.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''))
  expect(without.map(([path]) => path)).toEqual([])
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
  { name: 'types hold', program: 'tsc', args: ['-p', '.'] },
  { name: 'the linter finds nothing', program: 'oxlint', args: [] },
  { name: 'everything is formatted', program: 'oxfmt', args: ['--check'] },
] as const)(
  '$name',
  async ({ program, args }) => {
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
