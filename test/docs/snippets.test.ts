import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { parseMachines } from '../../src/config/machines.ts'
import { readPatchFile } from '../../src/config/patch-file.ts'
import { messageOf } from '../../src/core/errors.ts'
import { parsePatchFile } from '../../src/operations/provision/renderer.ts'
import { toSchematic } from '../../src/main/settings.ts'
import { parseWhole } from '../config/whole.ts'
import { readPages, root } from './pages.ts'

type Tree = Readonly<Record<string, unknown>>

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)
const shipped = parse(readFileSync(join(root, 'config/example/caretaker.yaml'), 'utf8')) as Tree

/** The snippet's settings in the configuration that is shipped; a list takes the place of the other. */
function merged(below: Tree, above: Tree): Tree {
  const both = Object.entries(above).map(([key, value]) => {
    const other = below[key]
    return [key, isTree(value) && isTree(other) ? merged(other, value) : value] as const
  })
  return { ...below, ...Object.fromEntries(both) }
}

/** What a compose file may have at its top, and a service of it, of all that there is: what our pages use. */
const inCompose = ['name', 'services', 'volumes', 'secrets', 'networks']
const inService = new Set(
  `build cap_add cap_drop command depends_on entrypoint environment env_file healthcheck image init logging network_mode ports
  profiles read_only restart secrets security_opt stop_grace_period tmpfs user volumes`.split(/\s+/),
)

/** What is wrong with a snippet of YAML; undefined where there is nothing. */
function faultIn(text: string, place: string): string | undefined {
  const documents = parseAllDocuments(text)
  for (const document of documents) {
    if (document.errors.length > 0) return document.errors[0]!.message
    const value: unknown = document.toJS()
    if (!isTree(value)) return 'it is no map'
    if (isTree(value['services'])) {
      const wrong = [
        ...Object.keys(value).filter((key) => !inCompose.includes(key)),
        ...Object.values(value['services']).flatMap((service) =>
          isTree(service) ? Object.keys(service).filter((key) => !inService.has(key)) : ['a service that is no map'],
        ),
      ]
      if (wrong.length > 0) return `compose has no ${wrong.join(', ')}`
    } else if (value['customization'] !== undefined || value['overlay'] !== undefined) {
      try {
        toSchematic(text, place)
      } catch (error) {
        return messageOf(error)
      }
    } else if (value['machines'] !== undefined) {
      try {
        parseMachines(text, place)
      } catch (error) {
        return messageOf(error)
      }
    } else if (value['kind'] === 'ExtensionServiceConfig') {
      const [fault] = parsePatchFile(readPatchFile(text, place, ['nut-password']), []).faults
      if (fault) return fault.message
    } else if (value['apiVersion'] !== undefined) {
      if (typeof value['kind'] !== 'string') return 'it has no kind'
    } else {
      try {
        parseWhole(stringify(merged(shipped, value)), place)
      } catch (error) {
        return messageOf(error)
      }
    }
  }
  return undefined
}

test('every snippet of YAML is valid: settings in the configuration, schematics, compose files', () => {
  const snippets = readPages().flatMap(({ path, fences }) =>
    fences.filter(({ language }) => language === 'yaml').map((fence) => ({ ...fence, place: `${path}:${fence.line}` })),
  )
  const faults = snippets.flatMap(({ text, place }) => {
    const fault = faultIn(text, place)
    return fault === undefined ? [] : [`${place}: ${fault}`]
  })
  expect(faults).toEqual([])
  expect(snippets.length).toBeGreaterThan(15)
})

test.each([
  { text: 'power: { drainTimeout: soon }', says: /drainTimeout/ },
  { text: 'powr: { drainTimeout: 1m }', says: /powr/ },
  { text: 'nodes: [{ name: w-1, role: worker, address: 192.168.0.4, feed: { any: [shelf] } }]', says: /shelf/ },
  { text: 'customization: { systemExtensions: { oficialExtensions: [] } }', says: /oficialExtensions/ },
  { text: 'services: { agent: { restrat: always } }', says: /restrat/ },
  { text: 'power: [', says: /./ },
])('$text is a snippet with a fault', ({ text, says }) => {
  expect(faultIn(text, 'snippet')).toMatch(says)
})
