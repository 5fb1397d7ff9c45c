import { spawn } from 'node:child_process'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { waitFor } from '../lab/daemon.ts'
import type { Homelab } from '../lab/homelab.ts'
import { commandLine } from '../lab/launcher.ts'
import { lacks } from '../lab/needs.ts'
import { startTerminal, whyNoTerminal } from '../lab/terminal.ts'
import { type InitLab, makeFolder, startInitLab } from './init-lab.ts'

let at: InitLab
let lab: Homelab
beforeAll(async () => {
  at = await startInitLab(213)
  lab = at.lab
})
afterAll(() => at[Symbol.asyncDispose]())

let directory: string
let file: string
beforeEach(async () => {
  directory = await makeFolder()
  file = join(directory, 'caretaker.yaml')
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const talosconfig = () => at.talosconfig

test.skipIf(lacks(whyNoTerminal()))('a person is led through the questions, and may err', async () => {
  const words = ['init', '-c', file, '--factory', lab.factory.url, '--state', 'state']
  await using terminal = startTerminal(await commandLine(words), {
    environment: { TALOSCONFIG: '', HOME: directory },
  })
  await terminal.answer('Talosconfig of the cluster', `${join(at.home, 'kubeconfig')}\r`)
  await terminal.answer('it is no talosconfig', '')
  await terminal.answer('Talosconfig of the cluster', `${talosconfig()}\r`)
  await terminal.answer('Copy it to', '\r')
  await terminal.answer('Server of the UPS', `127.0.213.95:1\r`)
  // A question that is answered is drawn once more: the next one is known by its mark.
  await terminal.answer('◇  Server of the UPS', '')
  await terminal.answer('◆  Server of the UPS', `${at.upsd.address}:${at.upsd.port}\r`)
  await terminal.answer('User of upsd', 'monuser\r')
  await terminal.answer('Its password', 'secret\r')
  await terminal.answer('Directory that machines boot from', `${join(directory, 'nowhere')}\r`)
  await terminal.answer('◇  Directory that machines boot from', '')
  await terminal.answer('◆  Directory that machines boot from', `${join(directory, 'share')}\r`)
  await terminal.answer('No TFTP server was found', '\r')
  await terminal.answer('When may nodes be upgraded?', '\u001b[B\r')
  await terminal.answer('Write it?', '\r')
  expect({ code: await terminal.ended, shown: terminal.shown }).toMatchObject({ code: 0 })
  expect(parse(await readFile(file, 'utf8'))).toMatchObject({
    upgrade: { windows: [{ from: '02:00', to: '06:00' }] },
    upses: [{ user: 'monuser', password: { file: 'ups-password' } }],
  })
  expect(await readFile(join(directory, 'ups-password'), 'utf8')).toBe('secret\n')
  expect((await stat(join(directory, 'ups-password'))).mode & 0o777).toBe(0o600)
  expect(terminal.shown).not.toMatch(/secret/)
})

test.skipIf(lacks(whyNoTerminal())).each([
  { name: 'at a question', until: 'Server of the UPS' },
  { name: 'at the last question', until: 'Write it?' },
])('Ctrl-C $name leaves nothing behind', async ({ until }) => {
  const words = ['init', '-c', file, '--talosconfig', talosconfig(), '--factory', lab.factory.url, '--state', 'state']
  await using terminal = startTerminal(await commandLine(words), { environment: { HOME: directory } })
  const questions = [
    ['Copy it to', '\r'],
    ['Server of the UPS', '\r'],
    ['Directory that machines boot from', `${join(directory, 'share')}\r`],
    ['No TFTP server was found', '\r'],
    ['When may nodes be upgraded?', '\r'],
    ['Write it?', '\r'],
  ] as const
  for (const [question, keys] of questions) {
    await terminal.answer(question, question === until ? '\u0003' : keys)
    if (question === until) break
  }
  expect(await terminal.ended).toBe(1)
  expect(terminal.shown).toContain('nothing was written')
  expect(await readdir(directory)).toEqual(['share'])
})

test('a signal while machines are asked ends it at once, with nothing written', async () => {
  for (const node of lab.nodes) node.faults.silent = true
  try {
    const line = await commandLine(['init', '-c', file, '--talosconfig', talosconfig(), '--yes'])
    const child = spawn(line[0], line.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] })
    let told = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (told += text))
    const ended = new Promise((resolve) => child.once('close', resolve))
    await waitFor('it to ask', 10_000, () => told.includes('asks 127.0.213.11'))
    child.kill('SIGINT')
    expect(await ended).toBe(1)
    expect(told).toContain('caretaker: nothing was written')
    expect(await readdir(directory)).toEqual(['share'])
  } finally {
    for (const node of lab.nodes) node.faults.silent = false
  }
})
