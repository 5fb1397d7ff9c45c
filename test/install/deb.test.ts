import { execFile, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { arch, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildPackage } from '../build.ts'
import { waitFor } from '../lab/daemon.ts'
import { lacks } from '../lab/needs.ts'
import { placeBuild } from '../lab/package.ts'
import { type Debian, makeDebian, packageOf, whyNoDebian } from './debian.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
// Not asked of CI either: it takes a mirror, and a machine that is ours.
const why = arch() === 'x64' ? whyNoDebian() : 'the package is tried on amd64'

describe.skipIf(lacks(why, { alsoInCi: true }))('the package for Debian', { timeout: 900_000 }, () => {
  let folder: string
  let [older, newer] = ['', '']
  let debian: Debian | undefined
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'caretaker-deb-test-'))
    await placeBuild(join(folder, 'dist'))
    older = await packageOf('0.1.0', join(folder, 'dist'), join(folder, 'one'))
    newer = await packageOf('0.2.0', join(folder, 'dist'), join(folder, 'one'))
    debian = await makeDebian()
    if (!debian) console.warn('skipped: no mirror of Debian answers')
  }, 900_000)
  afterAll(async () => {
    await debian?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test('is the same to the byte when it is built again', async () => {
    await buildPackage(join(folder, 'dist-again'))
    const again = await packageOf('0.1.0', join(folder, 'dist-again'), join(folder, 'two'))
    const sums = await Promise.all(
      [older, again].map(async (file) =>
        createHash('sha256')
          .update(await readFile(file))
          .digest('hex'),
      ),
    )
    expect(sums[0]).toBe(sums[1])
  })

  test('belongs to root, and nobody else may write to what it brings', async () => {
    const { stdout } = await run('dpkg-deb', ['--contents', older], { maxBuffer: 1e7 })
    const lines = stdout.trim().split('\n')
    expect(lines.length).toBeGreaterThan(500)
    expect(lines.filter((line) => !/^[d-]r[w-][x-]r-[x-]r-[x-] root\/root /.test(line))).toEqual([])
    for (const path of [
      'usr/bin/caretaker',
      'usr/lib/systemd/system/caretaker.service',
      'usr/share/doc/caretaker/docs/troubleshooting.md',
      'usr/share/doc/caretaker/examples/caretaker.yaml',
    ])
      expect(stdout).toContain(` ./${path}\n`)
    // Nothing of what only development needs.
    expect(stdout).not.toMatch(/node_modules\/(vitest|typescript|oxlint)\/|\.d\.ts\n/)
  })

  test('is installed, upgraded while it runs, removed and purged', async ({ skip }) => {
    if (!debian) {
      skip()
      return
    }
    const { path } = debian
    const install = async (file: string) => {
      await cp(file, join(path, 'root', 'caretaker.deb'))
      return debian!.run('dpkg', '--install', '/root/caretaker.deb')
    }
    const installed = await install(older)
    expect(installed).toMatchObject({ code: 0, output: expect.stringContaining('put a configuration into') })
    expect(await debian.run('caretaker', '--version')).toEqual({ code: 0, output: '0.1.0\n' })
    expect(await debian.run('dpkg', '--verify', 'caretaker')).toEqual({ code: 0, output: '' })
    const modes = async (...paths: string[]) =>
      (await debian!.run('stat', '-c', '%a %U:%G', ...paths)).output.trim().split('\n')
    expect(await modes('/var/lib/caretaker', '/etc/caretaker')).toEqual([
      '700 caretaker:caretaker',
      '750 root:caretaker',
    ])
    expect((await debian.run('getent', 'passwd', 'caretaker')).output).toMatch(
      /:\/var\/lib\/caretaker:\/usr\/sbin\/nologin$/m,
    )
    // Enabled: a machine that starts after a power cut starts it.
    expect((await debian.run('readlink', '/etc/systemd/system/multi-user.target.wants/caretaker.service')).code).toBe(0)

    await mkdir(join(path, 'srv', 'pxe'), { recursive: true })
    await writeFile(join(path, 'etc/caretaker/schematics/homelab.yaml'), 'customization: {}\n')
    const lines = [
      'schematic: homelab',
      'share: { directory: /srv/pxe }',
      'queue: { url: redis://127.0.0.1:9 }',
      'hosts: []',
    ]
    await writeFile(join(path, 'etc/caretaker/caretaker.yaml'), `${lines.join('\n')}\n`)
    await debian.run('chown', '-R', 'caretaker', '/srv/pxe')
    const daemon = spawn('chroot', ['--userspec=caretaker:caretaker', path, 'caretaker', 'start'], { stdio: 'ignore' })
    const ended = new Promise((resolve) => daemon.once('exit', resolve))
    const status = () => debian!.run('caretaker', 'status')
    await waitFor('the daemon to answer', 20_000, async () => (await status()).code === 0)
    expect((await status()).output).toMatch(/^caretaker +0\.1\.0, up for/)
    expect(await install(newer)).toMatchObject({ code: 0 })
    expect(await debian.run('caretaker', '--version')).toEqual({ code: 0, output: '0.2.0\n' })
    // The one that runs guards the power until systemd restarts it.
    expect((await status()).output).toMatch(/^caretaker +0\.1\.0, up for/)
    daemon.kill('SIGTERM')
    expect(await ended).toBe(0)

    await mkdir(join(path, 'var/lib/caretaker/snapshots'))
    await writeFile(join(path, 'var/lib/caretaker/snapshots/etcd.snapshot'), 'of a cluster')
    expect(await debian.run('dpkg', '--remove', 'caretaker')).toMatchObject({ code: 0 })
    expect((await debian.run('sh', '-c', 'command -v caretaker || ls /usr/lib/caretaker')).code).not.toBe(0)
    expect((await debian.run('ls', '/etc/caretaker/caretaker.yaml', '/var/lib/caretaker/journal.db')).code).toBe(0)
    expect(await debian.run('dpkg', '--purge', 'caretaker')).toMatchObject({
      code: 0,
      output: expect.stringContaining('snapshots of etcd'),
    })
    expect((await debian.run('ls', '/etc/caretaker')).code).not.toBe(0)
    expect((await debian.run('getent', 'passwd', 'caretaker')).code).not.toBe(0)
    expect((await debian.run('ls', '-A', '/var/lib/caretaker')).output).toBe('snapshots\n')
    expect(await modes('/var/lib/caretaker', '/var/lib/caretaker/snapshots/etcd.snapshot')).toEqual([
      '700 root:root',
      expect.stringMatching(/root:root$/),
    ])
    // As if it had never been there, but for those.
    expect(await install(older)).toMatchObject({ code: 0 })
    expect(await modes('/var/lib/caretaker/snapshots/etcd.snapshot')).toEqual([
      expect.stringMatching(/caretaker:caretaker$/),
    ])
    await rm(join(path, 'var/lib/caretaker/snapshots'), { recursive: true })
    expect(await debian.run('dpkg', '--purge', 'caretaker')).toMatchObject({ code: 0 })
    await expect(stat(join(path, 'var/lib/caretaker'))).rejects.toThrow('ENOENT')
  })
})

const analyze = spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' })
const version = Number(/^systemd (\d+)/.exec(analyze.stdout ?? '')?.[1] ?? 0)

test.skipIf(version < 250)('the unit is one that systemd understands, and that may do little', async () => {
  const place = await mkdtemp(join(tmpdir(), 'caretaker-unit-'))
  try {
    const unit = join(place, 'caretaker.service')
    // Where there is no package, its program is another one that is there.
    const text = await readFile(join(root, 'config/install/caretaker.service'), 'utf8')
    await writeFile(unit, text.replace('/usr/bin/caretaker', '/bin/true'))
    const verified = await run('systemd-analyze', ['verify', '--man=no', unit])
    expect(verified.stdout + verified.stderr).toBe('')
    const order = ['security', '--offline=true', '--no-pager', '--threshold=20', unit]
    const { stdout } = await run('systemd-analyze', order).catch((error: { stdout: string }) => error)
    const exposure = /exposure level for caretaker\.service: ([\d.]+)/.exec(stdout)?.[1]
    expect(Number(exposure)).toBeLessThanOrEqual(1.9)
  } finally {
    await rm(place, { recursive: true, force: true })
  }
})
