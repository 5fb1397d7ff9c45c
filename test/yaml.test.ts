import { describe, expect, test } from 'vitest'
import { parseKubeconfig } from '../src/adapters/kubernetes/kubeconfig.ts'
import { parseTalosconfig } from '../src/adapters/talos/talosconfig.ts'
import { inspectConfig, parseSchematic } from '../src/config/config.ts'
import { readClientSettings } from '../src/config/state.ts'
import { AgentError, messageOf } from '../src/core/errors.ts'
import { faultLine } from '../src/core/fault.ts'
import { parseYaml, parseTrees } from '../src/yaml.ts'
import { createRandom } from './core/random.ts'
import { parseWhole } from './config/whole.ts'

/** Four letters of it are too many. */
const secret = 'S3cr3tK3y'
const pieces = Array.from({ length: secret.length - 3 }, (_, at) => secret.slice(at, at + 4))

/** Every door for YAML, with a text that has a secret in it. */
const doors = [
  {
    name: 'a talosconfig',
    text: `context: lab\ncontexts:\n  lab:\n    endpoints: [10.0.0.2]\n    ca: ${secret}\n    crt: ${secret}\n    key: ${secret}\n`,
    read: (text: string) => parseTalosconfig(text, 'talosconfig'),
  },
  {
    name: 'a kubeconfig',
    text: `current-context: a\ncontexts:\n  - { name: a, context: { cluster: c, user: u } }\nclusters:\n  - { name: c, cluster: { server: 'https://10.0.0.2' } }\nusers:\n  - name: u\n    user:\n      token: ${secret}\n`,
    read: (text: string) => parseKubeconfig(text, 'kubeconfig'),
  },
  {
    name: 'a configuration',
    text: `schematic: homelab\nshare: { directory: /srv }\nupses:\n  - host: nas\n    user: u\n    password: ${secret}\nhosts: [{ name: nas, address: nas, shutdown: { http: { url: 'http://nas', headers: { authorization: ${secret} } } } }]\n`,
    read: (text: string) => parseWhole(text, 'caretaker.yaml'),
  },
  {
    name: 'a configuration that is checked',
    text: `schematic: homelab\nshare: { directory: /srv }\nqueue: { password: ${secret} }\n`,
    read: (text: string) => {
      throw new AgentError('misconfigured', inspectConfig(text, 'caretaker.yaml').faults.map(faultLine).join('\n'))
    },
  },
  {
    name: 'a configuration that a client looks at',
    text: `upses: [{ password: ${secret} }]\nstate: /srv\n`,
    read: (text: string) => {
      throw new AgentError('misconfigured', readClientSettings(text).fault ?? '')
    },
  },
  {
    name: 'a schematic',
    text: `customization:\n  embeddedMachineConfiguration: |\n    token: ${secret}\n  extraKernelArgs: [talos.token=${secret}]\n`,
    read: (text: string) => parseSchematic(text, 'homelab.yaml'),
  },
  {
    name: 'a resource of Talos',
    text: `metadata:\n  name: schematic\n  extraInfo: "token: ${secret}"\n`,
    read: (text: string) => parseYaml(text, 'ExtensionStatuses'),
  },
]

const damage = [
  '"',
  "'",
  '{',
  '[',
  ']',
  '}',
  ':',
  ': ',
  '- ',
  '\t',
  '&',
  '*',
  '!',
  '|',
  '>',
  '%',
  '@',
  '`',
  '#',
  ',',
  '\n',
  '\\',
  '\u0000',
  '? ',
  '<<: ',
  '---\n',
  '...',
]

/** What reading it says, the messages of its causes included, which a log may show. */
function saidOf(read: (text: string) => unknown, text: string): string | undefined {
  try {
    read(text)
    return undefined
  } catch (error) {
    const said: string[] = []
    for (let one: unknown = error; one instanceof Error; one = one.cause) said.push(one.message, JSON.stringify(one))
    if (!(error instanceof AgentError)) return `not an AgentError: ${messageOf(error)}`
    return said.join('\n')
  }
}

describe.each(doors)('$name with a syntax error beside a secret', ({ text, read }) => {
  test('is refused without a word of the secret, wherever the error is', () => {
    const warnings: string[] = []
    const note = (warning: Error | string) => void warnings.push(String(warning))
    const { emitWarning } = process
    process.emitWarning = note
    let refused = 0
    try {
      const random = createRandom(2_026)
      for (let round = 0; round < 600; round++) {
        const near = text.indexOf(secret, random.chance(0.5) ? 0 : text.lastIndexOf(secret))
        const at = random.chance(0.7) ? near - 12 + random.below(secret.length + 24) : random.below(text.length)
        const place = Math.max(0, at)
        const broken = text.slice(0, place) + random.pick(damage) + text.slice(place + random.below(3))
        const said = saidOf(read, broken)
        if (said === undefined) continue
        refused += 1
        expect(said).not.toMatch(/^not an AgentError/)
        // Where the damage is in the middle of it, its parts are looked for.
        expect(
          pieces.filter((piece) => said.includes(piece)).map((piece) => `${piece} in ${said} of ${broken}`),
        ).toEqual([])
      }
    } finally {
      process.emitWarning = emitWarning
    }
    expect(refused).toBeGreaterThan(100)
    expect(warnings).toEqual([])
  })
})

describe('a text that is meant to harm', () => {
  test.each([
    { name: 'is nested too deeply', text: '['.repeat(50_000), says: /^it: it is not valid YAML: / },
    {
      name: 'is too long',
      text: `a: ${'x'.repeat(1_100_000)}`,
      says: /^it: it is not valid YAML: line 1, column 1: it is longer than 1 MiB/,
    },
    {
      name: 'multiplies by its aliases',
      text: `a: &a [x, x, x, x, x, x, x, x, x, x]\n${Array.from({ length: 8 }, (_, index) => `${String.fromCharCode(98 + index)}: &${String.fromCharCode(98 + index)} [${`*${String.fromCharCode(97 + index)},`.repeat(10)}]`).join('\n')}\n`,
      says: /too many aliases/,
    },
    {
      name: 'has a tag that would make something of it',
      text: 'a: !!js/function x\nb: [',
      says: /^it: it is not valid YAML: /,
    },
  ])('and $name is refused', ({ text, says }) => {
    expect(() => parseYaml(text, 'it')).toThrow(says)
  })
})

describe('the aliases of a text whose scalars stay as they are written', () => {
  const read = (text: string) => parseTrees(text, 'x').map(({ tree }) => JSON.parse(JSON.stringify(tree)) as unknown)

  test('stand for what bore the name last, where they are', () => {
    const text = 'a: &a "1"\nb: &b [&a "2"]\nc: *a\nd: *b\ne: &a "3"\nf: *b\ng: *a\n'
    expect(read(text)).toEqual([{ a: '1', b: ['2'], c: '2', d: ['2'], e: '3', f: ['2'], g: '3' }])
  })

  test.each([
    { what: 'stands within itself', text: 'a: &a [*a]', says: 'it is nested too deeply' },
    { what: 'stands deep within itself', text: 'a: &a { b: { c: *a } }', says: 'it is nested too deeply' },
    { what: 'stands before its anchor', text: 'a: *x\nb: &x 1', says: 'it has an alias (*name) without an anchor' },
    { what: 'multiplies', text: `a: &a [${'x,'.repeat(400)}]\nb: [${'*a,'.repeat(400)}]`, says: 'too many aliases' },
  ])('one that $what is refused in words', ({ text, says }) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: 'malformed', message: expect.stringContaining(says) }),
    )
  })

  test('are found in one go, however many there are', () => {
    const began = process.cpuUsage()
    expect(read(`a: &a "1"\nb: [${'*a,'.repeat(30_000)}]`)).toHaveLength(1)
    expect(process.cpuUsage(began).user / 1_000).toBeLessThan(5_000)
  })
})
