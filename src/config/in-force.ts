import type { SettingInForce } from '../core/setting.ts'
import { inspectConfig, type Sections, settingsOf } from './config.ts'
import { type Level, levelsAt } from './known-keys.ts'
import { maskedText } from './masked.ts'

type Path = readonly (string | number)[]

/**
 * Every setting as it is used: what the text says, with its line, and the defaults of what it does not say. Secrets never stand
 * in it; what may be one all the same, such as a header, is not shown.
 */
export function settingsInForce(text: string, sections: Sections): readonly SettingInForce[] {
  const { raw, placeOf } = inspectConfig(text, 'the configuration', sections)
  const root = settingsOf(sections)
  const lineOf = (path: Path) => placeOf(path).line

  function walk(value: unknown, path: Path): readonly SettingInForce[] {
    if (isSecretPlace(value) || !isContainer(value)) return [leaf(path, value, lineOf(path))]
    const inside = Array.isArray(value)
      ? value.flatMap((one, index) => walk(one, [...path, index]))
      : Object.entries(value).flatMap(([name, one]) => walk(one, [...path, name]))
    if (Array.isArray(value) && value.every((one) => !isContainer(one))) return [leaf(path, value, lineOf(path))]
    return [...inside, ...defaultsBelow(value, path)]
  }

  /** What of a group is not written, and holds all the same. */
  function defaultsBelow(value: object, path: Path): readonly SettingInForce[] {
    if (Array.isArray(value)) return []
    return levelsAt(root, path).flatMap(({ properties = {} }) =>
      Object.entries(properties).flatMap(([name, level]) =>
        Object.hasOwn(value, name) ? [] : defaultsOf(level, [...path, name]),
      ),
    )
  }

  function defaultsOf(level: Level, path: Path): readonly SettingInForce[] {
    if (level.default === undefined) return []
    if (level.properties && isContainer(level.default)) return defaultsBelow({}, path)
    return [leaf(path, level.default, undefined)]
  }

  function leaf(path: Path, value: unknown, line: number | undefined): SettingInForce {
    const about = levelsAt(root, path).find(({ description }) => description !== undefined)?.description
    return { path: path.join('.'), value: maskedText(path, value), line, about }
  }

  const order = Object.keys(root.properties ?? {})
  const top = isContainer(raw) ? raw : {}
  return [...Object.entries(top).flatMap(([name, value]) => walk(value, [name])), ...defaultsBelow(top, [])].toSorted(
    (one, other) => order.indexOf(sectionOf(one.path)) - order.indexOf(sectionOf(other.path)),
  )
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null

function isSecretPlace(value: unknown): boolean {
  return isContainer(value) && !Array.isArray(value) && /^(file|env)$/.test(Object.keys(value).join())
}

const sectionOf = (path: string) => path.split('.')[0]!
