import process from 'node:process'
import type { NamesAnswer } from '../core/names.ts'
import { printable } from '../core/printable.ts'
import type { CommandTree, OptionLeaf, ValueLeaf } from './command-tree.ts'
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
export async function complete(program: CommandTree, words: readonly string[]): Promise<string> {
  const begun = words.at(-1) ?? ''
  const found = await find(program, words.slice(0, -1), begun).catch(() => [])
  if (found === 'files') return files
  return found
    .filter(({ value }) => value.startsWith(begun))
    .map(({ value, about = '' }) => `${printable(value)}\t${printable(about)}\n`)
    .join('')
}

async function find(
  program: CommandTree,
  before: readonly string[],
  begun: string,
): Promise<readonly Candidate[] | 'files'> {
  const place = walk(program, before)
  if (place.option?.value) return valuesOf(place.option.value, place)
  const [flag = '', ...rest] = begun.split('=')
  if (begun.startsWith('-')) {
    if (rest.length === 0) return optionsOf(place.way)
    const option = optionOf(place.way, flag)
    const values = option?.value ? await valuesOf(option.value, place) : []
    return values === 'files' ? values : values.map((one) => ({ ...one, value: `${flag}=${one.value}` }))
  }
  const { passed } = place
  const { commands, values } = commandOf(place)
  // After a word that is no command there is nothing to complete.
  if (commands.length > 0 && passed > 0) return []
  if (commands.length > 0)
    return commands.filter(({ isHidden }) => !isHidden).map(({ name, about }) => ({ value: name, about }))
  const last = values.at(-1)
  const value = values[passed] ?? (last?.isMany ? last : undefined)
  return value ? valuesOf(value, place) : []
}

/** Where the cursor is. */
interface Place {
  /** The command, behind those that it belongs to. */
  readonly way: readonly CommandTree[]
  /** So many arguments stand before it. */
  readonly passed: number
  /** The option whose value it is. */
  readonly option: OptionLeaf | undefined
  /** What was given for options, by their long names. */
  readonly given: Readonly<Record<string, string>>
}

const commandOf = ({ way }: Pick<Place, 'way'>) => way.at(-1)!

function walk(program: CommandTree, words: readonly string[]): Place {
  let way: readonly CommandTree[] = [program]
  let passed = 0
  let option: OptionLeaf | undefined
  const given: Record<string, string> = {}
  for (const word of words) {
    if (option) {
      given[option.long] = word
      option = undefined
    } else if (word.startsWith('-')) {
      const [flag = '', value] = word.split('=')
      const found = optionOf(way, flag)
      if (found && value !== undefined) given[found.long] = value
      else if (found?.value) option = found
    } else {
      const inner = commandOf({ way }).commands.find(({ name }) => name === word)
      if (inner) [way, passed] = [[...way, inner], 0]
      else passed += 1
    }
  }
  return { way, passed, option, given }
}

/** Of the command itself, or of one that it belongs to. */
function optionOf(way: readonly CommandTree[], flag: string): OptionLeaf | undefined {
  return way
    .toReversed()
    .flatMap(({ options }) => options)
    .find(({ long, short }) => long === flag || short === flag)
}

function optionsOf(way: readonly CommandTree[]): readonly Candidate[] {
  const all = way.toReversed().flatMap(({ options }) => options.filter(({ isHidden }) => !isHidden))
  // `--help` is an option of each.
  return [...new Map(all.toReversed().map((one) => [one.long, one])).values()]
    .toReversed()
    .map(({ long, about }) => ({ value: long, about }))
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
  { name, choices }: ValueLeaf,
  place: Pick<Place, 'way' | 'given'>,
): Promise<readonly Candidate[] | 'files'> {
  if (choices) return choices.map((value) => ({ value }))
  if (name === 'file') return 'files'
  const isUps = commandOf(place).name === 'ups' && name === 'name'
  const isWaiting = place.way[1]?.name === 'machine' && name === 'machine'
  const waiting = ({ machines }: NamesAnswer) => machines
  const source = isUps ? ({ upses }: NamesAnswer) => upses : isWaiting ? waiting : sources[name]
  if (!source) return []
  const names = await askNames(place.given, process.env)
  return names ? source(names).map((value) => ({ value })) : []
}
