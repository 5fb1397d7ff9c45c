import { hostname, userInfo } from 'node:os'
import process from 'node:process'
import { type Argument, Command, InvalidArgumentError } from 'commander'
import type { Client } from '../http/client.ts'
import type { Reach } from '../http/reach.ts'
import { parseDuration } from '../core/duration.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import { printableDeep } from '../core/printable.ts'
import type { RequestAnswer } from '../core/request-answer.ts'
import { chooseTimeZone } from '../core/time.ts'
import type { DaemonPlace } from '../main/config-file.ts'
import { output } from './output.ts'
import { notRemote, openServer, serverOf, type ServerOptions } from './server.ts'
import type { Settings } from '../main/settings.ts'
import { ownVersion } from '../main/version.ts'

/**
 * Exit codes, which scripts may rely on: `usage` also if a node, job or file does not exist, `waiting` if it is not
 * possible now but will be later, `unreachable` also after a timeout. A request that changes nothing ends with `ok` and
 * says so.
 */
export const exit = { ok: 0, failed: 1, usage: 2, waiting: 3, unreachable: 4 } as const

export interface Options extends ServerOptions {
  readonly config?: string
  readonly json?: boolean
  /** The name of the person who runs the command. */
  readonly as?: string
  /** False where long texts are not to be shown page by page. */
  readonly pager?: boolean
}

/** Whether `--json` is given, also on a command line that can't be read otherwise. */
export function asksForJson(): boolean {
  const [, , ...words] = process.argv
  const end = words.indexOf('--')
  return (end < 0 ? words : words.slice(0, end)).includes('--json')
}

export const program = new Command('caretaker')
  .description('Looks after a Talos Linux homelab: releases, netboot images, upgrades, power cuts.')
  .option(
    '-c, --config <file>',
    'configuration file (default: $CARETAKER_CONFIG, config/caretaker.yaml, /etc/caretaker/caretaker.yaml)',
  )
  .option('--server <url>', 'the daemon of another machine, by its API (default: $CARETAKER_SERVER)')
  .option('--token-file <file>', 'the token for --server (default: $CARETAKER_TOKEN_FILE)')
  .option('--ca <file>', 'the CA that signed its certificate (default: $CARETAKER_CA)')
  .option('--as <name>', 'your name in the journal (default: $CARETAKER_OPERATOR, user@host)')
  .option('--no-pager', 'do not show what is longer than the terminal with $PAGER (default: less)')
  .addHelpText(
    'after',
    `
Durations are written as 500ms, 30s, 10m, 2h or 7d.
Times are shown in the zone of $TZ, else upgrade.timeZone.

Exit codes:
  0  done, or nothing to change
  1  failed or refused
  2  wrong usage or configuration, or not found
  3  waiting, or not possible now: try again later
  4  unreachable or timed out`,
  )
  .version(await ownVersion(), '-v, --version')
  // Also where a terminal is narrow.
  .configureHelp({
    showGlobalOptions: true,
    minWidthToWrap: 20,
    // Each has options.
    subcommandTerm: (one) => [one.name(), ...one.registeredArguments.map(termOf)].join(' '),
  })
  // With --json it is told as JSON.
  .configureOutput({ writeErr: (text) => void (asksForJson() || output.usage(text)) })
  .exitOverride()
  .showHelpAfterError('(see caretaker --help)')

/** `<node>`, or `[reason...]` where it may be left out. */
function termOf(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

/** Adds `--json`, runs the action with the options, and exits with the code that it returns. */
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
      refuseEmpty(self)
      const options = self.optsWithGlobals<Options & Record<string, unknown>>()
      process.exitCode = await action(options, self.args, options)
    })
}

/**
 * What is given and empty is most likely a variable of a script that is not set: `abort "$RELEASE"` must not abort what is
 * coming, nor `power wake "$NODE"` wake everything.
 */
function refuseEmpty(self: Command): void {
  const isEmpty = (value: unknown) => typeof value === 'string' && value.trim() === ''
  // The words of a reason may be anything.
  const place = self.registeredArguments.findIndex((one, index) => !one.variadic && isEmpty(self.args[index]))
  const own = self.options.find((option) => isEmpty(self.getOptionValue(option.attributeName())))
  const what = place >= 0 ? `argument '${termOf(self.registeredArguments[place]!)}'` : own && `option '${own.flags}'`
  if (what !== undefined && what !== '') self.error(`error: ${what} is empty`, { exitCode: 2 })
}

export function positive(text: string): string {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('use a whole number above 0')
  return text
}

/** A duration of an option, in ms. */
export function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms < 1) throw new InvalidArgumentError('use a duration such as 500ms, 30s, 10m or 2h')
  return ms
}

/** A command that only groups others. */
export function group(name: string, about: string): void {
  program.command(name).description(about)
}

/** The time zone of the times in a text. */
export type Zone = () => Promise<string>

/**
 * Prints the answer: as JSON with `--json`, else its text, which is drawn only then. A text as it stands is sentences, and
 * is wrapped.
 */
export async function print(
  options: Options,
  answer: unknown,
  text: string | ((zone: Zone) => Promise<string>),
): Promise<void> {
  const zone = () => zoneOf(options)
  if (options.json) return output.json(answer, 2)
  const drawn = typeof text === 'string' ? (await import('./table.ts')).paragraphs(text.split('\n')) : await text(zone)
  await output.page(drawn, options.pager !== false)
}

/** The zone of the times that are shown: without the configuration, as of a server, it is this machine's. */
export async function zoneOf(options: Options): Promise<string> {
  if (serverOf(options) !== undefined)
    return chooseTimeZone(process.env['TZ'], Intl.DateTimeFormat().resolvedOptions().timeZone)
  return (
    (await daemonOf(options))?.zone ??
    (await loadWhole(options).then(
      ({ config }) => config.upgrade.shownZone,
      () => chooseTimeZone(process.env['TZ'], 'UTC'),
    ))
  )
}

let daemon: Promise<DaemonPlace | undefined> | undefined
let whole: Promise<Settings> | undefined
let edit: Promise<void> | undefined

/** Where the daemon is, looked up once: a process carries out one command. */
function daemonOf({ config }: Options): Promise<DaemonPlace | undefined> {
  daemon ??= import('../main/config-file.ts').then(async ({ findDaemon }) => {
    const place = await findDaemon(config, process.env)
    if (place?.trouble !== undefined) warn(place.trouble)
    return place
  })
  return daemon
}

/**
 * The whole configuration, or its last good version with a warning. Loaded once, and by most commands only if no daemon
 * answers: reading it takes longer than most requests.
 *
 * @throws AgentError `misconfigured`
 */
export function loadWhole(options: Options): Promise<Settings> {
  if (serverOf(options) !== undefined) throw notRemote('this command asks')
  const { config } = options
  whole ??= import('../main/settings.ts').then(async ({ loadUsableSettings }) => {
    const settings = await loadUsableSettings(config, process.env)
    if (settings.fault !== undefined) warn(`${settings.fault}; its last good version is used`)
    return settings
  })
  return whole
}

/** Tells of what is wrong and stops nothing. Standard output stays what was asked for. */
export function warn(text: string): void {
  output.note(`caretaker: warning: ${text}`)
}

/** An edit that the daemon has refused, or will: it is told where it is made, and changes nothing of the request. */
async function warnOfEdit({ config }: Options, place: DaemonPlace | undefined): Promise<void> {
  if (!place?.isEdited) return
  edit ??= import('../main/settings.ts').then(async ({ loadSettings }) => {
    await loadSettings(config, process.env).catch((error: unknown) =>
      warn(`${messageOf(error)}; the daemon uses the last good version`),
    )
  })
  await edit
}

/**
 * Asks the daemon, which takes its socket and nothing else: what is wrong with the configuration is a warning. Where no
 * daemon is found the configuration's errors come first, since the place to look at may be among them.
 */
export async function ask<T>(options: Options, question: (daemon: Client) => Promise<Json<T>>): Promise<T> {
  if (serverOf(options) !== undefined) return shownOf(options, await askAt(await reachOf(options), options, question))
  const place = await daemonOf(options)
  try {
    const socketPath = place?.socket ?? (await loadWhole(options)).socket
    const answer = await askAt({ socketPath }, options, question)
    await warnOfEdit(options, place)
    return shownOf(options, answer)
  } catch (error) {
    if (place !== undefined && isUnreachable(error)) await loadWhole(options)
    else await warnOfEdit(options, place)
    throw error
  }
}

/** Where the daemon is that is asked. @throws AgentError `misconfigured` */
export async function reachOf(options: Options): Promise<Reach> {
  if (serverOf(options) !== undefined) return openServer(options, warn)
  return { socketPath: (await daemonOf(options))?.socket ?? (await loadWhole(options)).socket }
}

/** Sends a request to the daemon and prints its answer. */
export async function say(
  options: Options,
  request: (daemon: Client) => Promise<Json<RequestAnswer>>,
): Promise<number> {
  const answer = await ask(options, request)
  await print(options, answer, answer.said)
  return exit.ok
}

/** Asks the daemon; if none is running, does it here. */
export async function askOr<T>(
  options: Options,
  question: (daemon: Client) => Promise<Json<T>>,
  here: (settings: Settings) => Promise<T>,
): Promise<T> {
  try {
    return await ask(options, question)
  } catch (error) {
    if (serverOf(options) === undefined && isUnreachable(error))
      return shownOf(options, await here(await loadWhole(options)))
    throw error
  }
}

/** An answer as it is shown: for people its fields are clean before anything is drawn from them. */
export function shownOf<T>({ json }: Options, answer: T): T {
  return json ? answer : printableDeep(answer)
}

function isUnreachable(error: unknown): boolean {
  return error instanceof AgentError && error.code === 'unreachable'
}

interface Json<T> {
  json(): Promise<T>
}

async function askAt<T>(reach: Reach, { as }: Options, question: (daemon: Client) => Promise<Json<T>>): Promise<T> {
  const { answerOf, createClient } = await import('../http/client.ts')
  const by = as ?? (process.env['CARETAKER_OPERATOR'] || `${userName()}@${hostname()}`)
  return answerOf(question(createClient(reach, { by })))
}

/** Containers often run as a user id that has no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`
  }
}
