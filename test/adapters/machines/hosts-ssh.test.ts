import { existsSync } from 'node:fs'
import { chmod, copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHosts } from '../../../src/adapters/machines/hosts.ts'
import type { SshShutdown } from '../../../src/adapters/machines/ssh.ts'
import type { MachineOptions } from '../../../src/adapters/machines/options.ts'
import { lacks } from '../../lab/needs.ts'
import { clientsOf, type LabSshd, startSshd, whyNoSshd } from '../../lab/sshd.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

describe.skipIf(lacks(whyNoSshd()))('a host that is shut down by SSH', () => {
  let nas: LabSshd
  beforeAll(
    async () => void (nas = await startSshd({ address: '127.0.0.1', forced: 'echo $SSH_ORIGINAL_COMMAND; false' })),
  )
  afterAll(() => nas[Symbol.asyncDispose]())

  const hosts = (ssh: Partial<SshShutdown> = {}, address = nas.address, surroundings: MachineOptions = {}) =>
    createHosts(
      [
        {
          name: 'nas',
          address,
          shutdown: {
            kind: 'ssh',
            user: nas.user,
            port: nas.port,
            key: nas.keys.known,
            knownHosts: nas.knownHosts,
            ...ssh,
          },
        },
      ],
      surroundings,
    )
  const shutDown = (ssh: Partial<SshShutdown> = {}, signal = soon()) => hosts(ssh).shutDown('nas', signal)
  const path = (name: string) => join(nas.folder, name)
  const inShell = (file: string) => `'${file}'`

  test('takes the order, which runs there as it is written', async () => {
    const file = path('taken')
    await shutDown({ command: `printf '%s|' "a  b" $((1+1)) > ${inShell(file)}` })
    expect(await readFile(file, 'utf8')).toBe('a  b|2|')
  })

  test('is spoken to by an ssh that has nothing of our environment', async () => {
    const seen = path('environment')
    await writeFile(path('ssh'), `#!/bin/sh\nexport -p > ${inShell(seen)}\n`, { mode: 0o700 })
    process.env['SSH_AUTH_SOCK'] = '/secret/agent'
    try {
      await hosts({}, nas.address, { searchPath: nas.folder }).shutDown('nas', soon())
    } finally {
      delete process.env['SSH_AUTH_SOCK']
      await rm(path('ssh'))
    }
    const names = (await readFile(seen, 'utf8')).matchAll(/^export (\w+)/gm)
    expect([...names].map(([, name]) => name)).toEqual(expect.arrayContaining(['LC_ALL', 'PATH']))
    expect(await readFile(seen, 'utf8')).not.toMatch(/secret|HOME|USER/)
  })

  test('gives its command no input to wait for', async () => {
    await shutDown({ command: `cat > ${inShell(path('input'))}` })
    expect(await readFile(path('input'), 'utf8')).toBe('')
  })

  test.each([
    ['the connection is cut', 'echo going down >&2; touch FILE; kill -9 $PPID; sleep 1'],
    ['its shell is killed', 'touch FILE; kill -9 $$'],
    ['what its shell runs is killed', 'touch FILE; sh -c "kill -TERM \\$\\$"; exit $?'],
  ])('has taken the order when %s while it is carried out', async (what, command) => {
    const file = path(what)
    await shutDown({ command: command.replace('FILE', inShell(file)) })
    expect(existsSync(file)).toBe(true)
  })

  test('refuses by the exit code of its command, with the last lines of it and no control characters', async () => {
    const error = await refusal(
      shutDown({
        command: String.raw`for i in 1 2 3 4; do printf 'no\033[31m red\007\r\n\342\200\256line %s\n' $i >&2; done; exit 3`,
      }),
    )
    expect(error).toMatchObject({
      code: 'rejected',
      message: 'shut down nas: its command exited with code 3: line 3 / no red / line 4',
    })
    expect(await refusal(shutDown({ command: 'exit 1' }))).toMatchObject({
      message: expect.stringMatching(/code 1 without output$/),
    })
    expect(await refusal(shutDown({ command: 'echo died >&2; exit 255' }))).toMatchObject({
      code: 'rejected',
      message: 'shut down nas: its command exited with code 255: died',
    })
  })

  test('a forced command gets our own to compare, and its exit code counts', async () => {
    const other = await startSshd({
      address: '127.0.0.1',
      forced: `test \\"$SSH_ORIGINAL_COMMAND\\" = 'sudo shutdown -h now'`,
    })
    await using _ = other
    const order = { key: other.keys.forced, knownHosts: other.knownHosts, port: other.port }
    await hosts(order).shutDown('nas', soon())
    await expect(hosts({ ...order, command: 'reboot' }).shutDown('nas', soon())).rejects.toMatchObject({
      code: 'rejected',
    })
  })

  test('drops what a command prints without end, and keeps its last words', async () => {
    const flood = 'head -c 30000000 /dev/zero | tr "\\0" x'
    const error = await refusal(shutDown({ command: `${flood}; ${flood} >&2; echo; echo at last >&2; exit 7` }))
    expect(error.message).toMatch(/code 7: …?x*.*at last$/)
    expect(error.message.length).toBeLessThan(300)
  })

  describe('logs in with no key but the right one', () => {
    test('a key that is not let in', async () => {
      const error = await refusal(shutDown({ key: nas.keys.stranger }))
      expect(error).toMatchObject({ code: 'misconfigured' })
      expect(error.message).toContain(`permission denied for ${nas.user} with the key ${nas.keys.stranger}`)
    })

    test('a key that is not there, is open to others, or is none', async () => {
      const key = path('copy')
      await expect(shutDown({ key })).rejects.toMatchObject({
        code: 'misconfigured',
        message: `shut down nas: ${key} does not exist; it must be the private key of its \`ssh.key\``,
      })
      await copyFile(nas.keys.known, key)
      await chmod(key, 0o644)
      await expect(shutDown({ key })).rejects.toMatchObject({
        code: 'misconfigured',
        message: expect.stringContaining(`chmod 600 ${key}`),
      })
      await writeFile(path('none'), 'no key', { mode: 0o600 })
      await expect(shutDown({ key: path('none') })).rejects.toMatchObject({
        code: 'misconfigured',
        message: expect.stringContaining('is not a private key'),
      })
    })
  })

  test('is not known until its host key is', async () => {
    const knownHosts = path('empty')
    await writeFile(knownHosts, '')
    const file = path('not-known')
    const error = await refusal(shutDown({ knownHosts, command: `touch ${inShell(file)}` }))
    expect(error).toMatchObject({ code: 'misconfigured' })
    expect(error.message).toContain(`run \`ssh-keyscan -p ${nas.port} ${nas.address} >> ${knownHosts}\``)
    expect(existsSync(file)).toBe(false)
    expect(await readFile(knownHosts, 'utf8')).toBe('')
    await expect(shutDown({ knownHosts: path('gone') })).rejects.toMatchObject({ code: 'misconfigured' })
  })

  test('is another one when its host key has changed', async () => {
    await using impostor = await startSshd({ address: '127.0.0.1' })
    await impostor.changeHostKey()
    await impostor.stop()
    await impostor.start()
    const error = await refusal(
      shutDown({ port: impostor.port, knownHosts: impostor.knownHosts, key: impostor.keys.known }),
    )
    expect(error).toMatchObject({ code: 'misconfigured' })
    expect(error.message).toMatch(/host key differs from the one in .*another machine may be answering/)
  })

  test('that lets us in and runs nothing has not taken the order', async () => {
    await using narrow = await startSshd({ address: '127.0.0.1', settings: ['MaxSessions 0'] })
    const order = { port: narrow.port, knownHosts: narrow.knownHosts, key: narrow.keys.known }
    await expect(shutDown(order)).rejects.toMatchObject({
      code: 'rejected',
      message: expect.stringContaining('login works, but it runs no command'),
    })
  })

  test('that shows a banner is judged by what comes after it', async () => {
    const banner = path('banner')
    await writeFile(banner, 'Authorized use only.\nPermission denied to all others.\n')
    await using official = await startSshd({ address: '127.0.0.1', settings: [`Banner "${banner}"`] })
    const order = { port: official.port, knownHosts: official.knownHosts, key: official.keys.known }
    await shutDown({ ...order, command: 'kill -9 $$' })
    await expect(shutDown({ ...order, command: 'exit 4' })).rejects.toMatchObject({
      message: 'shut down nas: its command exited with code 4 without output',
    })
  })

  test('is out of reach where nobody listens, and where somebody says nothing', async () => {
    const silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
    const port = await new Promise<number>((resolve) =>
      silent.once('listening', () => resolve((silent.address() as AddressInfo).port)),
    )
    const mute = hosts({ port }, nas.address, { limits: { login: 300 } })
    await writeFile(path('mute'), `[127.0.0.1]:${port} ssh-ed25519 AAAA\n`)
    await expect(mute.shutDown('nas', soon())).rejects.toMatchObject({
      code: 'timed-out',
      message: 'shut down nas: no login within 0.3 s',
    })
    await new Promise((resolve) => silent.close(resolve))
    await expect(shutDown({ port })).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(/^shut down nas: connection refused/),
    })
  })

  test('that hangs is let go when it is called off, and no process is left here', async () => {
    const file = path('hangs')
    const controller = new AbortController()
    const order = shutDown({ command: `echo $$ > ${inShell(file)}; exec sleep 60` }, controller.signal)
    const outcome = refusal(order)
    await expect.poll(() => readFile(file, 'utf8').catch(() => '')).toMatch(/\d\n/)
    expect(await clientsOf(nas)).toHaveLength(1)
    controller.abort()
    expect(await outcome).toMatchObject({ code: 'unreachable', message: 'shut down nas: cancelled' })
    expect(await clientsOf(nas)).toEqual([])
    process.kill(Number(await readFile(file, 'utf8')))
  })

  test('that hangs is let go after its own limit', async () => {
    const file = path('slow')
    const slow = hosts({ command: `echo $$ > ${inShell(file)}; exec sleep 60` }, nas.address, {
      // Long enough for a busy machine to have begun the command by then.
      limits: { command: 3_000 },
    })
    await expect(slow.shutDown('nas', soon())).rejects.toMatchObject({
      code: 'timed-out',
      message: expect.stringMatching(/^shut down nas: its command was still running after 3 s/),
    })
    expect(await clientsOf(nas)).toEqual([])
    process.kill(Number(await readFile(file, 'utf8')))
  })

  test('hears nothing of an order that was called off before', async () => {
    await expect(shutDown({ command: `touch ${inShell(path('early'))}` }, AbortSignal.abort())).rejects.toMatchObject({
      code: 'unreachable',
    })
    expect(existsSync(path('early'))).toBe(false)
  })

  test.each([
    { name: 'user', ssh: { user: '-oProxyCommand=touch' } },
    { name: 'address', address: '-oProxyCommand=touch' },
    { name: 'address that is a URL of ssh', address: 'ssh://elsewhere:22' },
    { name: 'address with another user', address: 'root@elsewhere' },
    { name: 'path of the host keys', ssh: { knownHosts: '/tmp/"x' } },
    { name: 'command', ssh: { command: 'a\0b' } },
  ] as const)('can not be named so that ssh takes it for something else: $name', async ({ ssh = {}, address }) => {
    await expect(hosts(ssh, address).shutDown('nas', soon())).rejects.toMatchObject({
      name: 'AgentError',
      code: 'misconfigured',
      message: expect.stringMatching(/^shut down nas: /),
    })
  })

  test('needs ssh on this machine', async () => {
    await expect(hosts({}, nas.address, { searchPath: nas.folder }).shutDown('nas', soon())).rejects.toMatchObject({
      code: 'misconfigured',
      message: 'shut down nas: ssh is not installed here: install openssh-client',
    })
  })

  test('is found at the address that it had once its name resolves no more', async () => {
    let hasDns = true
    const resolve = async () => {
      if (!hasDns) throw new Error('no DNS')
      return [{ address: '127.0.0.1', family: 4 }]
    }
    const knownHosts = path('by-name')
    const [names, ...hostKey] = (await readFile(nas.knownHosts, 'utf8')).split(' ')
    await writeFile(knownHosts, [names!.split(',').find((name) => name.includes('nas.lab')), ...hostKey].join(' '))
    const named = hosts({ knownHosts, command: `touch ${inShell(path('named'))}` }, 'nas.lab', { resolve })
    expect(await named.answers('nas', soon())).toBe(true)
    hasDns = false
    await named.shutDown('nas', soon())
    expect(existsSync(path('named'))).toBe(true)
    const stranger = hosts({}, 'nas.lab', { resolve })
    await expect(stranger.shutDown('nas', soon())).rejects.toMatchObject({
      code: 'unreachable',
      message: 'shut down nas: the name nas.lab does not resolve: check DNS, or use its IP address',
    })
  })
})
