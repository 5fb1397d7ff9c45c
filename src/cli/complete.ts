import process from 'node:process'
import type { Argument, Command, Option } from 'commander'
import type { NamesAnswer } from '../core/names.ts'
import { printable } from '../core/printable.ts'
import { askNames } from './complete-names.ts'

/** What may stand where the cursor is, with a word on it. */
interface Candidate {
  readonly value: string
  readonly about?: string
}

/** What the scripts take for: the names of files. */
const files = ':files\n'

/**
 * What may stand in the place of the last of these words, which may be begun: `value<Tab>about` in lines, or that it is a
 * file. The daemon is asked for names alone, and where it does not answer at once there are none. Never rejects.
 */
export async function complete(program: Command, words: readonly string[]): Promise<string> {
  const begun = words.at(-1) ?? ''
  const found = await find(program, words.slice(0, -1), begun).catch(() => [])
  if (found === 'files') return files
  return found
    .filter(({ value }) => value.startsWith(begun))
    .map(({ value, about = '' }) => `${printable(value)}\t${printable(about)}\n`)
    .join('')
}

async function find(
  program: Command,
  before: readonly string[],
  begun: string,
): Promise<readonly Candidate[] | 'files'> {
  const place = walk(program, before)
  if (place.option) return valuesOf(placeholderOf(place.option), place.option.argChoices, place)
  const [flag = '', ...rest] = begun.split('=')
  if (begun.startsWith('-')) {
    if (rest.length === 0) return optionsOf(place.command)
    const option = optionOf(place.command, flag)
    const values = option ? await valuesOf(placeholderOf(option), option.argChoices, place) : []
    return values === 'files' ? values : values.map((one) => ({ ...one, value: `${flag}=${one.value}` }))
  }
  const { command, passed } = place
  // After a word that is no command there is nothing to complete.
  if (command.commands.length > 0 && passed > 0) return []
  if (command.commands.length > 0)
    return command
      .createHelp()
      .visibleCommands(command)
      .map((one) => ({ value: one.name(), about: one.description() }))
  const argument = command.registeredArguments[passed] ?? variadicOf(command)
  return argument ? valuesOf(argument.name(), argument.argChoices, place) : []
}

/** Where the cursor is. */
interface Place {
  readonly command: Command
  /** So many arguments stand before it. */
  readonly passed: number
  /** The option whose value it is. */
  readonly option: Option | undefined
  /** What was given for options, by their long names. */
  readonly given: Readonly<Record<string, string>>
}

function walk(program: Command, words: readonly string[]): Place {
  let command = program
  let passed = 0
  let option: Option | undefined
  const given: Record<string, string> = {}
  for (const word of words) {
    if (option) {
      given[option.long!] = word
      option = undefined
    } else if (word.startsWith('-')) {
      const [flag = '', value] = word.split('=')
      const found = optionOf(command, flag)
      if (found && value !== undefined) given[found.long!] = value
      else if (found?.required || found?.optional) option = found
    } else {
      const inner = command.commands.find((one) => one.name() === word)
      if (inner) [command, passed] = [inner, 0]
      else passed += 1
    }
  }
  return { command, passed, option, given }
}

/** Of the command itself, or of one that it belongs to. */
function optionOf(command: Command, flag: string): Option | undefined {
  const own = command.options.find((one) => one.long === flag || one.short === flag)
  return own ?? (command.parent ? optionOf(command.parent, flag) : undefined)
}

function optionsOf(command: Command): readonly Candidate[] {
  const help = command.createHelp()
  const all = [...help.visibleOptions(command), ...(command.parent ? help.visibleGlobalOptions(command) : [])]
  return all.map(({ long, short, description }) => ({ value: long ?? short ?? '', about: description }))
}

function variadicOf(command: Command): Argument | undefined {
  const last = command.registeredArguments.at(-1)
  return last?.variadic ? last : undefined
}

/** `node` of `--node <node>`. */
function placeholderOf({ flags }: Option): string {
  return /[<[]([a-z-]+)/.exec(flags)?.[1] ?? ''
}

type Source = (names: NamesAnswer) => readonly string[]

/** What names arguments and values of options have, by what they are called in the usage. */
const sources: Readonly<Record<string, Source>> = {
  node: ({ nodes }) => nodes,
  machine: ({ nodes, hosts }) => [...nodes, ...hosts],
  job: ({ jobs }) => jobs,
  version: ({ releases }) => releases,
}

async function valuesOf(
  name: string,
  choices: readonly string[] | undefined,
  { command, given }: Place,
): Promise<readonly Candidate[] | 'files'> {
  if (choices) return choices.map((value) => ({ value }))
  if (name === 'file') return 'files'
  const source = command.name() === 'ups' && name === 'name' ? ({ upses }: NamesAnswer) => upses : sources[name]
  if (!source) return []
  const names = await askNames(given, process.env)
  return names ? source(names).map((value) => ({ value })) : []
}
