import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'

/** The texts of a file: strings, and the pieces of templates between what is filled in. */
export interface Texts {
  readonly path: string
  readonly pieces: readonly string[]
}

/** All texts of the product. */
export async function readTexts(root: string): Promise<readonly Texts[]> {
  const found: Texts[] = []
  for await (const path of glob('{src,jobs}/**/*.ts', { cwd: root }))
    if (!path.includes('/gen/')) found.push({ path, pieces: textsIn(path, readFileSync(join(root, path), 'utf8')) })
  return found
}

export function textsIn(path: string, source: string): readonly string[] {
  const pieces: string[] = []
  new Visitor({
    Literal: ({ value }) => void (typeof value === 'string' && pieces.push(value)),
    TemplateElement: ({ value }) => void pieces.push(value.cooked ?? value.raw),
  }).visit(parseSync(path, source).program)
  return pieces
}

/** Whether the product can say this; `…` stands for what is filled in. Each part is a text of one and the same file. */
export function canSay(texts: readonly Texts[], message: string): boolean {
  const parts = message
    .split('…')
    .map((part) => part.trim())
    .filter((part) => /\p{L}{2}/u.test(part))
  // What is said in few words may be found by chance.
  if (parts.join('').length < 12) return false
  return texts.some(({ pieces }) => parts.every((part) => pieces.some((piece) => piece.includes(part))))
}
