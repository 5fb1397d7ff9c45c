// Writes what is made from something else: Talos' messages from our own .proto files (needs `protobuf-compiler` and
// `libprotobuf-dev`), and the configuration's JSON Schema from its zod schema. Run by `npm run generate`.
import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configSchema } from '../src/config.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const talos = 'src/adapters/talos'
const files = readdirSync(`${root}/${talos}/proto`).map((file) => `${talos}/proto/${file}`)
const { status, error } = spawnSync(
  'protoc',
  [
    '-I',
    `${talos}/proto`,
    '-I',
    '/usr/include',
    `--es_out=${talos}/gen`,
    '--es_opt=target=ts,erasable_syntax=true,import_extension=ts',
    ...files,
  ],
  { cwd: root, stdio: 'inherit' },
)
if (error) console.error('protoc is not installed: apt-get install protobuf-compiler libprotobuf-dev')
writeFileSync(`${root}/config/caretaker.schema.json`, schemaText())
process.exitCode = status ?? 1

export function schemaText(): string {
  return `${JSON.stringify(configSchema(), null, 2)}\n`
}
