import { AgentError } from '../../core/errors.ts'
import type { Proofs } from '../../core/release/proofs.ts'

/** Asks for what stands beside an image: its text, or for a HEAD whether it is there; undefined where it is not offered. */
export type AskBeside = (path: string, method: 'GET' | 'HEAD', signal: AbortSignal) => Promise<string | undefined>

/**
 * What a Factory offers to check an image by: `….sha256` from v1.1.0 on and `….sigstore.json` from v1.5.0 on, both of the
 * Enterprise edition alone, whose answer elsewhere is 402, or 404 before (siderolabs/image-factory docs/api.md). A Factory
 * that has refused one is not asked for it again until a restart.
 */
export function createProofs(ask: AskBeside): (path: string, signal: AbortSignal) => Promise<Proofs> {
  const refused = new Set<string>()
  async function askOnce(path: string, suffix: string, method: 'GET' | 'HEAD', signal: AbortSignal) {
    if (refused.has(suffix)) return undefined
    const answer = await ask(`${path}${suffix}`, method, signal)
    if (answer === undefined) refused.add(suffix)
    return answer
  }
  return async (path, signal) => {
    const line = await askOnce(path, '.sha256', 'GET', signal)
    const bundle = await askOnce(path, '.sigstore.json', 'HEAD', signal)
    return { sha256: line === undefined ? undefined : parseChecksum(line, path), hasSignature: bundle !== undefined }
  }
}

/** One line of sha256sum: `<hex>  <file name>`. */
function parseChecksum(line: string, path: string): string {
  const [, hex] = /^([\da-fA-F]{64})(?:[ \t]+\S+)?\s*$/.exec(line) ?? []
  if (hex === undefined)
    throw new AgentError('malformed', `the checksum of ${path.split('/').at(-1)} is none: ${line.trim().slice(0, 80)}`)
  return hex.toLowerCase()
}
