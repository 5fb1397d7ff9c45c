import type { Alerts } from '../core/alert.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import type { Ports } from '../core/ports.ts'
import type { StagedImage } from '../core/release/image.ts'
import { knownBytesKind } from '../core/release/known-bytes.ts'
import { judgeServed, type ServedFault } from '../core/release/served.ts'
import type { VerificationAnswer, VerifiedFile } from '../core/release/verification.ts'

/** What the share is looked at with. */
export interface ShareMeans {
  readonly ports: Pick<Ports, 'share' | 'bootServer'>
  /** The name that machines boot. */
  readonly published: string
  readonly signal: AbortSignal
}

/** As much as one packet of firmware's holds, in bytes: enough to see which file it is. */
const firstBlock = 1_468

/**
 * Reads from the boot server what machines boot, its first block or all of it. Undefined where no server is configured,
 * or nothing is published. Never rejects but for the signal.
 */
export async function readBack(
  { ports: { share, bootServer }, published: file, signal }: ShareMeans,
  { whole }: { readonly whole: boolean },
): Promise<{ readonly file: string; readonly server: string; readonly fault: ServedFault | undefined } | undefined> {
  if (!bootServer) return undefined
  const image = (await share.staged()).find((one) => one.published)
  if (!image) return undefined
  const most = whole ? undefined : firstBlock
  const sha256 = whole ? image.sha256 : await share.digest(file, most, signal)
  const outcome = await bootServer.read(file, most, signal).catch((error: unknown) => {
    signal.throwIfAborted()
    return error instanceof Error ? error : new Error(messageOf(error))
  })
  const { version, bytes } = image
  return {
    file,
    server: bootServer.name,
    fault: judgeServed(bootServer.name, { file, version, bytes, sha256 }, outcome),
  }
}

/** Opens an alert where machines don't get what is published. */
export async function reportServed(alerts: Alerts, means: ShareMeans): Promise<void> {
  const looked = await readBack(means, { whole: false })
  alerts.report('share.served', looked?.fault && { severity: 'warning', subject: 'share', ...looked.fault })
}

/** Hashes every image once more, and what the boot server serves. */
export async function verifyShare(means: ShareMeans, journal: Journal | undefined): Promise<VerificationAnswer> {
  const { share } = means.ports
  const staged = await share.staged()
  const files: VerifiedFile[] = []
  for (const image of staged) {
    files.push(await verifyFile(means, image, image.path, journal))
    if (image.published) files.push(await verifyFile(means, image, means.published, journal))
  }
  const looked = await readBack(means, { whole: true })
  const served = looked
    ? [
        {
          file: looked.file,
          server: looked.server,
          ...(looked.fault && { fault: looked.fault.text, action: looked.fault.action }),
        },
      ]
    : []
  const isWhole = [...files, ...served].every(({ fault }) => fault === undefined)
  return { isWhole, files, served }
}

async function verifyFile(
  { ports: { share }, signal }: ShareMeans,
  { version, bytes, sha256 }: StagedImage,
  path: string,
  journal: Journal | undefined,
): Promise<VerifiedFile> {
  const proofs = proofsOf(sha256, journal)
  const fault = await share.digest(path, undefined, signal).then(
    (found) =>
      found === sha256 ? undefined : `it has the SHA-256 ${found}: somebody has changed it, or its disk is bad`,
    (error: unknown) => {
      if (!(error instanceof AgentError) || signal.aborted) throw error
      return messageOf(error)
    },
  )
  return { path, version, bytes, sha256, ...(fault === undefined ? {} : { fault }), ...(proofs && { proofs }) }
}

function proofsOf(sha256: string, journal: Journal | undefined) {
  return journal
    ?.records(knownBytesKind)
    .newest(1_000)
    .find((known) => known.sha256 === sha256)?.proofs
}
