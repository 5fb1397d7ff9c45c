import { createHash } from 'node:crypto'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { ImageKind } from '../../core/release/image.ts'
import { writeWhole } from './files.ts'
import { filePath, manifestPath } from './layout.ts'
import type { Found } from './staged.ts'

/** Of a kernel for iPXE no part is signed. */
const isSignable = (kind: ImageKind) => kind !== 'kernel'

/** What a file must be signed by. */
export interface SignatureDemand {
  readonly kind: ImageKind
  readonly secureBoot: boolean
  /** Certificates, PEM; without any, signatures are not verified. */
  readonly pinned: readonly string[]
}

/**
 * Why a file is not signed as it must be; undefined where it is.
 *
 * @throws AgentError where it can't be read
 */
export async function whyNotSigned(path: string, demand: SignatureDemand): Promise<string | undefined> {
  const { kind, secureBoot, pinned } = demand
  if (pinned.length === 0 || !isSignable(kind)) return undefined
  const { refuseSignature } = await import('./refuse-signature.ts')
  return refuseSignature(path, { kind, pinned, mustBeSigned: secureBoot })
}

/**
 * The same of an image in its place: it may have been staged before certificates were pinned, or others were. What was
 * found good is noted beside it, so that it is not read each time.
 */
export async function whyPlaceNotSigned(
  { place, manifest }: Found,
  pinned: readonly string[],
): Promise<string | undefined> {
  const of = digestOf(pinned, manifest.kind)
  if (pinned.length === 0 || !isSignable(manifest.kind) || manifest.signers === of) return undefined
  const first = filePath(place, manifest.files[0]!.name)
  const refusal = await whyNotSigned(first, { ...manifest, pinned }).catch(damaged)
  if (refusal !== undefined) return refusal
  const noted = JSON.stringify({ ...manifest, signers: of }, null, 2)
  // A share that takes nothing just now is reported by whoever writes to it.
  await writeWhole(manifestPath(place), noted).catch(() => undefined)
  return undefined
}

function damaged(error: unknown): string {
  if (error instanceof AgentError && error.code === 'malformed') return messageOf(error)
  throw error
}

/** What stands for certificates in a manifest: these and no others. That of an ISO was noted before ISOs were read. */
export function digestOf(pinned: readonly string[], kind: ImageKind): string {
  const certificates = pinned.toSorted().join('\n')
  return createHash('sha256')
    .update(kind === 'iso' ? `what is in an ISO\n${certificates}` : certificates)
    .digest('hex')
}
