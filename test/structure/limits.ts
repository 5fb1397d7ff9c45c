import { parseSync } from 'oxc-parser'
import { patience } from '../patience.ts'
import { type SourceFile, type Tree, visit } from './source.ts'

/** A case that takes longer is hung; what waits inside it says before what never came. */
const longestCase = 600_000
/** What a test lets expire on purpose is shorter than this. */
const onPurpose = 2_500

/** What fails in tests though it would have come: each limit that a busy machine exceeds, as a sentence. */
export function findHaste(files: readonly SourceFile[]): string[] {
  const asking = /\bvi\.wait|\.poll\(|AbortSignal\.timeout|\btimeout: |^ *\d+_000,$|, [\d_]{4,}\)$/m
  return files.filter(({ text }) => asking.test(text)).flatMap(hasteIn)
}

function hasteIn({ path, text }: SourceFile): string[] {
  const found: string[] = []
  const tell = (at: number, what: string) => found.push(`${path}:${text.slice(0, at).split('\n').length} ${what}`)
  visit(parseSync(path, text).program as unknown as Tree, undefined, (node) => {
    const limit = node.type === 'VariableDeclarator' && nameOf(node['id']) === 'patience' && limitOf(node['init'])
    if (limit !== false && limit !== undefined && limit < patience.timeout) tell(node.start, 'has little patience')
    if (node.type !== 'CallExpression') return
    const called = calledIn(node)
    const given = node['arguments'] as Tree[]
    const isShort = (limits: readonly (number | undefined)[], least: number) =>
      limits.some((one) => one !== undefined && one < least)
    if (/^vi\.wait(For|Until)$/.test(called) && (given.length < 2 || isShort([limitOf(given[1])], patience.timeout)))
      tell(node.start, `${called} has little patience`)
    if (called === 'expect.poll' && isShort([limitOf(given[1])], patience.timeout))
      tell(node.start, `${called} has little patience`)
    const ms = called === 'AbortSignal.timeout' ? limitOf(given[0]) : undefined
    if (ms !== undefined && ms > onPurpose && ms < patience.timeout)
      tell(node.start, `${called}(${ms}) is no \`soon()\``)
    if (/^(test|describe)\b/.test(called) && isShort(given.slice(1).map(limitOf), longestCase))
      tell(node.start, 'has less time than any case')
  })
  return found
}

/** The ms of `5_000` and of `{ timeout: 5_000 }`; undefined where it is neither. */
function limitOf(value: unknown): number | undefined {
  const { type, value: literal, properties } = (value ?? {}) as Tree & { value?: unknown; properties?: Tree[] }
  if (type === 'Literal') return typeof literal === 'number' ? literal : undefined
  if (type !== 'ObjectExpression') return undefined
  return limitOf(properties!.find((one) => nameOf(one['key']) === 'timeout')?.['value'])
}

/** `vi.waitFor`, and `test` for `test`, `test.each(…)` and `describe.concurrent`. */
function calledIn(node: Tree): string {
  const callee = node['callee'] as Tree
  if (callee.type === 'CallExpression') return calledIn(callee).replace(/\..*/, '')
  if (callee.type !== 'MemberExpression') return nameOf(callee) ?? ''
  const object = callee['object'] as Tree
  return `${object.type === 'MemberExpression' ? nameOf(object['object']) : nameOf(object)}.${nameOf(callee['property'])}`
}

function nameOf(node: unknown): string | undefined {
  return (node as { name?: string } | null | undefined)?.name
}
