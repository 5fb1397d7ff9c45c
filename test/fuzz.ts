// The API of a real daemon on a homelab of stand-ins, attacked by what its own OpenAPI document says: `npm run fuzz`. What
// follows it goes to schemathesis, such as `--include-path /nodes/{name}/pause`.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { argv, env, exit } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'
import { startDaemon } from './lab/daemon.ts'
import { startHomelab } from './lab/homelab.ts'
import { startGotify } from './lab/notify/gotify.ts'
import { startUpsdStandIn } from './lab/upsd/stand-in.ts'
import { startManyClients } from './many-clients.ts'

const release = '4.32.5'
const cache = fileURLToPath(new URL('../.cache', import.meta.url))
const address = '127.0.207.2'
/** Where requests go in: a reverse proxy that the API trusts. */
const gate = '127.0.207.3'
const port = 8420
const token = 'fuzz-0123456789abcdef-admin'
/** Seed and examples of each request, unless the environment says otherwise. */
const { SEED = '207', EXAMPLES = '40' } = env

exit(await fuzz())

async function fuzz(): Promise<number> {
  const program = await install()
  if (program === undefined) return 2
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-fuzz-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const upsd = stack.use(await startUpsdStandIn({ address: '127.0.207.93' }))
  const lab = stack.use(await startHomelab({ net: 207, nas: true, versions: ['v1.13.9', 'v1.14.0'] }))
  const gotify = stack.use(await startGotify({ address: '127.0.207.90', token: 'gotify-token' }))
  const config = await lab.writeConfig(directory, {
    ups: { host: upsd.address, port: upsd.port, user: 'monuser', password: 'secret' },
  })
  await openApi(config, directory, gotify.url)
  const daemon = stack.use(await startDaemon({ config, directory }))
  stack.use(await startManyClients({ address: gate, port, to: { host: address, port } }))
  const hints = join(directory, 'schemathesis.toml')
  await writeFile(hints, hintsFor(lab.nodes.map(({ name }) => name)))
  const code = await attack(program, hints)
  const faults = daemon.output.split('\n').filter((line) => /internal error|"level":(50|60)/.test(line))
  for (const line of faults.slice(0, 20)) console.error(line)
  const end = await daemon.stop()
  const isFine = code === 0 && faults.length === 0 && end === 0
  console.log(
    `the API ${isFine ? 'holds' : 'does not hold'}: schemathesis ended with ${code}, the daemon with ${end}, and its log has ${faults.length} errors`,
  )
  return isFine ? 0 : 1
}

/** The daemon serves the API on a port, and has a channel that works. */
async function openApi(config: string, directory: string, gotifyUrl: string) {
  const written = parse(await readFile(config, 'utf8')) as Record<string, unknown>
  await writeFile(join(directory, 'fuzz-token'), `${token}\n`, { mode: 0o600 })
  await writeFile(join(directory, 'gotify-token'), 'gotify-token\n', { mode: 0o600 })
  const api = {
    address,
    port,
    anonymous: 'never',
    proxy: { from: [gate], header: 'Remote-User', scope: 'read' },
    tokens: [{ name: 'fuzz', scope: 'admin', token: { file: 'fuzz-token' } }],
  }
  const notifications = { channels: { phone: { type: 'gotify', server: gotifyUrl, token: { file: 'gotify-token' } } } }
  await writeFile(config, stringify({ ...written, api, notifications }))
}

/** Names that are there, and one that is not: of those that are guessed none would be. */
function hintsFor(nodes: readonly string[]): string {
  const hint = (path: string, names: readonly string[]) =>
    `[[operations]]\ninclude-path-regex = "${path}"\nparameters = { "path.name" = ${JSON.stringify(names)} }\n`
  return [hint('^/nodes/', [...nodes, 'w-99']), hint('^/upses/', ['ups', 'attic'])].join('\n')
}

/** Lets schemathesis loose; resolves with its exit code. */
function attack(program: string, hints: string): Promise<number | null> {
  const child = spawn(
    program,
    [
      '--config-file',
      hints,
      'run',
      `http://${gate}:${port}/api/v1/openapi.json`,
      '--header',
      `Authorization: Bearer ${token}`,
      '--seed',
      SEED,
      '--max-examples',
      EXAMPLES,
      '--generation-database',
      'none',
      '--request-timeout',
      '90',
      '--continue-on-failure',
      // It never ends.
      '--exclude-path',
      '/live',
      ...argv.slice(2),
    ],
    { stdio: 'inherit', env: { ...env, NO_COLOR: '1' }, cwd: cache },
  )
  return new Promise((resolve) => child.once('close', resolve))
}

/** The program, in an environment of its own; undefined, with a word, where it can't be had. */
async function install(): Promise<string | undefined> {
  const folder = join(cache, `schemathesis-${release}`)
  const program = join(folder, 'bin', 'schemathesis')
  if (existsSync(program)) return program
  await mkdir(cache, { recursive: true })
  console.log(`installing schemathesis ${release} into .cache`)
  const run = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: 'inherit' }).status === 0
  if (
    run('python3', '-m', 'venv', folder) &&
    run(join(folder, 'bin', 'pip'), 'install', '-q', '--disable-pip-version-check', `schemathesis==${release}`)
  )
    return program
  await rm(folder, { recursive: true, force: true })
  console.error('schemathesis could not be installed: it needs Python 3.10 with venv, and PyPI')
  return undefined
}
