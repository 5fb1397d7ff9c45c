import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.ts'
import { messageOf } from '../../src/core/errors.ts'

const smallest = `cluster: { talosconfig: t }
nodes:
  - { name: cp-1, role: controlplane, address: 10.0.0.2 }
schematic: homelab
share: { directory: /srv/tftp }
`

function faultsOf(text: string): string[] {
  try {
    parseConfig(text, 'c.yaml')
    return []
  } catch (error) {
    return messageOf(error).split('\n')
  }
}

/** Every place where a selector may stand, with the path that faults name. */
const places: [string, (selector: string) => string][] = [
  ['power.shed.0.selector', (text) => `power: { shed: [{ selector: ${text} }] }`],
  [
    'upgrade.draining.last.1.selector',
    (text) => `upgrade: { draining: { last: [{ selector: a }, { selector: ${text} }] } }`,
  ],
  [
    'upgrade.checks.0.object.selector',
    (text) =>
      `upgrade: { checks: [{ name: db, object: { apiVersion: v1, kind: Pod, cel: 'true', selector: ${text} } }] }`,
  ],
]

const refused: [string, string][] = [
  ['tier=b d', "is not a label selector: found 'd', expected: ',' or 'end of string'"],
  [
    'app=fré',
    `is not a label selector: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
  ],
  [',', "is not a label selector: found ',', expected: !, identifier, or 'end of string'"],
  ['a,', "is not a label selector: found '', expected: identifier after ','"],
  ['/a=b', 'is not a label selector: prefix part must be non-empty'],
  ['a in (b', "is not a label selector: found '', expected: ',' or ')'"],
  ['a=b=c', "is not a label selector: found '=', expected: ',' or 'end of string'"],
  ['a>x', `is not a label selector: for 'Gt', 'Lt' operators, the value must be an integer`],
  ['', 'an empty selector would match everything'],
  [' ', 'an empty selector would match everything'],
]

describe.each(places)('a selector at %s', (path, withSelector) => {
  test.each(refused)('"%s" is refused, in its place', (selector, why) => {
    expect(faultsOf(`${smallest}${withSelector(`'${selector}'`)}\n`)).toEqual([
      expect.stringMatching(new RegExp(`^c\\.yaml:6:\\d+: ${path.replaceAll('.', '\\.')}: `)),
    ])
    expect(faultsOf(`${smallest}${withSelector(`'${selector}'`)}\n`)[0]).toContain(`${path}: ${why}`)
  })

  test.each(['tier=batch', 'app in (postgres, mariadb)', '!a,b!=c', 'example.com/rank>3', 'app='])(
    '"%s" is taken',
    (selector) => {
      expect(faultsOf(`${smallest}${withSelector(`'${selector}'`)}\n`)).toEqual([])
    },
  )
})

test('each of several bad selectors is named, and the line of each', () => {
  const faults = faultsOf(
    `${smallest}power:\n  shed:\n    - selector: 'a,'\n    - selector: a=b\n    - selector: ','\n`,
  )
  expect(faults.map((fault) => fault.split(/(?<= \S+): /)[0])).toEqual([
    'c.yaml:8:17: power.shed.0.selector',
    'c.yaml:10:17: power.shed.2.selector',
  ])
})

test.each(['no/such', 'Media', 'media_1', '-a', 'a'.repeat(64)])('a namespace "%s" is none', (namespace) => {
  expect(faultsOf(`${smallest}power: { shed: [{ selector: a=b, namespace: ${namespace} }] }\n`)).toEqual([
    expect.stringContaining('power.shed.0.namespace: use a namespace'),
  ])
})
