import { z } from 'zod'
import type { Operator } from '../src/core/operator.ts'
import { routesOf } from '../src/http/routes.ts'
import { openApiText } from './openapi-document.ts'

/** What a command prints with `--json`: how it is read, and how its JSON Schema tells it. */
export interface Printed {
  readonly schema: z.ZodType
  readonly described: (document: OpenApi) => unknown
}

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Responses }>>>>
}
type Responses = Readonly<Record<string, { readonly content: Readonly<Record<string, { readonly schema: unknown }>> }>>

const routes = routesOf({} as Operator).map(({ spec }) => spec)

/** What the API answers to this request. */
function answer(request: string): Printed {
  const [method = '', path = ''] = request.split(' ')
  const spec = routes.find((one) => one.method === method && one.path === path)
  if (!spec) throw new Error(`the API has no ${request}`)
  return {
    schema: spec.answer,
    described: ({ paths }) => outward(paths[path]![method]!.responses['200']!.content['application/json']!.schema),
  }
}

/** All of a list that the API answers page by page. */
function itemsOf(request: string): Printed {
  const page = answer(request)
  return {
    schema: (page.schema as z.ZodObject<{ items: z.ZodType }>).shape.items,
    described: (document) => {
      const { $ref } = page.described(document) as { readonly $ref: string }
      return { $ref: `${$ref}/properties/items` }
    },
  }
}

/** What only the command line tells. */
function own(schema: z.ZodType): Printed {
  return { schema, described: () => z.toJSONSchema(schema, { io: 'output', target: 'draft-2020-12' }) }
}

function object(parts: Readonly<Record<string, Printed>>): Printed {
  const schemas = Object.fromEntries(Object.entries(parts).map(([name, { schema }]) => [name, schema]))
  return {
    schema: z.object(schemas),
    described: (document) => ({
      type: 'object',
      properties: Object.fromEntries(Object.entries(parts).map(([name, one]) => [name, one.described(document)])),
      required: Object.keys(parts),
    }),
  }
}

function either(...all: readonly [Printed, Printed]): Printed {
  return {
    schema: z.union([all[0].schema, all[1].schema]),
    described: (document) => ({ anyOf: all.map((one) => one.described(document)) }),
  }
}

/** References lead to the document beside ours. */
function outward(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"caretaker.openapi.json#/components/'))
}

const text = z.string()
const changed = answer('post /rollout/pause')
const fault = z.object({
  file: text.nullable(),
  line: z.number().nullable(),
  column: z.number().nullable(),
  setting: text.nullable(),
  message: text,
})
/** What every command prints when it fails. */
export const failure = own(z.object({ code: text, message: text, faults: z.array(fault) }))
const ups = z.object({
  name: text,
  variables: z.record(text, text).optional(),
  writable: z.array(text).optional(),
  commands: z.array(text).optional(),
  clients: z.array(text).optional(),
  numLogins: z.number().optional(),
  server: text.optional(),
  protocol: text.optional(),
  driver: z.object({ pollInterval: z.number().optional(), pollFrequency: z.number().optional() }).optional(),
  secure: z.boolean().optional(),
  error: text.optional().meta({ description: 'Why there is nothing else' }),
  login: text.optional().meta({ description: 'What upsd said to our login, where it refused it' }),
})
const uki = z.object({
  architecture: text,
  sections: z.array(z.object({ name: text, bytes: z.number() })),
  osRelease: z.record(text, text),
  version: text.optional(),
  commandLine: text,
  profiles: z.array(z.object({ id: text.optional(), title: text.optional(), commandLine: text })),
  kernel: text.optional(),
  signed: z.boolean(),
  pcrKey: z.boolean(),
  pcrSignatures: z.number(),
  bytes: z.number(),
  authenticode: text,
  extensions: z.array(z.looseObject({ name: text, version: text })),
  schematic: z.object({ id: text, author: text, contents: z.looseObject({}) }).optional(),
  schematicUnread: text.optional(),
})
const consequences = z.object({
  name: text,
  differences: z.array(text).optional(),
  isRebuilt: z.boolean(),
  images: z.array(text),
  nodes: z.array(z.object({ name: text, reboots: z.boolean().optional(), losses: z.array(text) })),
})
const schematicCheck = z.object({
  id: text,
  releases: z.array(text).meta({ description: 'The releases that it was checked against' }),
  findings: z.array(z.object({ severity: z.enum(['error', 'warning', 'note']), text })),
  consequences: consequences
    .optional()
    .meta({ description: 'What applying it leads to, where the configuration has a schematic of this name' }),
})
const schematicDelivery = z.object({
  file: text,
  url: text.meta({ description: 'How machines reach Caretaker' }),
  way: z.enum(['plain', 'device-flow', 'maintenance']),
  arguments: z.array(text).meta({ description: 'The kernel arguments by which they ask' }),
  diff: text.meta({ description: 'What changes in the file; empty where nothing does' }),
  before: text.meta({ description: 'The id of the schematic as it is' }),
  after: text,
  errors: z.array(text).meta({ description: 'What keeps it from being written' }),
  warnings: z.array(text),
  consequences,
  isWritten: z.boolean(),
})
const named = z.object({ name: text, id: text })
const schematicDiff = z.object({ a: named, b: named, differences: z.array(text), isSameId: z.boolean() })
const checked = z.object({
  file: text.nullable(),
  code: text.optional(),
  message: text.optional(),
  faults: z.array(fault),
  warnings: z.array(fault),
  credentials: z.array(text),
})
const restored = z.object({
  state: text,
  configuration: text,
  version: text,
  at: text,
  restored: z.array(text),
  kept: text.optional().meta({ description: 'Where what was there before is kept' }),
  finished: text.nullable().meta({ description: 'What became of a restore that was interrupted before' }),
})
const drawnUp = z.object({
  file: text,
  isWritten: z.boolean(),
  files: z.array(
    z.object({
      path: text,
      change: z.enum(['new', 'changed', 'unchanged']),
      difference: z.array(text).meta({ description: 'Changed lines; none of a secret' }),
    }),
  ),
  nodes: z.array(
    z.object({
      name: text,
      role: text,
      address: text,
      macs: z.array(text),
      version: text.nullable(),
      schematic: text.nullable(),
      disks: z.array(text),
      trouble: text.nullable().meta({ description: 'Why it told nothing' }),
    }),
  ),
  upses: z.array(
    z.object({
      label: text,
      host: text,
      port: z.number(),
      status: text.nullable(),
      tells: z.array(text),
      login: z.enum(['taken', 'refused', 'none']),
    }),
  ),
  share: z.object({ directory: text, server: text.nullable() }),
  schematics: z.array(z.object({ name: text, id: text.nullable(), nodes: z.array(text) })),
  remarks: z.array(text),
  check: z
    .object({ faults: z.array(fault), warnings: z.array(fault) })
    .nullable()
    .meta({ description: 'Null where it was not checked' }),
})
const backup = z.object({
  file: text,
  format: z.number(),
  version: text,
  at: text,
  journalFormat: z.number().optional(),
  hasSecrets: z.boolean(),
  configuration: text,
  files: z.array(z.object({ place: text, path: text, bytes: z.number(), sha256: text, mode: z.number().optional() })),
  leftOut: z.array(text),
})

/** What each command prints with `--json`; those that go on, as `--follow` does, print one a line. */
export const printedBy: Readonly<Record<string, Printed>> = {
  status: answer('get /status'),
  jobs: answer('get /jobs'),
  run: answer('post /jobs/{name}/run'),
  'queue failed': answer('get /queue/failed'),
  'queue clear': changed,
  plan: answer('get /plan'),
  releases: own(z.array(text)),
  stage: answer('post /stage'),
  'rollout status': answer('get /rollout'),
  'rollout history': itemsOf('get /rollouts'),
  ...Object.fromEntries(
    ['rollout start', 'rollout pause', 'rollout resume', 'rollout abort', 'approve', 'run-now'].map((name) => [
      name,
      changed,
    ]),
  ),
  ...Object.fromEntries(['pause', 'resume', 'retry', 'rollback'].map((name) => [name, changed])),
  'node list': answer('get /nodes'),
  staged: either(answer('get /staged'), answer('post /staged/verify')),
  'schematic id': own(z.object({ id: text })),
  'schematic check': own(schematicCheck),
  'schematic diff': own(schematicDiff),
  'schematic delivery': own(schematicDelivery),
  'uki inspect': own(uki),
  ups: either(own(ups), own(z.array(ups))),
  'power status': object({ power: answer('get /power'), outages: itemsOf('get /outages') }),
  'power plan': answer('get /power/plan'),
  'power history': itemsOf('get /outages'),
  'power shutdown': either(answer('get /power/plan'), changed),
  'power cancel': changed,
  'power wake': changed,
  'drill power': answer('post /power/drill'),
  'notify test': answer('post /notifications/test'),
  'notify log': itemsOf('get /notifications'),
  'netboot status': either(answer('get /netboot'), answer('get /netboot/machines/{machine}')),
  'netboot once': changed,
  'netboot check': answer('post /netboot/check'),
  'netboot recipe': answer('get /netboot/recipes/{router}'),
  'machine list': answer('get /machines'),
  'machine show': answer('get /machines/{machine}'),
  'machine export': answer('get /inventory'),
  'machine approve': changed,
  'machine reject': changed,
  'machine forget': changed,
  'machine render': answer('post /machines/{machine}/render'),
  'machine secrets': changed,
  'token create': answer('post /tokens'),
  'token list': answer('get /tokens'),
  'token revoke': changed,
  alerts: answer('get /alerts'),
  journal: itemsOf('get /journal'),
  doctor: answer('post /doctor'),
  'config check': own(checked),
  backup: own(backup),
  init: own(drawnUp),
  restore: own(restored),
}

/** The schema of what commands print with `--json`, as a document beside the API's. */
export async function cliText(): Promise<string> {
  const document = JSON.parse(await openApiText()) as OpenApi
  const commands = Object.entries(printedBy).map(([name, one]) => [name, one.described(document)])
  const whole = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'What the commands of caretaker print with --json',
    description:
      'By the name of the command. Fields are added, and none is taken away or changes its meaning. A command that goes on (--watch, --follow) prints one value a line. A command that fails prints `failure`.',
    $defs: { failure: failure.described(document), ...Object.fromEntries(commands) },
  }
  return `${JSON.stringify(whole, null, 2)}\n`
}
