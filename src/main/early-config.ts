import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** What a kernel's command line may hold, in bytes: nothing that is longer was meant for it. */
const longest = 65_536

const beginning = 'apiVersion: v1alpha1\nkind: TrustedRootsConfig\nname: caretaker\n'

/** The document that makes Talos trust our authority (siderolabs/talos, TrustedRootsConfig). */
export function trustDocument(certificate: string): string {
  const lines = certificate.trimEnd().split('\n')
  return `${beginning}certificates: |\n${lines.map((line) => `  ${line}\n`).join('')}`
}

/** A document as `talos.config.early` has it: base64 of its zstd. */
export function earlyValue(document: string): string {
  return zstdCompressSync(document).toString('base64')
}

/** What such a value says; undefined where it can't be read. */
export function readEarlyValue(value: string): string | undefined {
  try {
    return zstdDecompressSync(Buffer.from(value, 'base64'), { maxOutputLength: longest }).toString()
  } catch {
    return undefined
  }
}

/** Whether it is ours, whatever authority it is for. */
export function isTrustDocument(document: string): boolean {
  return document.startsWith(beginning) && !document.includes('\n---')
}
