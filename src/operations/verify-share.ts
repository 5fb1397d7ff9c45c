import type { Alerts } from '../core/alert.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import type { Ports } from '../core/ports.ts'
import { isSameImage, type StagedImage } from '../core/release/image.ts'
import { knownBytesKind } from '../core/release/known-bytes.ts'
import { judgeServed, type ServedFault } from '../core/release/served.ts'
import type { VerificationAnswer, VerifiedFile } from '../core/release/verification.ts'

/** What the share is looked at with. */
export interface ShareMeans {
  readonly ports: Pick<Ports, 'share' | 'bootServer'>
  readonly signal: AbortSignal
}

/** As much as one packet of firmware's holds, in bytes: enough to see which file it is. */
const firstBlock = 1_468

/** What the boot server serves under one name. */
interface ReadBack {
  readonly file: string
  readonly server: string
  readonly fault: ServedFault | undefined
}

/**
 * Reads from the boot server what machines boot, under each name, its first block or all of it. Empty where no server is
 * configured, or nothing is published. Never rejects but for the signal.
 */
export async function readBack(
  { ports: { share, bootServer }, signal }: ShareMeans,
  { whole }: { readonly whole: boolean },
): Promise<readonly ReadBack[]> {
  if (!bootServer) return []
  const most = whole ? undefined : firstBlock
  const read: ReadBack[] = []
  const staged = await share.staged()
  for (const name of await share.names()) {
    const { file, version, bytes, kind } = name
    const image = whole && kind !== 'kernel' ? staged.find((one) => isSameImage(one, name)) : undefined
    const sha256 = image?.sha256 ?? (await share.digest(file, most, signal).catch(() => undefined))
    signal.throwIfAborted()
    // What is not there is told by whoever looks at the share.
    if (sha256 === undefined) continue
    const outcome = await bootServer.read(file, most, signal).catch((error: unknown) => {
      signal.throwIfAborted()
      return error instanceof Error ? error : new Error(messageOf(error))
    })
    const fault = judgeServed(bootServer.name, { file, version, bytes, sha256 }, outcome)
    read.push({ file, server: bootServer.name, fault })
  }
  return read
}

/** Opens an alert where machines don't get what is published. */
export async function reportServed(alerts: Alerts, means: ShareMeans): Promise<void> {
  const faults = (await readBack(means, { whole: false })).flatMap(({ fault }) => fault ?? [])
  const [first] = faults
  alerts.report(
    'share.served',
    first && {
      severity: 'warning',
      subject: 'share',
      text: faults.map(({ text }) => text).join('; '),
      action: first.action,
    },
  )
}

/** Hashes every image once more, and what the boot server serves. */
export async function verifyShare(means: ShareMeans, journal: Journal | undefined): Promise<VerificationAnswer> {
  const { share } = means.ports
  const staged = await share.staged()
  const files: VerifiedFile[] = []
  for (const image of staged) files.push(...(await verifyStaged(means, image, journal)))
  const served = (await readBack(means, { whole: true })).map(({ file, server, fault }) => ({
    file,
    server,
    ...(fault && { fault: fault.text, action: fault.action }),
  }))
  const isWhole = [...files, ...served].every(({ fault }) => fault === undefined)
  return { isWhole, files, served }
}

async function verifyStaged(
  { ports: { share }, signal }: ShareMeans,
  image: StagedImage,
  journal: Journal | undefined,
): Promise<readonly VerifiedFile[]> {
  const { version } = image
  const parts = await share.verify(image, signal).catch((error: unknown) => {
    if (!(error instanceof AgentError) || signal.aborted) throw error
    const { path, bytes, sha256 } = image
    return [{ path, bytes, sha256, fault: messageOf(error) }]
  })
  return parts.map((part) => {
    const proofs = proofsOf(part.sha256, journal)
    return { ...part, version, ...(proofs && { proofs }) }
  })
}

function proofsOf(sha256: string, journal: Journal | undefined) {
  return journal
    ?.records(knownBytesKind)
    .newest(1_000)
    .find((known) => known.sha256 === sha256)?.proofs
}
