import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** In bytes. With 8 MiB V8 begins to look at all it has, again and again, which takes longer than the download. */
const collectedEvery = 2_097_152

let collect: (() => void) | undefined

/**
 * Notes bytes that pass through. What is received is in buffers outside of JavaScript's heap, of which V8 lets 64 MB pile up
 * before it looks whether anybody needs them; a look at what is young takes a millisecond, and frees them.
 */
export function createPassing(): (bytes: number) => void {
  let since = 0
  return (bytes) => {
    since += bytes
    if (since < collectedEvery) return
    since = 0
    collect ??= youngCollector()
    collect()
  }
}

function youngCollector(): () => void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void
  setFlagsFromString('--no-expose-gc')
  return () => gc({ type: 'minor' })
}
