import type { z } from 'zod'
import type { Document } from '../yaml.ts'
import { isNode } from '../yaml.ts'
import { unworded, wordsOfIssue, wordsOfMissing } from './issue-words.ts'
import { isOurName, type Level, levelOf, levelsAt, suggestKey } from './known-keys.ts'
import { meantValues, writtenValue } from './meant.ts'

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

/** What is wrong with a setting. */
export interface SettingFault {
  readonly path: Path
  readonly message: string
  /** The key at the end of the path is wrong, not its value. */
  readonly isKey: boolean
  /** What the key was meant as. */
  readonly near?: string | undefined
}

/** Reads a value by a shape; what it finds is worded by `faultsOfIssues`. */
export function readByShape<T>(shape: z.ZodType<T>, raw: unknown) {
  return shape.safeParse(raw, { error: () => unworded })
}

/** At most so many guesses are tried out: a file that is none of ours must not take for ever. */
const mostGuesses = 400

/**
 * What a shape has found, one sentence for each mistake: which setting, what it should be, and what was probably meant.
 */
export function faultsOfIssues(
  issues: readonly Issue[],
  { shape, raw, document }: { shape: z.ZodType; raw: unknown; document: Document },
): readonly (SettingFault & { readonly setting: string | undefined })[] {
  let level: Level | undefined
  const root = () => (level ??= levelOf(shape))
  let guesses = 0

  function keyFault(path: Path): SettingFault {
    if (path.at(-1) === '<<')
      return { path, message: 'merge keys (<<) are not supported here: write the settings out', isKey: true }
    const near = suggestKey(root(), path)
    return {
      path,
      message: `is not a setting${near === undefined ? '' : `; did you mean ${near}?`}`,
      isKey: true,
      near,
    }
  }

  function valueFault(issue: Issue): SettingFault {
    const { path } = issue
    const given = valueAt(raw, path)
    const isMissing = issue.code.startsWith('invalid_') && path.length > 0 && given === undefined
    const levels = levelsAt(root(), path)
    if (isMissing) return { path, message: wordsOfMissing(issue, levels), isKey: false }
    const words =
      issue.message === unworded ? wordsOfIssue(issue, { levels, given, isRequired: isRequired(path) }) : issue.message
    const meant = issue.code === 'invalid_key' ? undefined : suggestValue(path, given, levels)
    const hint = meant === undefined ? '' : `; did you mean ${writtenValue(meant)}?`
    return { path, message: `${words}${hint}`, isKey: issue.code === 'invalid_key' }
  }

  const isRequired = (path: Path) =>
    levelsAt(root(), path.slice(0, -1)).some(({ required = [] }) => required.includes(String(path.at(-1))))

  /** The first candidate that the setting takes. */
  function suggestValue(path: Path, given: unknown, levels: readonly Level[]): unknown {
    const node = path.length === 0 ? undefined : document.getIn(path, true)
    const source = isNode(node) && 'source' in node && typeof node.source === 'string' ? node.source : undefined
    return meantValues(given, levels, source).find((candidate) => {
      if (candidate === given || guesses >= mostGuesses) return false
      guesses += 1
      const result = readByShape(shape, withValue(raw, path, candidate))
      return result.success || !spread(result.error.issues).some((one) => isAbout(one, path))
    })
  }

  /** The setting as it may be told: what a mistake has made a name of may be a secret, and its place says enough. */
  function shownSetting({ path, isKey, near }: SettingFault): string | undefined {
    const names = path.map((name, index) => {
      const isUnknown = isKey && index === path.length - 1
      const mayTell = isUnknown
        ? near !== undefined || mayTellKey(String(name))
        : isOurName(root(), path.slice(0, index + 1))
      return mayTell ? String(name) : '(a key)'
    })
    return names.length === 0 ? undefined : names.join('.')
  }

  // A value of another type has one mistake, whatever else it is not.
  const told = new Set<string>()
  const isSaid = ({ path, message, code }: Issue) => {
    const place = JSON.stringify(path)
    const isOnce = message === unworded && code !== 'unrecognized_keys'
    if (isOnce && told.has(place)) return true
    told.add(place)
    return false
  }
  const found = spread(issues).flatMap((issue): readonly SettingFault[] => {
    if (isSaid(issue)) return []
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => keyFault([...issue.path, key]))
    return [valueFault(issue)]
  })
  // What is misspelled is not missing as well.
  const meant = found.flatMap(({ path, near }) => (near === undefined ? [] : [[...path.slice(0, -1), near].join('.')]))
  return found
    .filter(({ path, message }) => !message.startsWith('is missing') || !meant.includes(path.join('.')))
    .map((fault) => ({ ...fault, setting: shownSetting(fault) }))
}

/** Whether a key that is no setting may be repeated. */
export function mayTellKey(key: string): boolean {
  return /^([A-Za-z]{1,40}|<<)$/.test(key)
}

/** Every finding by itself, with its whole path: of several choices those of the one that is written. */
function spread(issues: readonly Issue[]): readonly Issue[] {
  return issues.flatMap((issue): readonly Issue[] => {
    const meant = issue.code === 'invalid_union' ? chosen(issue.errors) : undefined
    if (meant === undefined) return [issue]
    return spread(meant.map((one) => ({ ...one, path: [...issue.path, ...one.path] })))
  })
}

/**
 * Of several choices the one that is written: what is wrong with it stands deeper, and says more than all the choices.
 * Undefined where none is, or several may be.
 */
function chosen(choices: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const deeper = choices.filter((issues) => issues.length > 0 && issues.every(({ path }) => path.length > 0))
  return deeper.toSorted((one, other) => one.length - other.length)[0]
}

/** Whether a finding is about this setting, something in it, or choices that it is one part of. */
function isAbout({ code, path: found }: Issue, path: Path): boolean {
  const startsWith = (whole: Path, start: Path) => start.every((key, index) => key === whole[index])
  return startsWith(found, path) || (code === 'invalid_union' && startsWith(path, found))
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((found, key) => {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    return (found as Readonly<Record<PropertyKey, unknown>>)[key]
  }, value)
}

/** A copy in which one value is another; only what is on the way to it is copied. */
function withValue(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by
  const inside = withValue(valueAt(value, [key]), rest, by)
  if (Array.isArray(value)) return value.with(Number(key), inside)
  return { ...(value as object), [key]: inside }
}
