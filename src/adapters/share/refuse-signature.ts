import { type ByteSource, malformed } from '../../core/release/byte-source.ts'
import type { ImageKind } from '../../core/release/image.ts'
import { readIso } from '../../core/release/iso.ts'
import { readPe } from '../../core/release/pe.ts'
import { parseSignatures } from '../../core/release/signature.ts'
import { authenticodeOf } from './authenticode-digest.ts'
import { withFile } from './uki-file.ts'
import { whyNotSignedBy } from './verify-signature.ts'

/** The largest certificate table that is read, in bytes; a signature has some 2,000. */
const largestTable = 1_048_576

export interface ProgramDemand {
  /** PEM */
  readonly pinned: readonly string[]
  /** One without any signature is refused too. */
  readonly mustBeSigned: boolean
}

/**
 * Why an image is not signed by one of these certificates; undefined where it is. Of an ISO every program that firmware
 * or its boot loader starts must be.
 *
 * @throws AgentError `misconfigured`; `malformed`, naming the file
 */
export async function refuseSignature(
  path: string,
  { kind, ...demand }: ProgramDemand & { readonly kind: ImageKind },
): Promise<string | undefined> {
  return withFile(path, async (source) => {
    if (kind !== 'iso') return refuseProgram(source, demand)
    const { loaders, uki } = await readIso(source)
    for (const { name, program } of [...loaders, ...(uki ? [{ name: 'its UKI', program: uki }] : [])]) {
      const refusal = await refuseProgram(program, demand)
      if (refusal !== undefined) return `${name}: ${refusal}`
    }
    return undefined
  })
}

async function refuseProgram(source: ByteSource, { pinned, mustBeSigned }: ProgramDemand): Promise<string | undefined> {
  const pe = await readPe(source)
  if (!pe.certificates) return mustBeSigned ? 'it is not signed' : undefined
  const { offset, size } = pe.certificates
  if (size > largestTable) throw malformed('its certificate table is larger than that of any image')
  const signatures = parseSignatures(await source.read(offset, size))
  return whyNotSignedBy(signatures, await authenticodeOf(source, pe), pinned)
}
