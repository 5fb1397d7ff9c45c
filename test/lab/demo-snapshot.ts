import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/** What is on the disk of a snapshot, and what the file beside it says; undefined where there is none. */
export async function savedSnapshot(file: string | undefined) {
  if (file === undefined) return undefined
  const bytes = await readFile(file)
  const label = JSON.parse(await readFile(`${file}.json`, 'utf8')) as { readonly at: string; readonly sha256: string }
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { bytes: bytes.length, sha256, label, at: Date.parse(label.at) }
}
