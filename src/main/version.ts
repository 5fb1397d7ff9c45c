import { readFile } from 'node:fs/promises'

/** Our own version, and the day of its release, in ms since the epoch. No clock that is right says less. */
export async function ownRelease(): Promise<{ readonly version: string; readonly releasedAt: number }> {
  const { version, released } = await ownPackage()
  return { version: version ?? 'unknown', releasedAt: Date.parse(released ?? '') || 0 }
}

export async function ownVersion(): Promise<string> {
  return (await ownRelease()).version
}

/** Our own package.json, which lies one folder higher above a built package than above a checkout. */
async function ownPackage(): Promise<{ readonly version?: string; readonly released?: string }> {
  for (const place of ['../../package.json', '../../../package.json']) {
    const text = await readFile(new URL(place, import.meta.url), 'utf8').catch(() => undefined)
    if (text !== undefined) return JSON.parse(text) as { version: string; released: string }
  }
  return {}
}
