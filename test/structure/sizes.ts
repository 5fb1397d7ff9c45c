import type { SourceFile } from './source.ts'

/** The longest that things get, in lines; parameters beyond four become an object. */
const longest = { file: 300, function: 80, factory: 120, own: 60, parameters: 4 }
/** From here on a function counts as long, in lines: there are to be few. */
const long = 60

/** Files that pass the limit, and why that is better than to cut them. */
export const longFiles: Readonly<Record<string, string>> = {
  'test/adapters/kubernetes/kubeconfig-fields.test.ts':
    'all fields of one format, against one server that is dear to start',
  'test/config/sixty-mistakes.test.ts': 'one table of what people get wrong, and what each hears',
  'test/lab/factory/factory.test.ts': 'all answers of one server',
}

export interface Sizes {
  /** Over a limit, as sentences. */
  readonly over: readonly string[]
  /** Functions that are long, and within the limit. */
  readonly long: readonly string[]
}

/**
 * What is too long. A factory is a function that is mostly a list of smaller ones: it may have more lines, and hardly
 * any of its own.
 */
export function measureSizes(files: readonly SourceFile[]): Sizes {
  const over: string[] = []
  const few: string[] = []
  for (const { path, lines, functions } of files) {
    if (lines > longest.file && !(path in longFiles)) over.push(`${path} has ${lines} lines`)
    if (path in longFiles && lines <= longest.file) over.push(`${path} needs no exception any more`)
    for (const { name, line, lines: size, ownLines, parameters } of functions) {
      const where = `${path}:${line} ${name}`
      const isFactory = ownLines <= longest.own && ownLines < size
      if (size > (isFactory ? longest.factory : longest.function)) over.push(`${where} has ${size} lines`)
      else if (size > long && !isFactory) few.push(`${where} has ${size} lines`)
      if (parameters > longest.parameters) over.push(`${where} takes ${parameters} parameters`)
    }
  }
  return { over, long: few }
}

/** Of tests only the files are measured: a long `describe` is a list of cases. The lab and the fakes are code like any. */
export function withoutCases(files: readonly SourceFile[]): readonly SourceFile[] {
  return files.map((file) =>
    /^test\/(lab|fakes)\//.test(file.path) && !file.path.endsWith('.test.ts') ? file : { ...file, functions: [] },
  )
}
