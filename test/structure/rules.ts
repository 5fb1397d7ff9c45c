import type { SourceFile } from './source.ts'

/** What the folders of `src` and `jobs` may know of each other, and what core does without. */

/** Who may import whom, the narrower place first. What is not listed (main, cli) knows everything. */
const mayImport: readonly (readonly [place: string, from: readonly string[]])[] = [
  ['src/core/power/', ['src/core/', '!src/core/upgrade/']],
  ['src/core/upgrade/', ['src/core/', '!src/core/power/']],
  ['src/core/', ['src/core/']],
  ['src/config/', ['src/core/', 'src/config/', 'src/yaml.ts']],
  ['src/yaml.ts', ['src/core/']],
  ['src/sync-folder.ts', []],
  // The type of the configuration is what jobs and operations are told with; its schema stays with main.
  ['src/operations/', ['src/core/', 'src/operations/', 'src/config/config.ts', 'src/config/scalars.ts']],
  ['src/engine/', ['src/core/', 'src/engine/']],
  ['src/http/', ['src/core/', 'src/http/']],
  ['src/agent.ts', ['src/core/', 'src/operations/', 'src/engine/', 'src/config/config.ts']],
  ['jobs/', ['src/core/', 'src/operations/']],
]

/** Folders whose subfolders know the core (and what is named here) and themselves, and never each other. */
const families: Readonly<Record<string, readonly string[]>> = {
  'src/adapters/': ['src/core/', 'src/yaml.ts', 'src/sync-folder.ts'],
  'src/services/': ['src/core/', 'src/operations/', 'src/http/', 'src/config/scalars.ts', 'src/config/config.ts'],
}

/** Where a package may be imported. `yaml` prints what it reads in its errors, so all go through one door. */
const owners: Readonly<Record<string, readonly string[]>> = {
  '@bufbuild/protobuf': ['src/adapters/talos/'],
  '@connectrpc/connect': ['src/adapters/talos/'],
  '@clack/prompts': ['src/cli/init/'],
  '@connectrpc/connect-node': ['src/adapters/talos/'],
  '@prometheus-io/client': ['src/services/metrics/'],
  '@hono/node-server': ['src/http/'],
  '@hono/zod-openapi': ['src/http/'],
  bullmq: ['src/services/queue/'],
  chokidar: ['src/services/schematics-watch/', 'src/main/'],
  commander: ['src/cli.ts', 'src/cli'],
  '@marcbachmann/cel-js': ['src/adapters/checks'],
  'ical.js': ['src/adapters/calendar'],
  hono: ['src/http/', 'src/services/'],
  ioredis: ['src/services/queue/'],
  mqtt: ['src/services/home-assistant/'],
  nodemailer: ['src/services/notifications/channels/email/'],
  pino: ['src/main/'],
  ws: ['src/adapters/kubernetes/'],
  yaml: ['src/yaml.ts'],
  // A service owns its section of the configuration.
  zod: ['src/config/', 'src/services/'],
}

/** Every breach of the import rule and of the purity of core, as a sentence. */
export function findBreaches(files: readonly SourceFile[]): string[] {
  return [...files.flatMap(breachesOf), ...findCycles(files).map((cycle) => `a circle: ${cycle.join(' → ')}`)]
}

function breachesOf(file: SourceFile): string[] {
  const { path, imports, text } = file
  const isCore = path.startsWith('src/core/')
  const wiring = isWiring(path)
  const found: string[] = []
  for (const { specifier, target, names } of imports) {
    if (target === undefined) {
      const name = packageOf(specifier)
      if (isCore) found.push(`${path} imports ${specifier}: core is pure`)
      else if (specifier.startsWith('node:')) continue
      else if (!(name in owners)) found.push(`${path} imports ${name}, which belongs nowhere`)
      else if (!owners[name]!.some((place) => path.startsWith(place))) found.push(`${path} imports ${name}`)
      continue
    }
    if (!wiring && !isAllowed(path, target)) found.push(`${path} imports ${target}`)
    if (isCore && !mayNamePorts(path) && target.endsWith('/ports.ts'))
      found.push(`${path} imports the ports ${names.join(', ')} of ${target}`)
  }
  if (isCore) found.push(...file.impurities.map(({ what, line }) => `${path}:${line} uses ${what}: core is pure`))
  // Whoever looks after a process of its own may signal it, and no more.
  const readsProcess =
    /\bprocess\.(env|argv|exit|cwd)\b/.test(text) || /import (?!\{ kill \}).* from 'node:process'/.test(text)
  if (readsProcess && !wiring && !isProgram(path)) found.push(`${path} reads the process`)
  return found
}

function isWiring(path: string): boolean {
  return /^src\/(main|cli)(\.ts|\/)/.test(path)
}

/** What a service starts as a process of its own. */
function isProgram(path: string): boolean {
  return /^src\/services\/[^/]+\/child\.ts$/.test(path)
}

function mayNamePorts(path: string): boolean {
  return /\/(ports|operator|service)\.ts$/.test(path)
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function isAllowed(path: string, target: string): boolean {
  const family = Object.keys(families).find((place) => path.startsWith(place))
  if (family !== undefined) {
    const own = `${family}${path.slice(family.length).split('/')[0]}/`
    return [own, ...families[family]!].some((place) => target.startsWith(place))
  }
  const rules = mayImport.find(([place]) => path.startsWith(place))?.[1] ?? []
  const isForbidden = rules.some((rule) => rule.startsWith('!') && target.startsWith(rule.slice(1)))
  return !isForbidden && rules.some((rule) => target.startsWith(rule))
}

/** Groups of files that import each other in a circle, types included (Tarjan's strongly connected components). */
export function findCycles(files: readonly SourceFile[]): string[][] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const cycles: string[][] = []

  function walk(path: string): void {
    order.set(path, order.size)
    low.set(path, order.get(path)!)
    stack.push(path)
    for (const { target } of byPath.get(path)!.imports) {
      if (target === undefined || !byPath.has(target)) continue
      if (!order.has(target)) walk(target)
      else if (!stack.includes(target)) continue
      low.set(path, Math.min(low.get(path)!, low.get(target)!))
    }
    if (low.get(path) !== order.get(path)) return
    const group = stack.splice(stack.indexOf(path))
    const isSelf = byPath.get(path)!.imports.some(({ target }) => target === path)
    if (group.length > 1 || isSelf) cycles.push(group)
  }

  for (const path of byPath.keys()) if (!order.has(path)) walk(path)
  return cycles
}
