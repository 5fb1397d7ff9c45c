import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHosts } from '../../../src/adapters/machines/hosts.ts'
import type { SshShutdown } from '../../../src/adapters/machines/ssh.ts'
import { lacks } from '../../lab/needs.ts'
import { clientsOf, type LabSshd, startSshd, whyNoSshd } from '../../lab/sshd.ts'
import { soon } from '../../patience.ts'

describe.skipIf(lacks(whyNoSshd()))('a shutdown by SSH is rehearsed', () => {
  let nas: LabSshd
  beforeAll(async () => void (nas = await startSshd({ address: '127.0.0.1' })))
  afterAll(() => nas[Symbol.asyncDispose]())

  const hosts = (ssh: Partial<SshShutdown>) => {
    const { address, user, port, keys, knownHosts } = nas
    const shutdown = { kind: 'ssh', user, port, key: keys.known, knownHosts, ...ssh } as const
    return createHosts([{ name: 'nas', address, shutdown }])
  }
  const path = (name: string) => join(nas.folder, name)
  const inShell = (file: string) => `'${file}'`
  const rehearse = (ssh: Partial<SshShutdown>) => hosts(ssh).rehearse('nas', soon())

  test('by logging in, without the command, and without a forced one', async () => {
    const file = path('rehearsed')
    await using other = await startSshd({ address: '127.0.0.1', forced: `touch '${file}'` })
    const there = { port: other.port, knownHosts: other.knownHosts }
    await rehearse({ ...there, key: other.keys.known, command: `touch '${file}'` })
    await rehearse({ ...there, key: other.keys.forced })
    expect(existsSync(file)).toBe(false)
    expect(await clientsOf(other)).toEqual([])
    await hosts({ ...there, key: other.keys.forced }).shutDown('nas', soon())
    expect(existsSync(file)).toBe(true)
  })

  test('with the command for it, whose exit code counts', async () => {
    await rehearse({ rehearsal: `touch ${inShell(path('rehearsal'))}` })
    expect(existsSync(path('rehearsal'))).toBe(true)
    await expect(rehearse({ rehearsal: 'echo a password is required >&2; exit 1' })).rejects.toMatchObject({
      code: 'rejected',
      message: 'rehearse the shutdown of nas: its command exited with code 1: a password is required',
    })
    await expect(rehearse({ rehearsal: 'kill -9 $PPID; sleep 1' })).rejects.toMatchObject({ code: 'unreachable' })
  })

  test('and fails as the order would', async () => {
    for (const rehearsal of [{}, { rehearsal: 'true' }])
      await expect(rehearse({ key: nas.keys.stranger, ...rehearsal })).rejects.toMatchObject({
        code: 'misconfigured',
        message: expect.stringMatching(/^rehearse the shutdown of nas: permission denied/),
      })
  })
})
