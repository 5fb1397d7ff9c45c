import { stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { AgentError, messageOf } from '../../core/errors.ts'
import { isSameImage } from '../../core/release/image.ts'
import type { VerifiedPart } from '../../core/release/verification.ts'
import { sha256Of } from './files.ts'
import { filePath, type Layout, publishedPath } from './layout.ts'
import { whyNotSigned } from './signed.ts'
import { findNames, type Found } from './staged.ts'

export interface VerifyOptions {
  /** Certificates, PEM; without any, signatures are not verified. */
  readonly pinned: readonly string[]
  readonly signal: AbortSignal
}

/** Hashes every file of an image once more, and what machines get under its names; verifies what must be signed. */
export async function verifyImage(
  layout: Layout,
  { place, manifest }: Found,
  { pinned, signal }: VerifyOptions,
): Promise<readonly VerifiedPart[]> {
  const parts: VerifiedPart[] = []
  /** What was hashed, by what the file system calls it: a name is mostly a second one of the same file. */
  const hashed = new Map<string, string>()

  async function part(path: string, expected: Pick<VerifiedPart, 'bytes' | 'sha256'>): Promise<void> {
    const fault = await faultOf(path, expected.sha256)
    parts.push({
      path: relative(layout.directory, path),
      bytes: expected.bytes,
      sha256: expected.sha256,
      ...(fault === undefined ? {} : { fault }),
    })
  }

  async function faultOf(path: string, sha256: string): Promise<string | undefined> {
    try {
      const { dev, ino } = await stat(path, { bigint: true })
      const found = hashed.get(`${dev}:${ino}`) ?? (await sha256Of(path, undefined, signal))
      hashed.set(`${dev}:${ino}`, found)
      return found === sha256 ? undefined : `it has the SHA-256 ${found}: somebody has changed it, or its disk is bad`
    } catch (error) {
      if (signal.aborted) throw error
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is gone' : messageOf(error)
    }
  }

  for (const { name, bytes, sha256 } of manifest.files) await part(filePath(place, name), { bytes, sha256 })
  const signature = await signatureFault()
  if (signature !== undefined && parts[0]!.fault === undefined) parts[0] = { ...parts[0]!, fault: signature }
  for (const { file, record } of await findNames(layout))
    if (isSameImage(record, manifest)) await part(publishedPath(layout, file), record.served)
  return parts

  async function signatureFault(): Promise<string | undefined> {
    const first = join(place, manifest.files[0]!.name)
    return whyNotSigned(first, { ...manifest, pinned }).catch((error: unknown) => {
      if (error instanceof AgentError) return error.message
      throw error
    })
  }
}
