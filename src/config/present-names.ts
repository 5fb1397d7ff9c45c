import { isMap, isNode, openYaml } from '../yaml.ts'
import { findRenamed } from './renamed.ts'

/**
 * A configuration's text with each setting under its present name. A text that was valid for an earlier release stays valid by
 * this; in the file itself an old name is an error that names the new one.
 */
export function withPresentNames(text: string): string {
  const { document, faults } = openYaml(text)
  if (faults.length > 0) return text
  const places = findRenamed(document.toJS()).flatMap(({ path, now }) => {
    const parent = document.getIn(path.slice(0, -1), true)
    const pair = isMap(parent) ? parent.items.find(({ key }) => isNode(key) && key.toJSON() === path.at(-1)) : undefined
    const range = isNode(pair?.key) ? pair.key.range : undefined
    return range ? [{ from: range[0], to: range[1], name: now.split('.').at(-1)! }] : []
  })
  return places
    .toSorted((one, other) => other.from - one.from)
    .reduce((whole, { from, to, name }) => whole.slice(0, from) + name + whole.slice(to), text)
}
