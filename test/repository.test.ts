import { cliText } from './cli-document.ts'
import { openApiText } from './openapi-document.ts'
import { settingsPage } from './settings-page.ts'
import { execFile, spawnSync } from 'node:child_process'
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { lacks } from './lab/needs.ts'
import { longest } from './longest.ts'
import { parseWhole, wholeSchema } from './config/whole.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFile(join(root, path), 'utf8')

test('the configuration that is shipped is valid, and its schema for editors is current', async () => {
  expect(() => parseWhole('', 'nothing')).toThrow('nothing:1:1')
  parseWhole(await read('config/example/caretaker.yaml'), 'config/example/caretaker.yaml')
  expect(await read('config/caretaker.openapi.json')).toBe(await openApiText())
  expect(await read('config/caretaker.cli.json')).toBe(await cliText())
  expect(await read('docs/settings.md')).toBe(await settingsPage())
  expect(JSON.parse(await read('config/caretaker.schema.json'))).toEqual(JSON.parse(JSON.stringify(wholeSchema())))
})

/** As `docker compose` would put the variables in, where it is not there to be asked. */
async function composeFile(environment: Readonly<Record<string, string>>) {
  const text = (await read('docker-compose.yml')).replaceAll(
    /\$\{([A-Z_]+)(?::-([^}]*)|:\?[^}]*)?\}/g,
    (_, name: string, otherwise = '') => environment[name] ?? otherwise,
  )
  return parse(text) as { services: Record<'agent' | 'queue', Record<string, unknown>> }
}

test('the compose file keeps the queue on the disk, the share as a folder, and both without privileges', async () => {
  const { agent, queue } = (await composeFile({ SHARE: '/volume1/pxe' })).services
  expect(queue['command']).toEqual(expect.arrayContaining(['--appendonly', 'yes', '--maxmemory-policy', 'noeviction']))
  expect(agent['volumes']).toContainEqual(
    expect.objectContaining({ type: 'bind', source: '/volume1/pxe', target: '/pxe' }),
  )
  for (const service of [agent, queue]) {
    expect(service).toMatchObject({ cap_drop: ['ALL'], read_only: true })
    expect(service['logging']).toMatchObject({ options: { 'max-size': '10m', 'max-file': '3' } })
  }
})

test('the compose file starts the guard of the power whatever becomes of the queue’s store', async () => {
  const { agent, queue } = (await composeFile({})).services
  for (const word of ['depends_on', 'links', 'ports', 'profiles']) expect(agent).not.toHaveProperty(word)
  // Not started unless somebody asks for it, and then where the port is free, for this machine alone.
  expect(queue['profiles']).toEqual(['queue'])
  expect(queue['ports']).toEqual(['127.0.0.1:6379:6379'])
  expect((await composeFile({ QUEUE_PORT: '6380' })).services.queue['ports']).toEqual(['127.0.0.1:6380:6379'])
})

test('every variable of the compose file is explained in .env.example, and no other', async () => {
  const [compose, example] = await Promise.all([read('docker-compose.yml'), read('.env.example')])
  const used = [...compose.matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name)
  const explained = [...example.matchAll(/^#? ?([A-Z_]+)=/gm)].map(([, name]) => name)
  expect(new Set(explained)).toEqual(new Set(used))
})

test('the example of secrets in the compose file is one', async () => {
  const text = await read('docker-compose.yml')
  const { services, secrets } = parse(text.replaceAll(/^( *)# (secrets:|  ups-password:)/gm, '$1$2')) as {
    services: { agent: { secrets: string[] } }
    secrets: object
  }
  expect(Object.keys(secrets)).toEqual(services.agent.secrets)
})

const compose = spawnSync('docker', ['compose', 'version']).status === 0

test.skipIf(lacks(compose ? undefined : 'docker compose is missing', { alsoInCi: true }))(
  'docker compose takes the compose file as it is',
  async () => {
    for (const profile of [[], ['--profile', 'queue']]) {
      const order = ['compose', '--env-file', '.env.example', ...profile, 'config', '--quiet']
      expect(await promisify(execFile)('docker', order, { cwd: root })).toEqual({ stdout: '', stderr: '' })
    }
  },
)

test.each([
  { program: 'hadolint', file: 'Dockerfile' },
  { program: 'actionlint', file: '.github/workflows/publish.yml' },
])('$program finds nothing in $file', async ({ program, file }) => {
  // Neither is a package of Debian or npm: whoever has one gets its word.
  if (lacks(spawnSync(program, ['--version']).status === 0 ? undefined : `${program} is missing`, { alsoInCi: true }))
    return
  const found = await promisify(execFile)(program, [file], { cwd: root }).catch((error: { stdout: string }) => error)
  expect(found.stdout).toBe('')
})

test('the image runs without root, and tells whether it is well', async () => {
  const lines = (await read('Dockerfile')).split('\n')
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM')))
  expect(last.find((line) => line.startsWith('USER'))).toBe('USER 1000:1000')
  expect(last.some((line) => line.startsWith('HEALTHCHECK'))).toBe(true)
  // Zombies are waited for, and signals handed on.
  expect(last).toContain('ENTRYPOINT ["tini", "--", "caretaker"]')
})

test('what the Dockerfile copies is there, and reaches the builder', async () => {
  const copied = [...(await read('Dockerfile')).matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, words]) =>
    words!.split(' ').filter((word) => !word.startsWith('--')),
  )
  expect(copied.length).toBeGreaterThan(8)
  const [first, ...kept] = (await read('.dockerignore'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  expect(first).toBe('*')
  for (const source of copied) {
    expect(await glob(source, { cwd: root }).next(), source).toMatchObject({ done: false })
    const isKept = kept.some((line) => source === line.slice(1) || source.startsWith(`${line.slice(1)}/`))
    expect({ source, isKept }).toEqual({ source, isKept: true })
  }
})

test('the manifest for Kubernetes gives the container no more than compose does', async () => {
  const documents = parseAllDocuments(await read('config/install/kubernetes.yaml')).map((one) => one.toJS() as unknown)
  expect(documents).toContainEqual(
    expect.objectContaining({
      kind: 'Deployment',
      spec: expect.objectContaining({
        replicas: 1,
        strategy: { type: 'Recreate' },
        template: expect.objectContaining({
          spec: expect.objectContaining({
            hostNetwork: true,
            automountServiceAccountToken: false,
            securityContext: expect.objectContaining({ runAsNonRoot: true, runAsUser: 1_000 }),
            containers: [
              expect.objectContaining({
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ['ALL'] },
                },
              }),
            ],
          }),
        }),
      }),
    }),
  )
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
  for (const file of ['docker-compose.yml', 'config/install/kubernetes.yaml'])
    expect(await read(file)).toContain(`caretaker:${version}`)
  // BullMQ's own keys are used to take up jobs of a killed agent.
  expect(dependencies['bullmq']).toMatch(/^\d/)
})

test('the files of tests that are begun first are there', async () => {
  const files = await Array.fromAsync(glob('test/**/*.test.ts', { cwd: root }))
  expect(longest.filter((name) => !files.includes(`test/${name}.test.ts`))).toEqual([])
})

/** Two of them are Go: collecting garbage and sharing the work out would take longer than the work. */
const thrifty = { GOGC: '400', GOMAXPROCS: '1' }

test.each([
  { name: 'types hold', program: 'tsc', args: ['-p', '.', '--singleThreaded'] },
  { name: 'the linter finds nothing', program: 'oxlint', args: [] },
  { name: 'everything is formatted', program: 'oxfmt', args: ['--check'] },
] as const)('$name', async ({ program, args }) => {
  const result = await promisify(execFile)(join(root, 'node_modules', '.bin', program), [...args], {
    cwd: root,
    env: { ...process.env, ...thrifty },
  }).then(
    () => 'ok',
    (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
  )
  expect(result).toBe('ok')
})
