/** What a machine knows of itself when it asks for its configuration (siderolabs/talos metal/url). */
export type Variable = 'uuid' | 'serial' | 'mac' | 'hostname' | 'code'

export type Variables = Readonly<Partial<Record<Variable, string>>>

export const variableNames: readonly Variable[] = ['uuid', 'serial', 'mac', 'hostname', 'code']

/** Variables are `${name}`, in any case, in values of the query; an empty `uuid=` is one of old. */
export function variablesIn(query: string): readonly Variable[] {
  const pairs = pairsOf(query)
  return variableNames.filter((name) => pairs.some((pair) => names(pair, name)))
}

/** With its variables filled in a query is written anew: sorted by its names, and escaped. Without any it stays as it is. */
export function populate(query: string, values: Variables): string {
  if (variablesIn(query).length === 0) return query
  return pairsOf(query)
    .map(([key, value]) => [key, valueIn([key, value], values)] as const)
    .toSorted(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))
    .map(([key, value]) => `${escape(key)}=${escape(value)}`)
    .join('&')
}

type Pair = readonly [key: string, value: string]

function names([key, value]: Pair, name: Variable): boolean {
  return pattern(name).test(value) || (name === 'uuid' && key === 'uuid' && value === '')
}

function valueIn([key, value]: Pair, values: Variables): string {
  if (key === 'uuid' && value === '') return values.uuid ?? ''
  return variableNames.reduce(
    (text, name) => (values[name] === undefined ? text : text.replaceAll(pattern(name), () => values[name]!)),
    value,
  )
}

const pattern = (name: Variable) => new RegExp(`\\$\\{${name}\\}`, 'gi')

function pairsOf(query: string): readonly Pair[] {
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const equals = part.indexOf('=')
      return equals === -1 ? [unescape(part), ''] : [unescape(part.slice(0, equals)), unescape(part.slice(equals + 1))]
    })
}

function unescape(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}

/** As Go escapes a query. */
export function escape(text: string): string {
  return encodeURIComponent(text)
    .replaceAll(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}
