import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CommandCall } from '../../../src/adapters/machines/command.ts'
import type { MachineOptions } from '../../../src/adapters/machines/options.ts'
import { createWaker, type WakeOptions } from '../../../src/adapters/machines/waker.ts'
import { type TemporaryFolder, temporaryFolder } from '../../lab/process.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

let folder: TemporaryFolder
beforeAll(async () => void (folder = await temporaryFolder()))
afterAll(() => folder[Symbol.asyncDispose]())
const path = (name: string) => join(folder.path, name)

const powerOn = (how: WakeOptions['powerOn'], signal = soon(), surroundings: MachineOptions = {}) =>
  createWaker([{ name: 'w-1', powerOn: how }], surroundings).powerOn('w-1', signal)
const command = (...line: CommandCall['command']): CommandCall => ({ kind: 'command', command: line })
const shell = (script: string, environment: Record<string, string> = {}): CommandCall => ({
  ...command('sh', '-c', script),
  environment,
})

/** Whether a process that has written its id there still runs. */
async function runs(file: string): Promise<boolean> {
  const id = (await readFile(file, 'utf8')).trim()
  // Dead and not yet buried counts as dead.
  const state = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => ') Z')
  return !/\) [ZX]/.test(state)
}

describe('a machine that packets do not wake', () => {
  test('is switched on by an HTTP call', async () => {
    const calls: string[] = []
    const server = createServer((request, response) => {
      calls.push(`${request.method} ${request.url}`)
      response.writeHead(calls.length === 1 ? 200 : 404).end('no such plug')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/relay/0?turn=on`
    await powerOn({ kind: 'http', url, method: 'GET' })
    await expect(powerOn({ kind: 'http', url })).rejects.toMatchObject({
      code: 'rejected',
      message: expect.stringMatching(/^switch w-1 on: .* answers HTTP 404: no such plug$/),
    })
    server.closeAllConnections()
    server.close()
    expect(calls).toEqual(['GET /relay/0?turn=on', 'POST /relay/0?turn=on'])
  })

  test('is switched on by a command, which no shell reads and which gets its own environment and no other', async () => {
    process.env['CARETAKER_TEST'] = 'ours'
    try {
      const script = `printf '%s\\n' "$@" > '${path('arguments')}'; env > '${path('environment')}'`
      const call = command('sh', '-c', script, 'x', '$HOME; echo *', '-H')
      await powerOn({ ...call, environment: { IPMI_PASSWORD: 'secret' } })
    } finally {
      delete process.env['CARETAKER_TEST']
    }
    expect(await readFile(path('arguments'), 'utf8')).toBe('$HOME; echo *\n-H\n')
    const environment = await readFile(path('environment'), 'utf8')
    expect(environment).toContain('IPMI_PASSWORD=secret')
    expect(environment).not.toContain('ours')
  })

  test('is not, where the command fails, in its last words without the secrets', async () => {
    const script = 'echo one; printf "\\033[1mbad $PASSWORD\\007\\n" >&2; exit 4'
    await expect(powerOn(shell(script, { PASSWORD: 'hunter2' }))).rejects.toMatchObject({
      code: 'rejected',
      message: 'switch w-1 on: sh exited with code 4: bad …',
    })
    await expect(powerOn(shell('echo only here; exit 1'))).rejects.toMatchObject({
      message: 'switch w-1 on: sh exited with code 1: only here',
    })
    await expect(powerOn(shell('kill -9 $$'))).rejects.toMatchObject({
      code: 'rejected',
      message: 'switch w-1 on: sh was killed by SIGKILL without output',
    })
  })

  test('is not, where there is no such program, or it may not be run', async () => {
    await writeFile(path('no-program'), '', { mode: 0o644 })
    await expect(powerOn(command(path('missing')))).rejects.toMatchObject({
      code: 'misconfigured',
      message: `switch w-1 on: ${path('missing')} was not found: install it, or give its full path`,
    })
    await expect(powerOn(command('sh'), soon(), { searchPath: folder.path })).rejects.toMatchObject({
      code: 'misconfigured',
    })
    await expect(powerOn(command(path('no-program')))).rejects.toMatchObject({ code: 'misconfigured' })
    await expect(powerOn(command('sh', '\0'))).rejects.toMatchObject({ code: 'misconfigured' })
  })

  test('is switched on by a command that prints without end before it is done', async () => {
    await powerOn(shell(`head -c 20000000 /dev/zero; head -c 20000000 /dev/zero >&2; touch '${path('done')}'`))
    expect(existsSync(path('done'))).toBe(true)
  })

  test('is switched on by a command that leaves something behind which keeps its outputs', async () => {
    await powerOn(shell(`sleep 60 & echo $! > '${path('left')}'`))
    expect(await runs(path('left'))).toBe(true)
    process.kill(Number(await readFile(path('left'), 'utf8')))
  })

  test.each([
    { what: 'at once', trap: '', trapOfChild: '' },
    { what: 'by force where it does not listen', trap: "trap '' TERM;", trapOfChild: "trap '' TERM;" },
    { what: 'at once, and by force what it has started', trap: '', trapOfChild: "trap '' TERM;" },
  ])(
    'is left alone when it is called off: the command ends $what, with all that it has started',
    async ({ what, trap, trapOfChild }) => {
      const [parent, child] = [path(`parent ${what}`), path(`child ${what}`)]
      const controller = new AbortController()
      const script = `${trap} sh -c "${trapOfChild} while :; do sleep 0.1; done" & echo $! > '${child}'; echo $$ > '${parent}'; wait; while :; do sleep 0.1; done`
      const call = refusal(powerOn(shell(script), controller.signal))
      await expect.poll(() => existsSync(parent) && runs(parent)).toBe(true)
      expect(await runs(child)).toBe(true)
      controller.abort()
      expect(await call).toMatchObject({ code: 'unreachable', message: 'switch w-1 on: cancelled' })
      await expect.poll(async () => [await runs(parent), await runs(child)]).toEqual([false, false])
    },
  )

  test('is given up on after the limit of a command', async () => {
    await expect(powerOn(shell('sleep 60'), soon(), { limits: { command: 100 } })).rejects.toMatchObject({
      code: 'timed-out',
      message: 'switch w-1 on: sh did not finish within 0.1 s and was killed',
    })
  })

  test('starts nothing that was called off before', async () => {
    await expect(powerOn(shell(`touch '${path('early')}'`), AbortSignal.abort())).rejects.toMatchObject({
      code: 'unreachable',
    })
    expect(existsSync(path('early'))).toBe(false)
  })

  test('needs its way to be set up', async () => {
    await expect(powerOn(undefined)).rejects.toMatchObject({
      code: 'misconfigured',
      message: 'switch w-1 on: only magic packets are configured for it: add `wake.powerOn`',
    })
    await expect(createWaker([]).powerOn('attic', soon())).rejects.toMatchObject({ code: 'misconfigured' })
  })
})
