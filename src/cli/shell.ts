import { hostname, userInfo } from 'node:os'
import process from 'node:process'
import { Command, InvalidArgumentError } from 'commander'
import { answerOf, type Client, createClient } from '../http/client.ts'
import { AgentError } from '../core/errors.ts'
import type { RequestAnswer } from '../core/operator.ts'
import { findSocket } from '../main/config-file.ts'
import type { Settings } from '../main/settings.ts'
import { ownVersion } from '../main/version.ts'

/**
 * What a command ends with. Scripts may rely on it: `usage` also where what is named does not exist, `waiting` where
 * something speaks against it that passes by itself, `unreachable` also where nothing was answered in time. A request
 * that changes nothing ends with `ok`, and says so.
 */
export const exit = { ok: 0, failed: 1, usage: 2, waiting: 3, unreachable: 4 } as const

export interface Options {
  readonly config?: string
  readonly json?: boolean
  /** Who asks. */
  readonly as?: string
}

export const program = new Command('caretaker')
  .description('Looks after a Talos Linux homelab: releases, netboot images, upgrades, power cuts.')
  .option(
    '-c, --config <file>',
    'the configuration (default: $CARETAKER_CONFIG, config/caretaker.yaml, /etc/caretaker/caretaker.yaml)',
  )
  .option('--as <name>', 'who asks, for the journal (default: $CARETAKER_OPERATOR, user@host)')
  .addHelpText(
    'after',
    `
Exit codes:
  0  done, or nothing had to be changed
  1  failed, or refused
  2  wrong usage or configuration, or what is named does not exist
  3  waiting for something, or not possible now: try again later
  4  not reachable, or not answered in time`,
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

/** Prints the answer as JSON where that is asked for; else its text, which is drawn only then. */
export async function print(options: Options, answer: unknown, text: string | (() => Promise<string>)): Promise<void> {
  const shown = options.json ? JSON.stringify(answer, null, 2) : typeof text === 'string' ? text : await text()
  process.stdout.write(`${shown}\n`)
}

/** Loaded only where a daemon does not answer: reading the configuration takes longer than most questions. */
const loadWhole = async ({ config }: Options): Promise<Settings> =>
  (await import('../main/settings.ts')).loadUsableSettings(config, process.env)

/** Asks the daemon. Where none runs, what is wrong with the configuration is said first. */
export async function ask<T>(options: Options, question: (daemon: Client) => Promise<Json<T>>): Promise<T> {
  const socket = await findSocket(options.config, process.env)
  try {
    return await askAt(socket ?? (await loadWhole(options)).socket, options, question)
  } catch (error) {
    if (socket !== undefined && isUnreachable(error)) await loadWhole(options)
    throw error
  }
}

/** Requests something of the daemon, and prints what it came to. */
export async function say(
  options: Options,
  request: (daemon: Client) => Promise<Json<RequestAnswer>>,
): Promise<number> {
  const answer = await ask(options, request)
  await print(options, answer, answer.said)
  return exit.ok
}

/** Asks the daemon; where none runs, does it here. */
export async function askOr<T>(
  options: Options,
  question: (daemon: Client) => Promise<Json<T>>,
  here: (settings: Settings) => Promise<T>,
): Promise<T> {
  try {
    return await ask(options, question)
  } catch (error) {
    if (isUnreachable(error)) return here(await loadWhole(options))
    throw error
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof AgentError && error.code === 'unreachable'
}

interface Json<T> {
  json(): Promise<T>
}

function askAt<T>(socket: string, { as }: Options, question: (daemon: Client) => Promise<Json<T>>): Promise<T> {
  const by = as ?? (process.env['CARETAKER_OPERATOR'] || `${userName()}@${hostname()}`)
  return answerOf(question(createClient(socket, { by })))
}

/** A user id without a name is what containers often run as. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`
  }
}
