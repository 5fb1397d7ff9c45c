import { hash } from 'node:crypto'
import { type Answer, refusal } from './answers.ts'
import type { LabFactoryFaults } from './faults.ts'

/** What stands beside an image: its checksum, and a Sigstore bundle. The community edition has neither. */
export function beside(
  path: string,
  checksums: LabFactoryFaults['checksums'],
  bytesOf: (file: string) => Buffer,
): Answer {
  if (path.endsWith('.sigstore.json')) {
    if (checksums === undefined)
      throw refusal(402, 'enterprise signing is not enabled: signature endpoint is not available')
    return { status: 200, body: '{}', headers: { 'content-type': 'application/json' } }
  }
  if (checksums === undefined) throw refusal(402, 'enterprise not enabled: checksum endpoint is not available')
  const [, file = '', algorithm = ''] = /^(.*)\.(sha\d+)$/.exec(path) ?? []
  const hex = checksums === 'right' ? hash(algorithm, bytesOf(file)) : 'a'.repeat(algorithm === 'sha256' ? 64 : 128)
  const body = checksums === 'html' ? '<!DOCTYPE html>' : `${hex}  ${file}\n`
  return { status: 200, body, headers: { 'content-type': 'text/plain; charset=utf-8' } }
}
