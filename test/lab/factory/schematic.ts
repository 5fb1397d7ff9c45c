import { isMap, isNode, isScalar, isSeq, LineCounter, parse, parseAllDocuments, stringify, type Node } from 'yaml'
import { z } from 'zod'
import { refusal } from './answers.ts'

const schematicForm = z.object({
  overlay: z.object({ image: z.string(), name: z.string() }).optional(),
  customization: z.object({
    embeddedMachineConfiguration: z.string().optional(),
    extraKernelArgs: z.array(z.string()).default([]),
    systemExtensions: z.object({ officialExtensions: z.array(z.string()).default([]) }).optional(),
  }),
})

/** Of a schematic, what an image depends on. */
export type Schematic = z.infer<typeof schematicForm>

/** Reads a schematic that was registered. */
export function readSchematic(yaml: string): Schematic {
  return schematicForm.parse(parse(yaml))
}

type Shape =
  | { readonly go: 'string' | 'bool' | 'uint' | 'uint8' | 'BootloaderKind' | 'map[string]interface {}' }
  | { readonly go: '[]string' | '[]schematic.MetaValue'; readonly of: Shape }
  | Struct
interface Struct {
  readonly go: `schematic.${string}`
  readonly fields: Readonly<Record<string, Shape>>
  /** Names of the fields that are written when they are empty too. */
  readonly always: readonly string[]
}

const string: Shape = { go: 'string' }
const strings: Shape = { go: '[]string', of: string }
const struct = (name: string, always: string[], fields: Record<string, Shape>): Struct => {
  return { go: `schematic.${name}`, always, fields }
}

/** pkg/schematic/schematic.go: the fields in the order in which they are written. */
const schematicShape = struct('Schematic', ['customization'], {
  owner: string,
  overlay: struct('Overlay', ['image', 'name'], {
    image: string,
    name: string,
    options: { go: 'map[string]interface {}' },
  }),
  customization: struct('Customization', [], {
    embeddedMachineConfiguration: string,
    extraKernelArgs: strings,
    meta: {
      go: '[]schematic.MetaValue',
      of: struct('MetaValue', ['key', 'value'], { key: { go: 'uint8' }, value: string }),
    },
    systemExtensions: struct('SystemExtensions', [], { officialExtensions: strings }),
    bootloader: { go: 'BootloaderKind' },
    secureboot: struct('SecureBootCustomization', [], {
      enrollKeys: string,
      includeWellKnownCertificates: { go: 'bool' },
    }),
    diskImage: struct('DiskImage', [], { sectorSize: { go: 'uint' } }),
  }),
})

/** The bytes that a schematic's id is the sha256 of, for strings that YAML needs no quotes for. */
export function canonicalSchematic(source: string): string {
  const lines = new LineCounter()
  const [document] = parseAllDocuments(source, { lineCounter: lines })
  if (!document || !('contents' in document) || !document.contents) throw refusal(400, 'EOF')
  const [mistake] = document.errors
  if (mistake) throw refusal(400, `yaml: ${mistake.message.split('\n', 1)[0]}`)
  const fields = canonicalFields(document.contents, schematicShape, lines)
  if (fields['owner'] !== undefined) throw refusal(400, 'owner field is only supported in Enterprise edition')
  return stringify(fields, { indent: 4, lineWidth: 0 })
}

function misfit(node: Node, lines: LineCounter, what: string): Error {
  return refusal(400, `yaml: construct errors:\n  line ${lines.linePos(node.range?.[0] ?? 0).line}: ${what}`)
}

/** A struct's fields in its own order, without the empty ones; strict, as the decoder's KnownFields. */
function canonicalFields(node: Node, { go, fields, always }: Struct, lines: LineCounter): Record<string, unknown> {
  const given = new Map<string, Node>()
  if (!isMap(node) && !isNull(node)) throw misfit(node, lines, `cannot construct ${tagOf(node)} into ${go}`)
  for (const { key, value } of isMap(node) ? node.items : []) {
    const name = isScalar(key) ? String(key.value) : ''
    if (!fields[name]) throw misfit(isNode(key) ? key : node, lines, `field ${name} not found in type ${go}`)
    if (isNode(value)) given.set(name, value)
  }
  const entries = Object.entries(fields).flatMap(([name, shape]): [string, unknown][] => {
    const child = given.get(name)
    const value = child && canonical(child, shape, lines)
    if (!isEmpty(value)) return [[name, value]]
    // A struct whose every field is empty is left out by whoever holds it; a schematic is held by nobody.
    if (!always.includes(name) || (given.size === 0 && go !== 'schematic.Schematic')) return []
    return [[name, 'fields' in shape ? {} : shape.go === 'uint8' ? 0 : '']]
  })
  return Object.fromEntries(entries)
}

function canonical(node: Node, shape: Shape, lines: LineCounter): unknown {
  if ('fields' in shape) return canonicalFields(node, shape, lines)
  if (isNull(node)) return undefined
  const wrong = misfit(node, lines, `cannot construct ${tagOf(node)} into ${shape.go}`)
  if ('of' in shape) {
    if (!isSeq(node)) throw wrong
    return node.items.map((item) => (isNode(item) ? canonical(item, shape.of, lines) : undefined) ?? '')
  }
  if (shape.go === 'map[string]interface {}') {
    if (!isMap(node)) throw wrong
    const options: Record<string, unknown> = node.toJSON()
    const natural = new Intl.Collator('en', { numeric: true })
    return Object.fromEntries(Object.entries(options).toSorted(([a], [b]) => natural.compare(a, b)))
  }
  if (!isScalar(node)) throw wrong
  if (shape.go === 'string') return node.type === 'PLAIN' ? node.source : String(node.value)
  if (shape.go === 'BootloaderKind') {
    const kind = String(node.value).toLowerCase()
    if (kind === 'none') return undefined
    if (['dual-boot', 'sd-boot', 'grub'].includes(kind)) return kind
    throw misfit(node, lines, `${String(node.value)} does not belong to BootloaderKind values`)
  }
  if (shape.go === 'bool' && typeof node.value !== 'boolean') throw wrong
  const highest = shape.go === 'uint8' ? 255 : Number.MAX_SAFE_INTEGER
  const isUnsigned = Number.isInteger(node.value) && Number(node.value) >= 0 && Number(node.value) <= highest
  if (shape.go !== 'bool' && !isUnsigned) throw wrong
  return node.value
}

function isNull(node: Node): boolean {
  return isScalar(node) && node.value === null
}

function tagOf(node: Node): string {
  if (isMap(node)) return '!!map'
  if (isSeq(node)) return '!!seq'
  const value = isScalar(node) ? node.value : undefined
  const tag = typeof value === 'number' ? '!!int' : typeof value === 'boolean' ? '!!bool' : '!!str'
  return `${tag} \`${String(value).slice(0, 10)}\``
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === '' || value === false || value === 0) return true
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
