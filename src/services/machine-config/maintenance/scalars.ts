import { isMapping, type Tree, scalarText } from '../../../core/machine-config/tree.ts'

/** Shorter ones stand in every sentence. */
const shortest = 6

/** The texts that stand in a document, without the names of its settings. */
export function scalarsOf(tree: Tree): readonly string[] {
  if (Array.isArray(tree)) return (tree as readonly Tree[]).flatMap(scalarsOf)
  if (isMapping(tree as Exclude<Tree, readonly Tree[]>))
    return Object.values(tree as { [key: string]: Tree }).flatMap(scalarsOf)
  const text = scalarText(tree)
  return text === undefined || text.length < shortest ? [] : [text]
}
