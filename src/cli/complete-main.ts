import { readFileSync } from 'node:fs'
import { output } from './output.ts'
import { complete } from './complete.ts'
import type { CommandTree } from './command-tree.ts'

/**
 * What the launcher of a package starts at each Tab in place of the whole command line: half the time of that goes into what completion
 * does not need. `tree` is the file of the package with its commands.
 */
export async function completeQuickly(tree: string, words: readonly string[]): Promise<void> {
  const program = JSON.parse(readFileSync(tree, 'utf8')) as CommandTree
  output.frame(await complete(program, words))
}
