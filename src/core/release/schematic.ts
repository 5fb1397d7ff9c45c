/**
 * A schematic of the Image Factory: what goes into an image beside Talos itself
 * (siderolabs/image-factory pkg/schematic/schematic.go).
 */
export interface Schematic {
  readonly owner?: string | undefined
  readonly overlay?:
    | {
        readonly image: string
        readonly name: string
        readonly options?: Readonly<Record<string, unknown>> | undefined
      }
    | undefined
  readonly customization?:
    | {
        readonly embeddedMachineConfiguration?: string | undefined
        readonly extraKernelArgs?: readonly string[] | undefined
        readonly meta?: readonly { readonly key: number; readonly value: string }[] | undefined
        readonly systemExtensions?: { readonly officialExtensions?: readonly string[] | undefined } | undefined
        readonly bootloader?: string | undefined
        readonly secureboot?:
          | { readonly enrollKeys?: string | undefined; readonly includeWellKnownCertificates?: boolean | undefined }
          | undefined
        readonly diskImage?: { readonly sectorSize?: number | undefined } | undefined
      }
    | undefined
}

/** The names of the schematics that the homelab needs: the one of all nodes, those of single ones, and those of images. */
export function schematicsInUse(config: {
  readonly schematic: string
  readonly nodes: readonly { readonly schematic?: string | undefined }[]
  readonly images: readonly { readonly schematic?: string | undefined }[]
}): ReadonlySet<string> {
  return new Set([config.schematic, ...[...config.nodes, ...config.images].flatMap(({ schematic }) => schematic ?? [])])
}

type Yaml = string | number | boolean | null | readonly Yaml[] | Entries
/** A mapping whose order counts. */
class Entries {
  readonly entries: readonly (readonly [string, Yaml])[]
  constructor(entries: readonly (readonly [string, Yaml])[]) {
    this.entries = entries
  }
}

/**
 * The schematic as the Factory writes it, byte for byte: its id is the SHA-256 of this text in hex. No option of the
 * `yaml` package gives these bytes in general: indentation is four columns, quotes are chosen by rules of their own
 * (go-yaml v4 rc.6, as used by the Factory since v1.5.0).
 */
export function canonicalYaml(schematic: Schematic): string {
  const { owner, overlay, customization = {} } = schematic
  const { secureboot, systemExtensions, diskImage } = customization
  return block(
    mapping(
      ['owner', owner],
      [
        'overlay',
        overlay &&
          mapping(
            ['image', overlay.image, 'always'],
            ['name', overlay.name, 'always'],
            ['options', ofOptions(overlay.options)],
          ),
      ],
      [
        'customization',
        mapping(
          ['embeddedMachineConfiguration', customization.embeddedMachineConfiguration],
          ['extraKernelArgs', customization.extraKernelArgs],
          [
            'meta',
            customization.meta?.map(({ key, value }) => mapping(['key', key, 'always'], ['value', value, 'always'])),
          ],
          ['systemExtensions', mapping(['officialExtensions', systemExtensions?.officialExtensions])],
          ['bootloader', bootloaderOf(customization.bootloader)],
          [
            'secureboot',
            mapping(
              ['enrollKeys', secureboot?.enrollKeys],
              ['includeWellKnownCertificates', secureboot?.includeWellKnownCertificates],
            ),
          ],
          ['diskImage', mapping(['sectorSize', diskImage?.sectorSize])],
        ),
        'always',
      ],
    ),
    0,
  )
}

/** The kernel arguments that the schematic adds to a UKI's command line. */
export function kernelArgumentsOf({ customization }: Schematic): readonly string[] {
  return (customization?.extraKernelArgs ?? [])
    .flatMap((argument) => argument.split(/\s+/))
    .filter((argument) => argument !== '')
}

/** `none` is the default, and left out. */
function bootloaderOf(bootloader: string | undefined): string | undefined {
  const kind = bootloader?.toLowerCase()
  return kind === 'none' ? undefined : kind
}

type Field = readonly [key: string, value: Yaml | undefined, always?: 'always']

/** Leaves out what is empty, as Go's `omitempty` does. */
function mapping(...fields: readonly Field[]): Entries {
  const kept = fields.filter(([, value, always]) => value !== undefined && (always || !isEmpty(value)))
  return new Entries(kept.map(([key, value]) => [key, value as Yaml] as const))
}

function isEmpty(value: Yaml): boolean {
  if (value instanceof Entries) return value.entries.length === 0
  if (Array.isArray(value)) return value.length === 0
  return value === '' || value === false || value === 0 || value === null
}

function ofOptions(options: Readonly<Record<string, unknown>> | undefined): Entries | undefined {
  return options && (ofUnknown(options) as Entries)
}

function ofUnknown(value: unknown): Yaml {
  if (Array.isArray(value)) return value.map(ofUnknown)
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value).sort(naturally)
    return new Entries(keys.map((key) => [key, ofUnknown((value as Record<string, unknown>)[key])] as const))
  }
  return value as string | number | boolean | null
}

/**
 * go-yaml's order of keys: runs of digits count as numbers, so that k9 comes before k10; what is neither a letter nor a
 * digit comes first, but behind digits a letter does.
 */
function naturally(a: string, b: string): number {
  const [x, y] = [Array.from(a), Array.from(b)]
  const i = x.findIndex((character, index) => character !== y[index])
  if (i < 0 || i >= y.length) return x.length - y.length
  const [xLetter, yLetter] = [/\p{L}/u.test(x[i]!), /\p{L}/u.test(y[i]!)]
  const byCode = x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!
  if (xLetter && yLetter) return byCode
  if (xLetter || yLetter) return (i > 0 && /\d/.test(x[i - 1]!)) === xLetter ? -1 : 1
  const digits = (from: readonly string[]) => /^\d*/.exec(from.slice(i).join(''))![0]
  // A zero behind other digits is part of their number, and not the start of one.
  const before = x.slice(x.findLastIndex((character, index) => index < i && !/\d/.test(character)) + 1, i).join('')
  const inside = (x[i] === '0' || y[i] === '0') && /[1-9]/.test(before) ? '1' : ''
  const [m, n] = [digits(x), digits(y)]
  return Number(inside + m) - Number(inside + n) || m.length - n.length || byCode
}

/** Lines of a block whose first column is `column`, each with its newline. */
function block(value: Yaml, column: number): string {
  const indent = ' '.repeat(column)
  if (value instanceof Entries) {
    if (value.entries.length === 0) return `${indent}{}\n`
    return value.entries.map(([key, child]) => `${indent}${scalar(key, column)}:${afterKey(child, column)}`).join('')
  }
  if (Array.isArray(value)) return value.map((item: Yaml) => `${indent}-${afterDash(item, column)}`).join('')
  return `${indent}${scalar(value as string, column)}\n`
}

function afterKey(value: Yaml, column: number): string {
  const child = nextStop(column)
  if (value instanceof Entries) return value.entries.length === 0 ? ' {}\n' : `\n${block(value, child)}`
  if (Array.isArray(value)) return value.length === 0 ? ' []\n' : `\n${block(value, child)}`
  return ` ${scalar(value as string, child)}\n`
}

/** What follows a dash continues two columns after it. */
function afterDash(value: Yaml, column: number): string {
  if (value instanceof Entries && value.entries.length > 0) return ` ${block(value, column + 2).trimStart()}`
  if (Array.isArray(value) && value.length > 0) return ` ${block(value, column + 2).trimStart()}`
  if (value instanceof Entries) return ' {}\n'
  if (Array.isArray(value)) return ' []\n'
  return ` ${scalar(value as string, column + 2)}\n`
}

/** The next multiple of four. */
function nextStop(column: number): number {
  return column - (column % 4) + 4
}

function scalar(value: string | number | boolean | null, column: number): string {
  if (typeof value !== 'string') return String(value)
  if (value.includes('\n')) return literal(value, column)
  if (/^(y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF|<<)$/.test(value) || isBase60(value)) return single(value)
  if (readsAsAnother(value)) return double(value)
  if (needsEscapes(value)) return double(value)
  return isPlain(value) ? value : single(value)
}

/** `1:30`: a number to the base of sixty in YAML 1.1. */
function isBase60(value: string): boolean {
  return /^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9]*)?$/.test(value)
}

/** Would be read back as null, a boolean, a number or a time. */
function readsAsAnother(value: string): boolean {
  return (
    /^(|~|null|Null|NULL|true|True|TRUE|false|False|FALSE|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$/.test(value) ||
    isNumber(value) ||
    isTime(value)
  )
}

/** By Go's strconv: whole numbers with a base fit 64 bits, others the range of a float. */
function isNumber(value: string): boolean {
  if (!/^[-+.\d]/.test(value)) return false
  const plain = value.replaceAll(value.startsWith('.') ? /(?<=\d)_(?=\d)/g : '_', '')
  const based = /^([-+]?)(0[bB][01]+|0[oO][0-7]+|0[xX][\da-fA-F]+)$/.exec(plain)
  if (based) return BigInt(based[2]!) < (based[1] ? 2n ** 63n : 2n ** 64n)
  return /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/.test(plain) && Number.isFinite(Number(plain))
}

function isTime(value: string): boolean {
  const date =
    /^(\d{4})-(\d{1,2})-(\d{1,2})(?:([Tt ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?(Z|[-+]\d\d:\d\d)?)?$/.exec(value)
  if (!date) return false
  const [year, month, day, hour, minute, second] = [1, 2, 3, 5, 6, 7].map((group) => Number(date[group] ?? 0))
  if (date[4] !== undefined && (date[4] === ' ') === (date[8] !== undefined)) return false
  const lastDay = new Date(Date.UTC(2000 + ((year ?? 0) % 400), month ?? 0, 0)).getUTCDate()
  const isDay = month! >= 1 && month! <= 12 && day! >= 1 && day! <= lastDay
  return isDay && hour! < 24 && minute! < 60 && second! < 60
}

function needsEscapes(value: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return /[\u0000-\u001f\u007f-\u009f\ufeff\ufffe\uffff]|[\u{10000}-\u{10ffff}]/u.test(value)
}

function isPlain(value: string): boolean {
  if (/^[#,[\]{}&*!|>'"%@`]/.test(value) || /^(---|\.\.\.)/.test(value) || /^[-?:]( |$)/.test(value)) return false
  return !/: | #|:$|^ | $/.test(value)
}

function single(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '\x85': '\\N',
}

function double(value: string): string {
  const escaped = Array.from(value, (character) => {
    if (escapes[character] !== undefined) return escapes[character]
    if (!needsEscapes(character)) return character
    const code = character.codePointAt(0)!
    if (code <= 0xff) return `\\x${hex(code, 2)}`
    return code <= 0xffff ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`
  })
  return `"${escaped.join('')}"`
}

function hex(code: number, digits: number): string {
  return code.toString(16).toUpperCase().padStart(digits, '0')
}

function literal(value: string, column: number): string {
  const bad =
    /^\s*$/.test(value) || value.endsWith(' ') || value.includes(' \n') || needsEscapes(value.replaceAll(/[\n\t]/g, ''))
  if (bad) return double(value)
  const chomp = value.endsWith('\n\n') ? '+' : value.endsWith('\n') ? '' : '-'
  const hint = value.startsWith(' ') ? '4' : ''
  const indent = ' '.repeat(column)
  const lines = value
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => (line === '' ? '' : indent + line))
  return `|${hint}${chomp}\n${lines.join('\n')}`
}

export interface RegisteredSchematic {
  /** As we compute it; the Factory's own answer is what counts when an image is asked for. */
  readonly id: string
  readonly schematic: Schematic
}
