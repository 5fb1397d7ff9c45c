import { expect, test } from 'vitest'
import { renderVerification } from '../../src/cli/render-verification.ts'

const file = { path: 'talos/v1.13.9/boot.efi', version: 'v1.13.9', bytes: 100_000_000, sha256: 'a' }

test('what is on the share and what machines get is shown line by line, with what the Factory offered', () => {
  expect(
    renderVerification({
      isWhole: true,
      files: [{ ...file, proofs: { sha256: 'a', hasSignature: true } }],
      served: [{ file: 'boot.efi', server: '192.168.0.6' }],
    }).split('\n'),
  ).toEqual([
    'ok talos/v1.13.9/boot.efi (v1.13.9, 100.0 MB); the checksum of the Factory is the same; the Factory has a Sigstore bundle, which is not verified here',
    'ok 192.168.0.6 serves boot.efi byte for byte',
  ])
})

test('what is wrong is shown with what to do', () => {
  expect(
    renderVerification({
      isWhole: false,
      files: [{ ...file, fault: 'it has the SHA-256 b' }],
      served: [
        { file: 'boot.efi', server: '192.168.0.6', fault: 'boot.efi is published, and not served', action: 'Do this' },
      ],
    }).split('\n'),
  ).toEqual([
    'wrong talos/v1.13.9/boot.efi (v1.13.9, 100.0 MB): it has the SHA-256 b',
    'wrong boot.efi is published, and not served. Do this',
    'Stage again what is wrong: `caretaker stage`',
  ])
})

test('what was not looked at is said', () => {
  expect(renderVerification({ isWhole: true, files: [], served: [] })).toBe('nothing staged')
  expect(renderVerification({ isWhole: true, files: [file], served: [] })).toContain('share.server is not set')
})
