import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A page for people, as what can be checked in it. */
export interface Page {
  /** From the root of the project: `docs/ups.md`. */
  readonly path: string
  readonly text: string
  readonly fences: readonly Fence[]
  /** What stands in backticks on its own, outside of fences. */
  readonly codes: readonly Placed[]
  /** Where links lead to, but for those to the web. */
  readonly links: readonly Placed[]
  /** What may stand behind the `#` of a link. */
  readonly anchors: ReadonlySet<string>
}

export interface Placed {
  readonly text: string
  readonly line: number
}

/** A block between two lines of backticks. */
export interface Fence extends Placed {
  /** `sh`, `yaml`, or nothing. */
  readonly language: string
}

/** README and all of `docs/`. */
export function readPages(): readonly Page[] {
  const docs = readdirSync(`${root}/docs`).filter((file) => file.endsWith('.md'))
  return ['README.md', ...docs.map((file) => `docs/${file}`)].map((path) =>
    parsePage(path, readFileSync(`${root}/${path}`, 'utf8')),
  )
}

export function parsePage(path: string, text: string): Page {
  const fences: { language: string; line: number; lines: string[] }[] = []
  const codes: Placed[] = []
  const links: Placed[] = []
  const anchors = new Set<string>()
  let open: (typeof fences)[number] | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^\s*```(\w*)/.exec(line)
    if (fence && open) open = undefined
    else if (fence) fences.push((open = { language: fence[1]!, line: index + 2, lines: [] }))
    else if (open) open.lines.push(line)
    else {
      for (const [, code] of line.matchAll(/`([^`]+)`/g)) codes.push({ text: code!, line: index + 1 })
      const prose = line.replaceAll(/`[^`]+`/g, '')
      for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g))
        if (!/^https?:/.test(target!)) links.push({ text: target!, line: index + 1 })
      const heading = /^#+ (.*)$/.exec(line)
      if (heading) anchors.add(anchorOf(heading[1]!))
    }
  }
  return {
    path,
    text,
    codes,
    links,
    anchors,
    fences: fences.map(({ lines, ...fence }) => ({ ...fence, text: withoutIndent(lines) })),
  }
}

/** A block in a list is indented with it. */
function withoutIndent(lines: readonly string[]): string {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length)
  const indent = Math.min(...indents, 80)
  return lines.map((line) => line.slice(indent)).join('\n')
}

/** As GitHub makes them. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
}

/** The file that a link of a page leads to, from the root of the project, and the place in it. */
export function targetOf(page: Page, link: string): { readonly file: string; readonly anchor: string | undefined } {
  const [file, anchor] = link.split('#')
  return { file: file === '' ? page.path : posix.join(posix.dirname(page.path), file!), anchor }
}
