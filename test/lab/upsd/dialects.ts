import type { Dialect } from './misbehaviour.ts'

/** A value without its quotes, as `VAR ups ups.status OL CHRG`. */
const unquoted = (line: string) => line.replace(/^((?:VAR|RW) \S+ \S+) "(.*)"$/, '$1 $2')
/** Another value for one variable. */
const valued = (variable: string, value: string) => (line: string) =>
  line.replace(new RegExp(`^(VAR \\S+ ${variable.replaceAll('.', '\\.')}) .*$`, 'i'), `$1 ${value}`)

/**
 * Servers that resemble upsd, one peculiarity each: those that home automation, routers, microcontrollers and inverters bring
 * along. Each is a server whose `OB DISCHRG LB` must be read as that.
 */
export const dialects = {
  'takes quotes for a part of the name': { keepsQuotes: true },
  'answers the first command of a packet': { answersOf: 'the first' },
  'answers the last command of a packet': { answersOf: 'the last' },
  'answers nothing where a packet has several commands': { answersOf: 'a single one' },
  'sends values without quotes': { rewrite: unquoted },
  'wants a user (USERNAME-REQUIRED)': { refusesStrangersWith: 'USERNAME-REQUIRED', unknown: /^LOGIN/ },
  'wants a user (PASSWORD-REQUIRED)': { refusesStrangersWith: 'PASSWORD-REQUIRED', unknown: /^LOGIN/ },
  'wants a user (ACCESS-DENIED)': { refusesStrangersWith: 'ACCESS-DENIED', unknown: /^LOGIN/ },
  'knows no GET VAR': { unknown: /^GET VAR/ },
  'knows no GET VAR (INVALID-ARGUMENT)': { unknown: /^GET/, unknownAs: 'INVALID-ARGUMENT' },
  'knows no LIST': { unknown: /^LIST/ },
  'knows GET VAR and nothing else': { unknown: /^(?!GET VAR)/ },
  'ends lines with CR LF': { rewrite: (line) => `${line}\r` },
  'speaks in lower case': { rewrite: (line) => line.replace(/^[^"]+/, (words) => words.toLowerCase()) },
  'echoes the name in upper case': { rewrite: (line) => line.replace(/ ups\b/, ' UPS') },
  'echoes the name with its host': { rewrite: (line) => line.replace(/ ups\b(?!\.)/, ' ups@localhost') },
  'echoes the name in quotes': { rewrite: (line) => line.replace(/ ups\b(?!\.)/, ' "ups"') },
  'never ends a list': { rewrite: (line) => (line.startsWith('END') ? undefined : line) },
  'ends a list with END alone': { rewrite: (line) => (line.startsWith('END') ? 'END' : line) },
  'ends a list without the name': { rewrite: (line) => line.replace(/^END LIST (\w+).*/, 'END LIST $1') },
  'sends blank lines': { rewrite: (line) => `\r\n${line}\n\n` },
  'knows neither VER nor NETVER': { unknown: /^(VER|NETVER|PROTVER)/ },
  'pads values with spaces': { rewrite: (line) => line.replace(/"$/, '  "  ') },
  'parts words by tabs': { rewrite: (line) => line.replace(/^(VAR) (\S+) (\S+) /, '$1\t$2\t$3\t') },
  'knows no STARTTLS': { unknown: /^STARTTLS/ },
  'writes numbers with a comma': { rewrite: valued('battery.charge', '"13,5"') },
  'writes numbers with their unit': { rewrite: valued('battery.charge', '"13.5 %"') },
} as const satisfies Readonly<Record<string, Dialect>>

/** A microcontroller's server as found in the wild: nearly everything of the above at once. */
export const homeMade: Dialect = {
  keepsQuotes: true,
  answersOf: 'the first',
  unknown: /^(?!GET VAR|LIST (VAR|UPS)|LOGOUT)/,
  rewrite: (line) => `${unquoted(line)}\r`,
}

/** What a line may look like that can be meant in more than one way: cut in half it would hide LB. */
export const ambiguous = {
  'one token quoted and one not': valued('ups.status', '"OB" LB'),
  'each token in quotes': valued('ups.status', '"OB" "LB"'),
  'a quote that never ends': valued('ups.status', '"OB LB'),
  'a quote that only ends': valued('ups.status', 'OB LB"'),
  'other quotes': valued('ups.status', "'OB LB'"),
  'a comment': valued('ups.status', 'OB #LB'),
  'no value at all': valued('ups.status', ''),
} as const satisfies Readonly<Record<string, (line: string) => string>>
