import { lstat, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { compareTexts } from '../../core/text-order.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { EtcdSnapshot } from '../../core/cluster/snapshot.ts'

/** The label beside each snapshot, JSON. */
export type Label = Omit<EtcdSnapshot, 'file'>

export const partPrefix = '.part-'
export const labelSuffix = '.json'
const snapshotName = /^etcd-.+\.snapshot$/
const labelName = /^etcd-.+\.snapshot\.json$/
/** A partial file that was not written to for this long is left from a crash, in ms. */
const staleAfter = 3_600_000

/** `etcd-2026-11-22T030000.000Z-v1.13.9-cp-1.snapshot`: nothing in it comes from outside but letters, digits and `._-`. */
export function nameOf({ at, release, node }: Pick<Label, 'at' | 'release' | 'node'>): string {
  return `etcd-${at.replaceAll(':', '')}-${safe(release)}-${safe(node)}.snapshot`
}

function safe(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._-]+/g, '_').slice(0, 64) || '_'
}

/** Whole snapshots, newest first; none where the directory is not there. @throws AgentError */
export async function readStore(directory: string): Promise<EtcdSnapshot[]> {
  const found: EtcdSnapshot[] = []
  for (const name of (await namesIn(directory)).filter((name) => snapshotName.test(name))) {
    const file = join(directory, name)
    const label = await readLabel(`${file}${labelSuffix}`)
    const info = await lstat(file).catch(() => undefined)
    if (label && info?.isFile() && info.size === label.bytes) found.push({ file, ...label })
  }
  return found.sort((a, b) => compareTexts(b.at, a.at) || compareTexts(b.file, a.file))
}

async function readLabel(path: string): Promise<Label | undefined> {
  try {
    const { at, node, release, bytes, sha256 } = JSON.parse(await readFile(path, 'utf8')) as Label
    const isWhole =
      [node, release].every((text) => typeof text === 'string') &&
      !Number.isNaN(Date.parse(at)) &&
      Number.isSafeInteger(bytes) &&
      /^[0-9a-f]{64}$/.test(sha256)
    return isWhole ? { at: new Date(at).toISOString(), node, release, bytes, sha256 } : undefined
  } catch {
    return undefined
  }
}

/** Removes all but the newest `keep` snapshots, and leftovers of crashes. `just` stays, whatever its date. */
export async function clear(directory: string, keep: number, just: string, now: Date): Promise<void> {
  const others = (await readStore(directory)).filter(({ file }) => file !== just)
  for (const { file } of others.slice(Math.max(0, keep - 1))) await take(file)
  const names = await namesIn(directory)
  const leftovers = names.filter(
    (name) =>
      name.startsWith(partPrefix) || (labelName.test(name) && !names.includes(name.slice(0, -labelSuffix.length))),
  )
  for (const name of leftovers) {
    const path = join(directory, name)
    const info = await stat(path).catch(() => undefined)
    if (info && now.getTime() - info.mtimeMs > staleAfter) await rm(path, { force: true })
  }
}

/** Removes the label last: a snapshot without a label would never be cleaned up. */
export async function take(file: string): Promise<void> {
  await rm(file, { force: true })
  await rm(`${file}${labelSuffix}`, { force: true })
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw translateError(directory, error)
  })
}

/** Errors of the file system in the operator's words. */
export function translateError(directory: string, error: unknown): AgentError {
  if (error instanceof AgentError) return error
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new AgentError('rejected', `the disk is full: free space in ${directory}`, error)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR' || code === 'EEXIST') {
    return new AgentError(
      'misconfigured',
      `${directory} can't be used for snapshots: ${messageOf(error)}. Check that it is a directory, who owns it, and how it is mounted`,
      error,
    )
  }
  return new AgentError('unreachable', `${directory}: ${messageOf(error)}`, error)
}
