import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'

/**
 * Writes src/core/machine-config/gen/fields.ts: the names and types of every setting of Talos' machine configuration. They are
 * read from the tags of its Go types (pkg/machinery/config/types of a checkout), because the JSON schema that Talos
 * publishes leaves out what is deprecated and still works. Oldest release first:
 *
 *     node test/talos-fields.ts 1.12=talos-1.12/pkg/machinery/config/types 1.13=… 1.14=…
 */

interface Field {
  type: string
  readonly releases: Set<string>
}

type Fields = Map<string, Field>

interface GoField {
  readonly name: string
  readonly type: string
  readonly options: readonly string[]
  readonly isReplaced: boolean
}

const given = process.argv.slice(2).map((one) => one.split('=') as [release: string, folder: string])
const releases = given.map(([release]) => release)
const kinds: Fields = new Map()
const types = new Map<string, Fields>()

function readRelease(release: string, folder: string): void {
  const structs = new Map<string, readonly GoField[]>()
  const aliases = new Map<string, string>()
  const registered = new Map<string, string>()
  for (const file of globSync('**/*.go', { cwd: folder })) {
    if (/_test\.go$|^deep_copy|_doc\.go$/.test(basename(file))) continue
    const area = basename(dirname(file))
    const text = readFileSync(join(folder, file), 'utf8')
    for (const [, name = '', body = ''] of text.matchAll(/^type (\w+) struct \{\n(.*?)^\}/gms))
      structs.set(`${area}.${name}`, [...fieldsIn(body)])
    for (const [, name = ''] of text.matchAll(/^type (\w+) struct\{\}/gm)) structs.set(`${area}.${name}`, [])
    for (const [, name = '', type = ''] of text.matchAll(/^type (\w+) (?:= )?((?!struct|interface|func)\S+)$/gm))
      aliases.set(`${area}.${name}`, type)
    for (const [, kind = '', type = ''] of text.matchAll(/registry\.Register\((\w+|"\w*"),.*?return &(\w+)\{/gs))
      registered.set(kindIn(text, kind), `${area}.${type}`)
  }
  const world = { release, structs, aliases }
  for (const [kind, type] of registered) note(kinds, kind, structOf(type, world), release)
}

function* fieldsIn(body: string): Generator<GoField> {
  for (const [, name = '', type = '', tag = ''] of body.matchAll(
    /^\t([\w.]+)?[ \t]*([^\s`]+)?[ \t]*`([^`]*yaml:[^`]*)`/gm,
  )) {
    const [own = '', ...options] = /yaml:"([^"]*)"/.exec(tag)?.[1]?.split(',') ?? []
    if (own === '-') continue
    yield { name: own, type: type || name, options, isReplaced: /merge:"replace"/.test(tag) }
  }
}

/** The literal of a kind, or the constant that has it. */
function kindIn(text: string, kind: string): string {
  const literal = kind.startsWith('"') ? kind : (new RegExp(`\\b${kind}\\s*=\\s*("\\w*")`).exec(text)?.[1] ?? '""')
  return literal.slice(1, -1) || 'v1alpha1'
}

interface World {
  readonly release: string
  readonly structs: ReadonlyMap<string, readonly GoField[]>
  readonly aliases: ReadonlyMap<string, string>
}

/** The name that a struct has here; its fields are noted. */
function structOf(type: string, world: World): string {
  const name = type.replace(/V1Alpha1$/, '').replace(/^v1alpha1\./, '')
  const fields: Fields = types.get(name) ?? new Map()
  if (![...fields.values()].some(({ releases: in_ }) => in_.has(world.release))) {
    types.set(name, fields)
    noteFields(type, fields, world)
  }
  return name
}

function noteFields(type: string, fields: Fields, world: World): void {
  const area = type.split('.')[0]!
  for (const { name, type: own, options, isReplaced } of world.structs.get(type) ?? []) {
    if (options.includes('inline') || name === '') noteFields(qualified(own.replace('*', ''), area), fields, world)
    else note(fields, name, `${typeOf(own, area, world)}${isReplaced ? '=' : ''}`, world.release)
  }
}

const qualified = (type: string, area: string) => (type.includes('.') ? type : `${area}.${type}`)

/** What Talos reads from a text of some form. */
const texts =
  /^(string|cel\.Expression|meta\.(URL|Addr|Prefix|AddrPort)|nethelpers\.\w+|netip\.\w+|config\.\w+|storageres\.\w+|block\.(\w*Type|ByteSize|Size)|v1alpha1\.(Endpoint|DiskSize|InstallDiskType|InstallDiskSizeMatcher|Base64Bytes|clusterToken))$/
const pairs: Readonly<Record<string, readonly string[]>> = {
  'x509.PEMEncodedCertificateAndKey': ['crt', 'key'],
  'x509.PEMEncodedCertificate': ['crt'],
  'x509.PEMEncodedKey': ['key'],
  'meta.CertificateAndKey': ['cert', 'key'],
}

function typeOf(given_: string, area: string, world: World): string {
  const isPointer = given_.startsWith('*')
  const bare = given_.replace(/^\*/, '')
  if (bare === '[]byte') return 's'
  if (bare.startsWith('[]')) return `[${typeOf(bare.slice(2), area, world)}]`
  if (bare === 'map[string]any' || bare === 'meta.Unstructured') return '*'
  if (bare.startsWith('map[string]')) return `{${typeOf(bare.slice(11), area, world).replace('!', '')}}`
  if (bare === 'meta.Args') return 'args'
  if (bare === 'bool') return 'b'
  if (bare === 'time.Duration') return 'd'
  if (/^u?int\d*$/.test(bare)) return isPointer ? 'i!' : 'i'
  if (/^float\d*$/.test(bare)) return 'n'
  const type = bare.includes('.') || bare === 'string' ? bare : `${area}.${bare}`
  if (type in pairs) {
    for (const name of pairs[type]!) note(noted(type), name, 's', world.release)
    return type
  }
  if (texts.test(type)) return isPointer ? 's!' : 's'
  const alias = world.aliases.get(type)
  if (alias === 'os.FileMode' || type === 'network.PortRange') return '*'
  if (alias !== undefined) return typeOf(alias, type.split('.')[0]!, world)
  if (!world.structs.has(type)) throw new Error(`${type} is unknown`)
  return structOf(type, world)
}

function noted(type: string): Fields {
  const fields: Fields = types.get(type) ?? new Map()
  types.set(type, fields)
  return fields
}

function note(fields: Fields, name: string, type: string, release: string): void {
  const field = fields.get(name) ?? { type, releases: new Set() }
  field.type = type
  field.releases.add(release)
  fields.set(name, field)
}

/** Since which release, and which was the last that had it, where that is not all of them. */
function life(had: ReadonlySet<string>): string {
  const all = releases.filter((release) => had.has(release))
  return `${all[0] === releases[0] ? '' : `@${all[0]}`}${all.at(-1) === releases.at(-1) ? '' : `-${all.at(-1)}`}`
}

function lineOf(fields: Fields): string {
  return [...fields].map(([name, { type, releases: had }]) => `${name}:${type}${life(had)}`).join(' ')
}

function write(): void {
  const lines = [...types]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, fields]) => `  '${name}': '${lineOf(fields)}',`)
  const text = `// Written by test/talos-fields.ts from the types of Talos ${releases.join(', ')}.

/**
 * The settings of Talos' machine configuration: \`name:type\`, with \`@1.14\` where it came with that release, and \`-1.13\`
 * where that was the last. Types: s text, i integer, n number, b true or false, d duration, * anything, args a text or a list of texts
 * by name, [t] a list, {t} by name, else the type of that name. \`=\`: a patch replaces it. \`!\`: 0 and '' count in a patch.
 */
export const kinds = '${lineOf(kinds)}'

export const types: Readonly<Record<string, string>> = {
${lines.join('\n')}
}
`
  writeFileSync(new URL('../src/core/machine-config/gen/fields.ts', import.meta.url), text)
}

for (const [release, folder] of given) readRelease(release, folder)
write()
