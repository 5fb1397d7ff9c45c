/**
 * Text of others on its way out. A Factory, a upsd, Kubernetes or a node may say anything; what reaches a terminal or a log
 * must not colour it, clear it, set its title, move the cursor, turn the direction of writing around or begin a new line.
 */

/** A terminal's sequences as a whole, or `[31m` would stay of them: CSI, and OSC, DCS, SOS, PM, APC (ECMA-48, 5.4 and 5.6). */
const sequences =
  // oxlint-disable-next-line no-control-regex -- control characters are what is taken out
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u0080-\u009f]*(?:\u0007|\u001b\\|\u009c)/g
// oxlint-disable-next-line no-control-regex -- line breaks of every kind
const spaces = /[\t\n\v\f\r\u0085\p{Z}]/gu
/** Controls (C0, DEL, C1), formats (bidi, zero width, tags), lone surrogates, and letters that show nothing. */
const unseen = /\p{Cc}|\p{Cf}|\p{Cs}|\u{34f}|\u{115f}|\u{1160}|\u{17b4}|\u{17b5}|\u{3164}|\u{ffa0}/gu

/** On one line, without anything that a terminal would act on or hide. */
export function printable(text: string): string {
  return text.replaceAll(sequences, '').replaceAll(spaces, ' ').replaceAll(unseen, '')
}

// oxlint-disable-next-line no-control-regex -- control characters are what is taken out
const misleading = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/**
 * For a page, whose texts are escaped: without controls, and without what turns the direction of writing around beyond the
 * text that it stands in. Character by character: a sequence might reach from one text into another, over our own marks.
 */
export function printableMarkup(markup: string): string {
  return markup.replaceAll(misleading, '')
}

/** The same for a text of several lines, which are ours. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

// oxlint-disable-next-line no-control-regex -- the colours that the CLI draws with
const colour = /(\u001b\[\d{1,3}m)/

/** The same for what was drawn from clean fields: its colours and its lines are ours. */
export function printableDrawing(text: string): string {
  return text
    .split(colour)
    .map((part, index) => (index % 2 === 1 ? part : printableLines(part)))
    .join('')
}

/** Every text in an answer, its names too, each on one line. */
export function printableDeep<T>(value: T): T {
  return clean(value) as T
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return printable(value)
  if (Array.isArray(value)) return value.map(clean)
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [clean(key), clean(one)]))
  if (value instanceof Set) return new Set([...value].map(clean))
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [printable(key), clean(one)]))
}

/** JSON that is the same to whoever parses it, and that a terminal shows without acting on it. */
export function printableJson(json: string): string {
  return json.replaceAll(/[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_, index) => `\\u${hexOf(character.charCodeAt(index))}`).join(''),
  )
}

function hexOf(unit: number): string {
  return unit.toString(16).padStart(4, '0')
}
