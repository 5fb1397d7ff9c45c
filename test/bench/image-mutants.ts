import { getHeapStatistics } from 'node:v8'
import { env } from 'node:process'
import { AgentError } from '../../src/core/errors.ts'
import { readCarried, refuseCarried } from '../../src/core/release/carried.ts'
import { openUki } from '../../src/core/release/uki.ts'
import { parseYaml } from '../../src/yaml.ts'
import { means } from '../core/release/archives.ts'
import { sourceOf } from '../core/release/images.ts'
import { mutant, schematic } from '../core/release/mutants.ts'
import { createRandom } from '../core/random.ts'

// Mutated images through the reader, as the daemon reads them: how much CPU one takes at most, and how much memory they cost.
// `node --expose-gc test/bench/image-mutants.ts`, SEEDS=1000000 for the whole of it. What is slow is read three times more, and
// the fastest counts: the machine may have been busy.

const seeds = Number(env['SEEDS'] ?? 20_000)
const first = Number(env['FIRST'] ?? 0)
/** In ms, and bytes. */
const [slow, growth] = [100, 32 * 2 ** 20]

async function read(image: Buffer): Promise<number> {
  const began = process.cpuUsage()
  const source = sourceOf(image)
  try {
    const { initrd } = await openUki(source)
    const asked = { version: 'v1.13.9', id: schematic.id, schematic: undefined }
    refuseCarried(await readCarried(source, initrd, means), asked, parseYaml)
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'malformed') throw error
  }
  const { user, system } = process.cpuUsage(began)
  return (user + system) / 1_000
}

const collect = () => globalThis.gc?.()
/** What is held: JavaScript's heap, and buffers outside of it. */
const held = () => getHeapStatistics().used_heap_size + process.memoryUsage().external

for (let seed = 0; seed < 500; seed++) await read(mutant(createRandom(seed)))
collect()
const [start, startRss] = [held(), process.memoryUsage().rss]
let [slowest, slowestSeed, most, mostRss, doubted] = [0, 0, 0, 0, 0]
for (let seed = first; seed < first + seeds; seed++) {
  const image = mutant(createRandom(seed))
  let took = await read(image).catch((error: unknown) => {
    throw new Error(`seed ${seed}`, { cause: error })
  })
  if (took > slow / 4) {
    doubted++
    for (let again = 0; again < 3; again++) took = Math.min(took, await read(image))
  }
  if (took > slowest) [slowest, slowestSeed] = [took, seed]
  if (seed % 1_000 === 999) {
    mostRss = Math.max(mostRss, process.memoryUsage().rss - startRss)
    collect()
    most = Math.max(most, held() - start)
  }
}
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`
console.log(
  `${seeds} mutants: slowest ${slowest.toFixed(0)} ms (seed ${slowestSeed}; ${doubted} were read again), held ${mib(most)} more, resident ${mib(mostRss)} more`,
)
process.exitCode = slowest > slow || most > growth ? 1 : 0
