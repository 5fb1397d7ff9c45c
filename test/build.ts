// Writes dist/ of the package: our sources and most packages in a few files, which takes less memory and starts sooner
// than hundreds of them. Run by `npm run build`.
import { execFileSync } from 'node:child_process'
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { copyFile, cp, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync, Visitor } from 'oxc-parser'
import { rolldown, type OutputChunk, type Plugin } from 'rolldown'
import { builtVersion, lastRelease, type Release } from './release.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Parts of `ws` in native code, which it does without. */
const unused = ['bufferutil', 'utf-8-validate']

interface Description {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly repository: string | { readonly url: string }
  readonly dependencies: Readonly<Record<string, string>>
}

/**
 * Builds into an empty directory. What package.json has among its `dependencies` is installed with the package; every
 * other package that the sources import becomes part of it, and its licence lies beside.
 *
 * @throws Error where an import is not found, or the licence of a package
 */
export async function buildPackage(directory: string): Promise<void> {
  const { dependencies } = describe(root)
  const bundle = await rolldown({
    cwd: root,
    input: entries(),
    platform: 'node',
    plugins: [withoutLocales, httpAlone],
    external: [...unused, ...Object.keys(dependencies).map((name) => new RegExp(`^${name}(/|$)`))],
    onLog: (_level, { message }) => {
      throw new Error(message)
    },
  })
  const { output } = await bundle.write({
    dir: directory,
    comments: { legal: true, annotation: false, jsdoc: false },
    // V8 keeps the text of a program in memory for as long as it runs. Functions and classes keep their names, for those
    // who read a stack.
    minify: { compress: false, mangle: { toplevel: false, keepNames: true }, codegen: { removeWhitespace: true } },
    entryFileNames: '[name].js',
    // Where the modules lie that look for files beside them (main/registry, main/version).
    chunkFileNames: 'src/main/[name].js',
  })
  await bundle.close()
  const chunks = output.filter((part) => part.type === 'chunk')
  await Promise.all(chunks.map((chunk) => writeAscii(directory, chunk)))
  await copyAssets(directory)
  await writeFile(join(directory, 'LICENSES.txt'), licencesOf(chunks))
  await writeFile(join(directory, 'commands.json'), commandsOf(directory))
}

/** Files of packages that browsers load as they are, by their names there. */
const served: Readonly<Record<string, string>> = {
  'htmx.js': 'htmx.org/dist/htmx.min.js',
  'uplot.js': 'uplot/dist/uPlot.iife.min.js',
  'uplot.css': 'uplot/dist/uPlot.min.css',
}

/** What services serve as it is, beside the services as in the sources (services/dashboard/assets.ts). */
async function copyAssets(directory: string): Promise<void> {
  const folder = 'src/services/dashboard/assets'
  await cp(join(root, folder), join(directory, folder), { recursive: true })
  for (const [name, file] of Object.entries(served))
    await copyFile(join(root, 'node_modules', file), join(directory, folder, name))
}

/** Writes what a package tells of itself, beside its files: it is found before the package.json above (main/version). */
export async function stampPackage(directory: string, { version, released }: Release): Promise<void> {
  const text = JSON.stringify({ name: 'caretaker', version, released, type: 'module', private: true }, undefined, 2)
  await writeFile(join(directory, 'package.json'), `${text}\n`)
}

/** The words of zod for its own messages in fifty languages, which nobody is shown. */
const withoutLocales: Plugin = {
  name: 'without-locales',
  load: {
    filter: { id: /\/zod\/v4\/locales\/index\.js$/ },
    handler: () => `export { default as en } from './en.js'`,
  },
}

/**
 * `node:http` without the classes of undici that it hands on: an import reads all that a module has, and so would load
 * undici, which takes as long as most commands do.
 */
const httpAlone: Plugin = {
  name: 'http-alone',
  resolveId: {
    filter: { id: /^(node:)?http$/ },
    handler: (_id, _importer, { kind }) => (kind === 'require-call' ? undefined : '\0http'),
  },
  load: {
    filter: { id: /^\0http$/ },
    handler: () => {
      const names = Object.entries(Object.getOwnPropertyDescriptors(http))
        .filter(([, { get }]) => get === undefined)
        .map(([name]) => name)
      return `const http = process.getBuiltinModule('node:http')
export default http
export const { ${names.join(', ')} } = http`
    },
  },
}

/**
 * A single letter beyond Latin-1 makes V8 keep the whole file with two bytes for each letter. In strings, templates and
 * regular expressions an escape means the same.
 *
 * @throws Error where a tag of a template, such as String.raw, would see the difference
 */
async function writeAscii(directory: string, { fileName, code }: OutputChunk): Promise<void> {
  new Visitor({
    TaggedTemplateExpression: ({ quasi, tag }) => {
      // Hono's reads what was meant, and not how it is written.
      if (tag.type === 'Identifier' && /^html(\$\d+)?$/.test(tag.name)) return
      const raw = quasi.quasis.find(({ value }) => beyondAscii.test(value.raw))
      if (raw) throw new Error(`${fileName}: the tag of \`${raw.value.raw}\` would be given an escape`)
    },
  }).visit(parseSync(fileName, code).program)
  const escaped = code.replaceAll(
    new RegExp(beyondAscii, 'g'),
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  await writeFile(join(directory, fileName), escaped)
}

/** Not with `u`: a letter beyond 16 bits is two escapes. */
const beyondAscii = /[^\0-\x7F]/

/** By their place in dist/: the CLI, the process that works on the share, and what is found by its folder while it runs. */
function entries(): Record<string, string> {
  const found = globSync(['jobs/*.ts', 'src/services/*/{service,child}.ts'], { cwd: root })
  const own = {
    'src/main/cli': 'src/cli.ts',
    'src/main/complete': 'src/cli/complete-main.ts',
    'src/main/share-worker': 'src/main/share-worker.ts',
  }
  return { ...own, ...Object.fromEntries(found.map((file) => [file.slice(0, -3), file])) }
}

/** What completion asks of the commands, as the package itself tells. */
function commandsOf(directory: string): string {
  return execFileSync(process.execPath, [join(directory, 'src/main/cli.js'), 'complete', '--tree'], {
    encoding: 'utf8',
  })
}

/** The licence of every package that is in there, with its place on the web and its text. */
function licencesOf(chunks: readonly OutputChunk[]): string {
  const files = chunks.flatMap(({ modules }) => Object.keys(modules)).filter((file) => file.includes('/node_modules/'))
  files.push(...Object.values(served).map((file) => join(root, 'node_modules', file)))
  const packages = Map.groupBy(files, (file) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(file)![0])
  const parts = [...packages].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([place, own]) => licenceOf(place, own))
  return `Caretaker contains the following packages.\n\n${parts.join('\n\n')}`
}

function licenceOf(place: string, files: readonly string[]): string {
  const { name, version, license, repository } = describe(place)
  const source = typeof repository === 'string' ? repository : repository.url
  return [`${'='.repeat(80)}\n${name} ${version}, ${license}, ${source}`, ...licenceTexts(place, files)].join('\n\n')
}

function licenceTexts(place: string, files: readonly string[]): readonly string[] {
  const { name, license } = describe(place)
  const file = readdirSync(place).find((entry) => /^licen[cs]e/i.test(entry))
  if (file !== undefined) return [readFileSync(join(place, file), 'utf8')]
  // Some bring no text along but name their licence, and at the head of their files whose they are.
  if (license.includes('Apache-2.0'))
    return [...new Set(files.flatMap(ownersOf)), readFileSync(join(root, 'LICENSE'), 'utf8')]
  // Those of Hono's own people name it in their README, with the author: its text is Hono's.
  if (license === 'MIT' && name.startsWith('@hono/'))
    return [authorIn(join(place, 'README.md')), readFileSync(join(place, '../../hono/LICENSE'), 'utf8')]
  throw new Error(`${name} has no text of its licence`)
}

/** The section of a README that says who wrote it. */
function authorIn(readme: string): string {
  return /^## Authors?\n+[^#]+/m.exec(readFileSync(readme, 'utf8'))?.[0].trim() ?? ''
}

/** The comments at the head of a file that say whose it is. */
function ownersOf(file: string): readonly string[] {
  const [head] = /^(\/\/.*\n|\s*\n)*/.exec(readFileSync(file, 'utf8'))!
  return head.split(/\n\n+/).filter((comment) => /copyright/i.test(comment))
}

function describe(place: string): Description {
  return JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')) as Description
}

if (import.meta.main) {
  const release = lastRelease()
  await buildPackage(join(root, 'dist'))
  await stampPackage(join(root, 'dist'), { ...release, version: builtVersion(release, process.env['CARETAKER_BUILD']) })
}
