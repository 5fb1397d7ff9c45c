import { execFile, spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { arch, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRun, packagesOf } from '../deb.ts'
import { waitFor } from '../lab/daemon.ts'
import { lacks } from '../lab/needs.ts'
import { placeBuild } from '../lab/package.ts'
import { type Debian, makeDebian, whyNoDebian } from './debian.ts'
import { type Instruction, lastStage } from './dockerfile.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const why = arch() === 'x64' ? whyNoDebian() : 'the Debian of the test is amd64'

/** A user that nobody has a name for, as on a NAS. */
const user = 54_321

/**
 * Without an engine: a Debian in whose place the base image would be, with the last stage of the Dockerfile carried out in it. What
 * apt-get would install is there already.
 */
async function assemble(image: Debian, stages: Readonly<Record<string, string>>): Promise<readonly Instruction[]> {
  const steps = lastStage(await readFile(join(root, 'Dockerfile'), 'utf8'))
  await cp(process.execPath, join(image.path, 'usr/local/bin/node'))
  let directory = '/'
  for (const { name, options, text } of steps) {
    if (name === 'WORKDIR') directory = text
    if (name === 'WORKDIR') await mkdir(join(image.path, text), { recursive: true })
    if (name === 'COPY') await copy(image, { stages, options, directory, words: text.split(/\s+/) })
    if (name === 'RUN' && !text.startsWith('apt-get'))
      expect(await image.run('sh', '-ec', `cd ${directory}; ${text}`)).toMatchObject({ code: 0 })
  }
  return steps
}

interface Copy {
  readonly stages: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, string>>
  readonly directory: string
  readonly words: readonly string[]
}

async function copy(image: Debian, { stages, options, directory, words }: Copy): Promise<void> {
  const { from, chmod: mode } = options
  const target = words.at(-1)!
  for (const source of words.slice(0, -1)) {
    const given = from === undefined ? join(root, source) : join(stages[from]!, source)
    const name = target.endsWith('/') ? join(target, source.split('/').at(-1)!) : target
    const place = join(image.path, resolve(directory, name))
    await mkdir(dirname(place), { recursive: true })
    await cp(given, place, { recursive: true })
    if (mode !== undefined) await chmod(place, Number.parseInt(mode, 8))
  }
}

describe.skipIf(lacks(why, { alsoInCi: true }))('the image', { timeout: 900_000 }, () => {
  let folder: string
  let image: Debian | undefined
  let steps: readonly Instruction[]
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'caretaker-image-'))
    image = await makeDebian()
    if (!image) {
      console.warn('skipped: no mirror of Debian answers')
      return
    }
    const stages = { build: join(folder, 'build'), packages: join(folder, 'packages') }
    await placeBuild(join(stages.build, 'build/dist'))
    for (const path of await packagesOf())
      await cp(join(root, path), join(stages.packages, 'app', path), { recursive: true, filter: isRun })
    steps = await assemble(image, stages)
    for (const name of ['etc/caretaker', 'pxe']) await mkdir(join(image.path, name))
    // A new volume, as an engine makes it: what the image has there, with its mode.
    await cp(join(image.path, 'var/lib/caretaker'), join(folder, 'state'), { recursive: true })
    await chmod(join(folder, 'state'), 0o1777)
    await mkdir(join(folder, 'config/schematics'), { recursive: true })
    await writeFile(join(folder, 'config/schematics/homelab.yaml'), 'customization: {}\n')
    await writeFile(join(folder, 'config/caretaker.yaml'), 'schematic: homelab\nshare: { directory: /pxe }\n')
    await mkdir(join(folder, 'share'))
    await run('chown', [String(user), join(folder, 'share')])
    await chmod(folder, 0o755)
  }, 900_000)
  afterAll(async () => {
    await image?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  /** What `docker run --read-only --tmpfs /tmp --user …` makes of it, as far as files and users go. */
  function container(words: readonly string[]) {
    const { path } = image!
    const env = steps.filter(({ name }) => name === 'ENV').map(({ text }) => text)
    const script = [
      `mount --bind '${path}' '${path}'`,
      `mount -o remount,bind,ro '${path}'`,
      `mount -t tmpfs tmpfs '${path}/tmp'`,
      `mount -t proc proc '${path}/proc'`,
      ...(['config:etc/caretaker', 'state:var/lib/caretaker', 'share:pxe'] as const).map((pair) => {
        const [from, to] = pair.split(':')
        return `mount --bind '${folder}/${from}' '${path}/${to}'`
      }),
      `exec chroot --userspec=${user}:${user} '${path}' env -i HOME=/ PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ${env.join(' ')} ${words.join(' ')}`,
    ].join(' && ')
    const child = spawn('unshare', ['--mount', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text))
    const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
    return { child, ended, output: () => output }
  }

  const once = async (...words: readonly string[]) => {
    const { ended, output } = container(words)
    return { code: await ended, output: output() }
  }
  const words = (name: string) =>
    JSON.parse(steps.findLast((step) => step.name === name)!.text.replace(/^CMD /, '')) as string[]

  test('runs as a user without a name on a read-only root, is well, and stops in order', async ({ skip }) => {
    if (!image) {
      skip()
      return
    }
    const { child, ended, output } = container([...words('ENTRYPOINT'), ...words('CMD')])
    using _ = { [Symbol.dispose]: () => child.kill('SIGTERM') }
    const healthy = () => once('caretaker-healthy')
    await waitFor('it to be well', 30_000, async () => {
      if (child.exitCode !== null) throw new Error(`it ended: ${output()}`)
      return (await healthy()).code === 0
    })
    expect(await healthy()).toEqual({ code: 0, output: 'answers with 200\n' })
    const status = await once('caretaker', 'status')
    expect(status).toMatchObject({ code: 0, output: expect.stringMatching(/queue +\d+ running/) })
    // One that hangs is not well: its socket takes connections all the same.
    const [node] = (await run('pgrep', ['-P', String(child.pid)])).stdout.split('\n')
    process.kill(Number(node), 'SIGSTOP')
    expect(await healthy()).toEqual({ code: 1, output: 'no answer within 5 s\n' })
    process.kill(Number(node), 'SIGCONT')
    child.kill('SIGTERM')
    expect({ code: await ended, output: output() }).toMatchObject({ code: 0 })
    expect(await healthy()).toMatchObject({ code: 1, output: expect.stringContaining('control.sock') })
  })

  test('has nothing that its user could write to, but what is mounted', async ({ skip }) => {
    if (!image) {
      skip()
      return
    }
    expect((await once('touch', '/app/x')).code).not.toBe(0)
    expect(await once('touch', '/tmp/x', '/var/lib/caretaker/x', '/pxe/x')).toEqual({ code: 0, output: '' })
  })

  test('logs in by SSH as a user without a name', async ({ skip }) => {
    if (!image) {
      skip()
      return
    }
    const login = ['-o', 'BatchMode=yes', '-p', '9', '127.0.0.1']
    expect((await once('/usr/bin/ssh', ...login)).output).toContain('No user exists for uid')
    expect((await once('ssh', ...login)).output).toContain('Connection refused')
    // Caretaker hands down a path and nothing else.
    expect((await once('env', '-i', 'PATH=/usr/local/bin:/usr/bin:/bin', 'ssh', ...login)).output).toContain(
      'Connection refused',
    )
  })

  test('says whose a secret is that its user may not read, and what to do', async ({ skip }) => {
    if (!image) {
      skip()
      return
    }
    const secret = join(folder, 'config/ups-password')
    await writeFile(secret, 'secret', { mode: 0o600 })
    const lines = [
      'schematic: homelab',
      'share: { directory: /pxe }',
      'upses: [{ name: ups, host: 127.0.0.1, user: monuser, password: { file: ups-password } }]',
    ]
    await writeFile(join(folder, 'config/other.yaml'), `${lines.join('\n')}\n`)
    const { code, output } = await once('caretaker', 'config', 'check', '-c', '/etc/caretaker/other.yaml')
    expect(code).toBe(2)
    expect(output).toContain(
      `/etc/caretaker/ups-password can't be read: it belongs to the user 0, its mode is 600, and Caretaker runs as the user ${user}: run \`chown ${user} `,
    )
  })
})
