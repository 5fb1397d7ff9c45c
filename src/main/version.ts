import { readFile } from 'node:fs/promises'

/** Our own version: of package.json, which lies one folder higher above a built package than above a checkout. */
export async function ownVersion(): Promise<string> {
  for (const place of ['../../package.json', '../../../package.json']) {
    const text = await readFile(new URL(place, import.meta.url), 'utf8').catch(() => undefined)
    if (text !== undefined) return (JSON.parse(text) as { version: string }).version
  }
  return 'unknown'
}
