import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openJournal } from '../../src/adapters/journal/journal.ts'
import type { CommandTree } from '../../src/cli/command-tree.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import { remembered } from '../../src/operations/facts.ts'
import { endStore, type LabDaemon, runCli, startDaemon, waitFor } from '../lab/daemon.ts'
import { startUpsdStandIn, type UpsdStandIn } from '../lab/upsd/stand-in.ts'
import { type CliLab, startCliLab } from './cli-lab.ts'

/** Clears the screen, sets the title, writes to the clipboard, turns around what follows, and begins a line of its own. */
const hostile =
  'x\u001b[2J\u001b]0;owned\u0007\u001b]52;c;cm0=\u0007\u202etxt\u2066\u200b\u009b31m\rcaretaker: all is well\b\u007f\u0085y'
/** A line that only a hostile text could begin. */
const forged = /^(caretaker: all is well|forged)/m
// oxlint-disable-next-line no-control-regex -- what must not reach a terminal
const acted = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2028-\u202f\u2060-\u206f\ufeff]/u

let started: CliLab
let upsd: UpsdStandIn
let directory: string
let config: string
let daemon: LabDaemon
beforeAll(async () => {
  started = await startCliLab('hostile', 119)
  directory = await started.folder()
  upsd = await startUpsdStandIn({ address: '127.0.179.93' })
  // upsd's own words are on one line.
  for (const name of ['ups.mfr', 'ups.model', 'ups.alarm', 'device.serial', 'ups.status'])
    await upsd.set(name, `${name === 'ups.status' ? 'OL ' : ''}${hostile}`)
  config = await started.lab.writeConfig(directory, {
    ups: { host: upsd.address, port: upsd.port },
    upgrade: { enabled: false },
  })
  seed(join(directory, 'state'))
  for (const _ of '12345') started.lab.factory.faults.failNext.push({ status: 400, body: `${hostile}\nforged` })
  daemon = await startDaemon({ config, directory })
  await waitFor('the Factory to have been asked', 20_000, () => daemon.output.includes('"job":"watch-releases"'))
})
afterAll(async () => {
  await daemon.stop()
  await endStore(directory)
  await upsd[Symbol.asyncDispose]()
  await started[Symbol.asyncDispose]()
})

/** What an earlier daemon has written down of what it was told. */
function seed(state: string): void {
  using journal = openJournal(state)
  const text = `${hostile}\nforged`
  for (const kind of ['event', 'step', 'run', 'power', 'alert'] as const)
    journal.write({ kind, subject: `w-1${hostile}`, text })
  const alerts = createAlerts(journal, () => new Date())
  alerts.open(`ups.low:${hostile}`, { severity: 'warning', subject: hostile, text, action: text })
  alerts.open('ups.low:settled', { severity: 'warning', subject: hostile, text })
  alerts.settle('ups.low:settled')
  remembered.news.remember(journal, text)
  remembered.paused.remember(journal, text)
  const id = journal.beginRun('stage-image')
  journal.endRun(id, 'failed', text)
}

/** Every command that people are shown, with what stands before it: `power` has its own. */
async function commandsOf(): Promise<readonly (readonly string[])[]> {
  const { stdout } = await runCli(['complete', '--tree'])
  const below = (
    { name, isHidden, commands }: CommandTree,
    path: readonly string[],
  ): readonly (readonly string[])[] => {
    if (isHidden || name === 'help') return []
    return commands.length === 0 ? [[...path, name]] : commands.flatMap((one) => below(one, [...path, name]))
  }
  return (JSON.parse(stdout) as CommandTree).commands.flatMap((one) => below(one, []))
}

/** What commands need that takes an argument or a yes. */
const needs: Readonly<Record<string, readonly string[]>> = {
  run: ['watch-releases', '--wait'],
  'schematic id': ['FOLDER/schematics/homelab.yaml'],
  'schematic check': ['FOLDER/schematics/homelab.yaml'],
  'schematic diff': ['FOLDER/schematics/homelab.yaml', 'homelab'],
  'uki inspect': ['FOLDER/caretaker.yaml'],
  pause: [hostile, hostile],
  resume: [hostile],
  retry: [hostile],
  rollback: [hostile],
  approve: [hostile],
  'rollout pause': [hostile],
  'config check': ['--online'],
  completion: ['bash'],
}

test('whatever a Factory, a upsd or the journal says, no command lets a terminal act on it', async () => {
  const commands = (await commandsOf()).filter(([name]) => name !== 'start')
  expect(commands.length).toBeGreaterThan(30)
  for (const command of commands) {
    const more = (needs[command.join(' ')] ?? []).map((one) => one.replace('FOLDER', directory))
    for (const form of [[], ['--json']]) {
      const args = [...command, ...more, ...form]
      const { stdout, stderr } = await runCli([...args, '-c', config], { FORCE_COLOR: '0' })
      expect(stdout + stderr, JSON.stringify(args)).not.toMatch(acted)
      expect(stdout + stderr, JSON.stringify(args)).not.toMatch(forged)
      // Throws where it is none.
      if (form.length > 0 && stdout !== '') JSON.parse(stdout)
    }
  }
  const watched = await runCli(['ups', '--watch', '--count', '2', '--every', '50ms', '-c', config])
  expect(watched.stdout).not.toMatch(acted)
  // It came as far as this: programs get it whole.
  const { stdout } = await runCli(['journal', '--json', '-c', config])
  expect((JSON.parse(stdout) as { text: string }[]).some(({ text }) => text.includes(hostile))).toBe(true)
  expect(daemon.output).not.toMatch(acted)
})
