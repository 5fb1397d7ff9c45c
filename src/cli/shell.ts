import process from 'node:process'
import { Command, InvalidArgumentError } from 'commander'
import { createControlClient, type ControlClient } from '../http/client.ts'
import { AgentError } from '../core/errors.ts'
import { loadSettings, type Settings } from '../main/settings.ts'
import { ownVersion } from '../main/version.ts'

/** What a command ends with. Scripts may rely on it. */
export const exit = { ok: 0, failed: 1, usage: 2, waiting: 3, unreachable: 4 } as const

export interface Options {
  readonly config?: string
  readonly json?: boolean
}

export const program = new Command('caretaker')
  .description('Looks after a Talos Linux homelab: releases, netboot images, upgrades, power cuts.')
  .option(
    '-c, --config <file>',
    'the configuration (default: $CARETAKER_CONFIG, config/caretaker.yaml, /etc/caretaker/caretaker.yaml)',
  )
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 waiting for something, 4 not reachable.',
  )
  .version(await ownVersion(), '-v, --version')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride()
  .showHelpAfterError('(caretaker --help shows what there is)')

/** Adds `--json`, runs the action with the options, and ends with the code that it answers. */
export function command(
  usage: string,
  about: string,
  action: (options: Options, args: readonly string[], extra: Readonly<Record<string, unknown>>) => Promise<number>,
): Command {
  const added = program.commands.find((known) => known.name() === usage.split(' ')[0])
  const words = usage.split(' ')
  const parent = added && words.length > 1 && !/[<[]/.test(words[1]!) ? added : program
  const name = parent === program ? usage : words.slice(1).join(' ')
  return parent
    .command(name)
    .description(about)
    .option('--json', 'print the answer as JSON')
    .action(async (...given: unknown[]) => {
      const self = given.at(-1) as Command
      const options = self.optsWithGlobals<Options & Record<string, unknown>>()
      process.exitCode = await action(options, self.args, options)
    })
}

export function positive(text: string): string {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('use a whole number above 0')
  return text
}

/** A command that only groups others. */
export function group(name: string, about: string): void {
  program.command(name).description(about)
}

export function print(options: Options, answer: unknown, text: string): void {
  process.stdout.write(`${options.json ? JSON.stringify(answer, null, 2) : text}\n`)
}

export async function daemon(options: Options): Promise<ControlClient> {
  return createControlClient((await loadSettings(options.config, process.env)).socket)
}

/** Asks the daemon; where none runs, does it here. */
export async function daemonOr<T>(
  options: Options,
  path: string,
  here: (settings: Settings) => Promise<T>,
): Promise<T> {
  const settings = await loadSettings(options.config, process.env)
  try {
    return await createControlClient(settings.socket).get<T>(path)
  } catch (error) {
    if (error instanceof AgentError && error.code === 'unreachable') return here(settings)
    throw error
  }
}
