// Writes what is made from something else: Talos' messages from our own .proto files, the product's and the lab's (needs
// `protobuf-compiler` and `libprotobuf-dev`), the configuration's JSON Schema from its zod schema, and
// the page of all settings from the same, the page of all commands from the command line, and the API's OpenAPI document from its
// routes. Run by `npm run generate`.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configSchema } from '../src/config/config.ts'
import { cliText } from './cli-document.ts'
import { openApiText } from './openapi-document.ts'
import { commandsPage } from './commands-page.ts'
import { withTables } from './metrics-page.ts'
import { settingsPage } from './settings-page.ts'
import { loadRegistry, sectionsOf } from '../src/main/registry.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const talos = 'src/adapters/talos'
const lab = 'test/lab'

/** Runs protoc on the .proto files beside `gen`; `rewrite` says where a generated file of another place is. */
function generate(place: string, rewrite: readonly string[] = []): number {
  const files = readdirSync(`${root}/${place}/proto`).map((file) => `${place}/proto/${file}`)
  const options = ['target=ts', 'erasable_syntax=true', 'import_extension=ts', ...rewrite]
  const paths = [`${place}/proto`, `${talos}/proto`, '/usr/include'].flatMap((path) => ['-I', path])
  const { status, error } = spawnSync(
    'protoc',
    [...paths, `--es_out=${place}/gen`, `--es_opt=${options.join()}`, ...files],
    { cwd: root, stdio: 'inherit' },
  )
  if (error) console.error('protoc is not installed: apt-get install protobuf-compiler libprotobuf-dev')
  return status ?? 1
}

const failures = [generate(talos), generate(lab, [`rewrite_imports=./common_pb.js:../../../${talos}/gen`])]
const sections = sectionsOf(await loadRegistry())
writeFileSync(`${root}/config/caretaker.schema.json`, `${JSON.stringify(configSchema(sections), null, 2)}\n`)
writeFileSync(`${root}/config/caretaker.openapi.json`, await openApiText())
writeFileSync(`${root}/config/caretaker.cli.json`, await cliText())
writeFileSync(`${root}/docs/settings.md`, await settingsPage())
writeFileSync(`${root}/docs/commands.md`, await commandsPage())
const metrics = `${root}/docs/metrics.md`
writeFileSync(metrics, withTables(readFileSync(metrics, 'utf8')))
process.exitCode = Math.max(...failures)
