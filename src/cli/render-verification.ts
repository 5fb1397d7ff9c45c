import type { VerificationAnswer, VerifiedFile } from '../core/release/verification.ts'
import { green, red } from './colours.ts'
import { paragraphs } from './table.ts'

/** What was found on the share, a file a line, and what is wrong below it. */
export function renderVerification({ files, served, isWhole }: VerificationAnswer): string {
  if (files.length === 0) return 'nothing staged'
  const lines = [
    ...files.map((file) => sentence(file.fault, `${file.path} (${file.version}, ${megabytes(file)})`, proofsOf(file))),
    ...served.map(({ file, server, fault, action }) =>
      fault === undefined
        ? `${green('ok')} ${server} serves ${file} byte for byte`
        : `${red('wrong')} ${fault}. ${action ?? ''}`.trim(),
    ),
    ...(served.length === 0 ? ['share.server is not set: what machines get was not read'] : []),
    ...(isWhole ? [] : ['Stage again what is wrong: `caretaker stage`']),
  ]
  return paragraphs(lines)
}

function sentence(fault: string | undefined, what: string, more: string): string {
  return fault === undefined ? `${green('ok')} ${what}${more}` : `${red('wrong')} ${what}: ${fault}`
}

const megabytes = ({ bytes }: VerifiedFile) => `${(bytes / 1e6).toFixed(1)} MB`

function proofsOf({ proofs }: VerifiedFile): string {
  if (!proofs) return ''
  const checksum = proofs.sha256 === undefined ? [] : ['the checksum of the Factory is the same']
  const signature = proofs.hasSignature ? ['the Factory has a Sigstore bundle, which is not verified here'] : []
  return [...checksum, ...signature].map((words) => `; ${words}`).join('')
}
