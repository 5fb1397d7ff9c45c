/**
 * What a fault of the parser means to whoever wrote the text. The parser speaks of collections, nodes and scalars, and
 * quotes what it read, which may be a secret: nothing of its own words is passed on.
 *
 * @param code the parser's, such as `BAD_INDENT`
 * @param message the parser's own words, which tell the cases of one code apart
 */
export function wordsOf(code: string, message: string): string {
  const found = cases.find((one) => one.code === code && (one.says === undefined || one.says.test(message)))
  return found?.words ?? 'this is not valid YAML: check colons, quotes, brackets and the indentation'
}

/** The first that fits. */
const cases: readonly { readonly code: string; readonly says?: RegExp; readonly words: string }[] = [
  {
    code: 'BAD_INDENT',
    says: /^All sequence/,
    words: 'the entries of a list must begin in the same column: align the dashes',
  },
  {
    code: 'BAD_INDENT',
    says: /end with a/,
    words: 'a bracket is opened before this and not closed, or this line is not indented further than its setting',
  },
  {
    code: 'BAD_INDENT',
    says: /^(Flow|flow|.*must be sufficiently indented)/,
    words: 'this line is not indented enough: indent it further than the setting that it belongs to',
  },
  {
    code: 'BAD_INDENT',
    words: 'the indentation does not fit the lines around it: settings of one level begin in the same column',
  },
  { code: 'TAB_AS_INDENT', words: 'the line is indented with a tab: use spaces' },
  { code: 'DUPLICATE_KEY', words: 'this setting is already set on the same level: keep one of them' },
  { code: 'MISSING_CHAR', says: /^Missing closing/, words: 'a quote is opened and not closed' },
  { code: 'MISSING_CHAR', says: /^Implicit map keys/, words: 'a colon is missing: write `setting: value`' },
  {
    code: 'MISSING_CHAR',
    says: /^Sequence item/,
    words: 'a dash is missing: every entry of the list begins with `- `',
  },
  {
    code: 'MISSING_CHAR',
    says: /^Comments/,
    words: 'a comment needs a space before its #; quote the value if it is none',
  },
  { code: 'MISSING_CHAR', says: /^Missing space after/, words: 'a space is missing after the colon' },
  { code: 'MISSING_CHAR', says: /^Missing ,/, words: 'a comma is missing between two entries in brackets' },
  { code: 'MISSING_CHAR', says: /end with a/, words: 'a bracket is opened and not closed' },
  { code: 'MISSING_CHAR', says: /directives-end/, words: 'a line with --- is missing, or a line begins with % or ---' },
  { code: 'MULTIPLE_DOCS', words: 'a second document begins here (---): keep one, and leave out this line' },
  { code: 'BAD_SCALAR_START', words: "a value can't begin with this character: quote the value" },
  { code: 'BAD_DQ_ESCAPE', words: 'this backslash begins no known escape: use single quotes, or two backslashes' },
  {
    code: 'MULTILINE_IMPLICIT_KEY',
    words: 'a setting must stand on one line with its colon: check the colon, the quotes and the indentation',
  },
  {
    code: 'BLOCK_AS_IMPLICIT_KEY',
    says: /^Nested/,
    words:
      'another setting follows where a value stands: check the indentation of the next line, or quote a value with a colon',
  },
  { code: 'BLOCK_AS_IMPLICIT_KEY', words: "a list can't stand before a colon: put it on lines of its own" },
  { code: 'BLOCK_IN_FLOW', words: 'inside brackets everything must be in brackets or quotes' },
  { code: 'UNEXPECTED_TOKEN', words: 'something is out of place here: check quotes, brackets and the indentation' },
  { code: 'BAD_ALIAS', words: 'a name of an anchor (&name) or an alias (*name) is wrong: quote the value' },
  { code: 'ALIAS_PROPS', words: 'aliases (*name) are not supported here: quote the value' },
  { code: 'BAD_PROP_ORDER', words: 'an anchor (&name) or a tag (!name) is in the wrong place: quote the value' },
  { code: 'MULTIPLE_ANCHORS', words: 'a value has two anchors (&name): quote the value' },
  { code: 'MULTIPLE_TAGS', words: 'a value has two tags (!name): quote the value' },
  { code: 'TAG_RESOLVE_FAILED', words: 'tags (!name) are not supported here: quote the value' },
  { code: 'BAD_COLLECTION_TYPE', words: 'tags (!name) are not supported here: quote the value' },
  { code: 'NON_STRING_KEY', words: 'the name of a setting must be text: quote it' },
  {
    code: 'KEY_OVER_1024_CHARS',
    words: 'the name of this setting is longer than 1024 characters: is a quote missing?',
  },
  { code: 'BAD_DIRECTIVE', words: 'a line that begins with % is no setting: quote it' },
]
