/**
 * Kubernetes' label selectors, read as the API server reads them (k8s.io/apimachinery v0.36 pkg/labels/selector.go
 * Parse): what it would refuse is found before it is asked.
 */

import { labelKeyFault, labelValueFault } from './label-names.ts'

export type Operator = 'in' | 'notin' | '=' | '==' | '!=' | 'gt' | 'lt' | 'exists' | '!'

export interface Requirement {
  readonly key: string
  readonly operator: Operator
  /** Sorted and each once; one for `=`, `==`, `!=`, `gt` and `lt`; none for `exists` and `!`. */
  readonly values: readonly string[]
}

/** What a selector asks for, all of it; or why the API server refuses it, in its words. */
export type ParsedSelector = { readonly requirements: readonly Requirement[] } | { readonly fault: string }

/** Reads a label selector. One that is empty or blank is well-formed, and chooses everything. */
export function parseLabelSelector(text: string): ParsedSelector {
  try {
    return { requirements: parse(scan(text)) }
  } catch (error) {
    if (error instanceof Fault) return { fault: error.message }
    throw error
  }
}

class Fault extends Error {}

type Kind = 'end' | 'identifier' | 'error' | Sign | 'in' | 'notin'
type Sign = ')' | ',' | '!' | '==' | '=' | '>' | '<' | '!=' | '('

interface Token {
  readonly kind: Kind
  readonly text: string
}

const signs: ReadonlySet<string> = new Set<Sign>([')', ',', '!', '==', '=', '>', '<', '!=', '('])
const isBlank = (char: string) => char !== '' && ' \t\r\n'.includes(char)
const isSpecial = (char: string) => char !== '' && '=!(),><'.includes(char)

/** The words and signs of a selector, the last one `end`. */
function scan(text: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  // To Go's lexer a NUL is the end of whatever it reads.
  const read = () => {
    const char = text.charAt(at)
    if (char !== '') at += 1
    return char === '\0' ? '' : char
  }

  function word(): Token {
    const from = at
    while (at < text.length && text[at] !== '\0' && !isSpecial(text[at]!) && !isBlank(text[at]!)) at += 1
    const found = text.slice(from, at)
    if (text[at] === '\0') at += 1
    return { kind: found === 'in' || found === 'notin' ? found : 'identifier', text: found }
  }

  /** The longest sign that starts here; of a run of them that is none the whole run is the fault. */
  function sign(): Token {
    let buffer = ''
    let found = ''
    while (true) {
      const before = at
      const char = read()
      if (char === '') break
      if (!isSpecial(char)) {
        at = before
        break
      }
      buffer += char
      if (signs.has(buffer)) found = buffer
      else if (found !== '') {
        at = before
        break
      }
    }
    return found === ''
      ? { kind: 'error', text: `error expected: keyword found '${buffer}'` }
      : { kind: found as Sign, text: found }
  }

  while (true) {
    let char = read()
    while (isBlank(char)) char = read()
    if (char === '') break
    at -= 1
    tokens.push(isSpecial(char) ? sign() : word())
  }
  return [...tokens, { kind: 'end', text: '' }]
}

const operators: Partial<Record<Kind, Operator>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
}

/** Hands out the tokens one after another. As keys and values `in` and `notin` are plain words. */
interface Reader {
  peek(): Token
  take(): Token
  /** The operator that comes next, taken. @throws Fault where something else comes */
  takeOperator(): Operator
}

function createReader(tokens: readonly Token[]): Reader {
  let at = 0
  const raw = (): Token => tokens[at] ?? { kind: 'end', text: '' }
  const peek = (): Token => {
    const { kind, text } = raw()
    return { kind: kind === 'in' || kind === 'notin' ? 'identifier' : kind, text }
  }
  return {
    peek,
    take() {
      const token = peek()
      at += 1
      return token
    },
    takeOperator() {
      const operator = operators[raw().kind]
      if (operator === undefined) throw expected(raw(), ', expected: in, notin, =, ==, !=, gt, lt')
      at += 1
      return operator
    },
  }
}

function expected({ text }: Token, what: string): Fault {
  return new Fault(`found '${text}'${what}`)
}

const startsRequirement = ({ kind }: Token) => kind === 'identifier' || kind === '!'

/** @throws Fault */
function parse(tokens: readonly Token[]): readonly Requirement[] {
  const reader = createReader(tokens)
  const requirements: Requirement[] = []
  while (true) {
    const token = reader.peek()
    if (token.kind === 'end') return requirements
    if (!startsRequirement(token)) throw expected(token, ", expected: !, identifier, or 'end of string'")
    try {
      requirements.push(readRequirement(reader))
    } catch (error) {
      if (error instanceof Fault) throw new Fault(`unable to parse requirement: ${error.message}`)
      throw error
    }
    const next = reader.take()
    if (next.kind === 'end') return requirements
    if (next.kind !== ',') throw expected(next, ", expected: ',' or 'end of string'")
    if (!startsRequirement(reader.peek())) throw expected(reader.peek(), ", expected: identifier after ','")
  }
}

function readRequirement(reader: Reader): Requirement {
  let token = reader.take()
  const isNegated = token.kind === '!'
  if (isNegated) token = reader.take()
  if (token.kind !== 'identifier') throw expected(token, ', expected: identifier')
  const key = token.text
  const fault = labelKeyFault(key)
  if (fault !== undefined) throw new Fault(invalid('<nil>', key, fault))
  // What follows `!key` must be a comma or the end, which is the caller's to find.
  if (isNegated) return { key, operator: '!', values: [] }
  const next = reader.peek().kind
  if (next === 'end' || next === ',') return { key, operator: 'exists', values: [] }
  const operator = reader.takeOperator()
  return checked({
    key,
    operator,
    values: operator === 'in' || operator === 'notin' ? readList(reader) : [readValue(reader)],
  })
}

function readValue(reader: Reader): string {
  const { kind } = reader.peek()
  if (kind === 'end' || kind === ',') return ''
  const token = reader.take()
  if (token.kind !== 'identifier') throw expected(token, ', expected: identifier')
  return token.text
}

/** `(a, b)`, whose values may be empty: `()`, `(a,)`. */
function readList(reader: Reader): readonly string[] {
  const open = reader.take()
  if (open.kind !== '(') throw expected(open, " expected: '('")
  const first = reader.peek()
  if (first.kind === ')') {
    reader.take()
    return ['']
  }
  if (first.kind !== 'identifier' && first.kind !== ',') throw expected(first, ", expected: ',', ')' or identifier")
  const values = new Set<string>()
  while (reader.peek().kind !== ')') {
    const token = reader.take()
    const next = reader.peek()
    if (token.kind === 'identifier') {
      values.add(token.text)
      if (next.kind !== ')' && next.kind !== ',') throw expected(next, ", expected: ',' or ')'")
    } else if (token.kind === ',') {
      // Nothing before the first comma, between two of them or behind the last is the empty value.
      if (values.size === 0 || next.kind === ')' || next.kind === ',') values.add('')
    } else throw expected(token, ", expected: ',', or identifier")
  }
  reader.take()
  return [...values].toSorted()
}

/** @throws Fault where values do not suit the operator, or are no values of labels */
function checked(requirement: Requirement): Requirement {
  const { key, operator, values } = requirement
  const faults = values.flatMap((value, index) => {
    const isNumber = (operator !== 'gt' && operator !== 'lt') || isInteger(value)
    const fault = labelValueFault(value)
    return [
      ...(isNumber
        ? []
        : [invalid(`values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer")]),
      ...(fault === undefined ? [] : [invalid(`values[${index}][${key}]`, value, fault)]),
    ]
  })
  if (faults.length === 0) return requirement
  throw new Fault(faults.length === 1 ? faults[0] : `[${faults.join(', ')}]`)
}

/** A whole number of 64 bits, as Go's strconv.ParseInt takes it. */
function isInteger(text: string): boolean {
  if (!/^[+-]?\d+$/.test(text)) return false
  const value = BigInt(text.replace(/^\+/, ''))
  return value === BigInt.asIntN(64, value)
}

function invalid(where: string, value: string, why: string): string {
  return `${where}: Invalid value: ${quoted(value)}: ${why}`
}

/** In quotation marks, with what no one sees written out, as a no-break space that was copied from a page. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(
    /(?! )[\p{Z}\p{C}]/gu,
    (char) => `\\u${char.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  )
}
