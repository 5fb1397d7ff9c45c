// Carries out every command of the CLI at a daemon of a homelab that always answers the same, on terminals of several
// widths; writes what each has shown, as JSON.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { Command } from 'commander'
import { startDaemon } from '../http/daemon.ts'
import { serveApi } from '../http/server.ts'
import { kernelCommandLine, writeUki } from '../lab/uki-writer.ts'
import { answers } from './answers.ts'
import { present } from './answers-time.ts'
import { drawnScreens, initJson } from './drawn-screens.ts'

/** What a command shows, on a terminal of so many columns. */
export interface Screen {
  readonly line: string
  readonly columns: number
  readonly text: string
}

const folder = mkdtempSync(join(tmpdir(), 'caretaker-screens-'))
const token = 'caretaker_0123456789'
writeFileSync(join(folder, 'token'), token)
const version = 'v1.13.9'
const cmdline = kernelCommandLine({ version, arch: 'amd64', platform: 'metal' })
writeFileSync(join(folder, 'image.efi'), writeUki({ version, cmdline }))
mkdirSync(join(folder, 'good'))
writeFileSync(join(folder, 'good', 'caretaker.yaml'), 'state: state\n')
mkdirSync(join(folder, 'good', 'state'))
writeFileSync(join(folder, 'schematic.yaml'), 'customization: {}\n')
writeFileSync(join(folder, 'other.yaml'), 'customization: { extraKernelArgs: [quiet], bootloader: grub }\n')
writeFileSync(join(folder, 'caretaker.yaml'), 'factory:\n  url: 42\nnodes: nonsense\n')
const { operator } = await startDaemon(answers)
const server = await serveApi(operator, token)
process.chdir(folder)
process.env['TZ'] = 'Europe/Berlin'
process.env['FORCE_COLOR'] = '1'
process.env['COLUMNS'] = ''
process.env['PAGER'] = ''
process.env['CARETAKER_SERVER'] = server.url
process.env['CARETAKER_TOKEN_FILE'] = join(folder, 'token')

const now = Date.parse(present)
Date.now = () => now
const { write } = process.stdout
let shown = ''
const keep = (text: string) => ((shown += text), true)
process.stdout.write = keep
// What stands beside an answer in JSON is no part of it.
process.stderr.write = (text: string) => (process.stdout.isTTY ? keep(text) : true)
process.stdout.isTTY = true
process.stderr.isTTY = true

process.argv = process.argv.slice(0, 2)
await import('../../src/cli.ts')
const { program } = await import('../../src/cli/shell.ts')

/** What a command needs to show something. */
const more: Readonly<Record<string, readonly string[]>> = {
  run: ['upgrade-node', '--wait'],
  'schematic id': ['schematic.yaml'],
  'schematic diff': ['schematic.yaml', 'other.yaml'],
  'uki inspect': ['image.efi'],
  'netboot status': ['w-1'],
  'netboot once': ['w-1'],
  'netboot check': ['w-1'],
  'netboot recipe': ['dnsmasq'],
  'machine show': ['BCDF-GHJK'],
  'machine approve': ['BCDF-GHJK', '--role', 'worker', '--yes'],
  'machine reject': ['BCDF-GHJK', 'not', 'ours'],
  'machine forget': ['worker-nuc-attic'],
  'machine render': ['worker-2', '--diff'],
  'token create': ['phone', '--scope', 'read'],
  'token revoke': ['phone'],
  pause: ['w-1', 'a', 'new', 'disk'],
  resume: ['w-1'],
  rollback: ['w-1', '--yes'],
  'drill power': ['--yes'],
  releases: ['--all'],
  alerts: ['--all'],
  'config check': ['caretaker.yaml'],
  backup: ['saved.tar', '--config', 'good/caretaker.yaml'],
  restore: ['saved.tar', '--config', 'good/caretaker.yaml'],
}
/** Those that don't end, answer to a shell, ask a person, or a Factory, go by the socket alone, or name files of their folder. */
const goingOn = ['start', 'completion', 'complete', 'init', 'schematic check', 'machine secrets', 'schematic delivery']

/** And those that tell of the folder that they run in: their screens are drawn from fixed answers. */
const left = [...goingOn, 'backup', 'restore']

const screens: Screen[] = []
for (const columns of [60, 80, 120, 200]) {
  process.stdout.columns = columns
  process.stderr.columns = columns
  for (const words of leavesOf(program, [])) {
    const line = [...words, ...(more[words.join(' ')] ?? [])]
    if (!left.includes(words.join(' '))) await show(line, columns, isLocal(words))
    await show([...words, '--help'], columns, isLocal(words))
  }
  await show(['--help'], columns, false)
  for (const [line, text] of Object.entries(drawnScreens())) screens.push({ line, columns, text: `${text}\n` })
}
// What programs get, in a pipe: at no width at all.
process.stdout.isTTY = false
for (const words of leavesOf(program, [])) {
  const name = words.join(' ')
  if (!goingOn.includes(name)) await show([...words, ...(more[name] ?? []), '--json'], 0, isLocal(words))
}
screens.push({ line: 'init', columns: 0, text: initJson() })
await server[Symbol.asyncDispose]()
process.stdout.write = write
process.stdout.write(JSON.stringify(screens), () => process.exit(0))

function isLocal([first = '']: readonly string[]): boolean {
  return ['schematic', 'uki', 'config', 'backup', 'restore'].includes(first)
}

async function show(line: readonly string[], columns: number, here: boolean): Promise<void> {
  shown = ''
  if (here) delete process.env['CARETAKER_SERVER']
  else process.env['CARETAKER_SERVER'] = server.url
  await program.parseAsync([...line], { from: 'user' }).catch((error: unknown) => {
    if (!(error instanceof Error) || !error.message.includes('outputHelp')) keep(String(error))
  })
  screens.push({ line: line.join(' '), columns, text: shown })
}

function leavesOf(command: Command, words: readonly string[]): readonly (readonly string[])[] {
  if (command.commands.length === 0) return [words]
  return command.commands.flatMap((child) => leavesOf(child, [...words, child.name()]))
}
