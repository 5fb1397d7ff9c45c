import { describe, expect, test } from 'vitest'
import {
  backupFormat,
  isInside,
  type Manifest,
  parseManifest,
  whyNotRestore,
} from '../../../src/core/backup/manifest.ts'

const sha256 = 'a'.repeat(64)
const whole: Manifest = {
  format: backupFormat,
  version: '0.2.0',
  at: '2026-11-01T02:03:04.000Z',
  journalFormat: 4,
  hasSecrets: false,
  configuration: 'caretaker.yaml',
  files: [{ place: 'state', path: 'journal.db', bytes: 1, sha256, mode: 0o600 }],
}
const own = { version: '0.1.0', journalFormat: 4 }

describe('a backup', () => {
  test.each([
    { name: 'of this release', given: {} },
    { name: 'with an older journal', given: { journalFormat: 0 } },
    { name: 'without a journal', given: { journalFormat: undefined as never } },
    { name: 'with files in folders', given: { files: [{ ...whole.files[0]!, path: 'snapshots/etcd-1..2.snapshot' }] } },
  ])('$name can be restored', ({ given }) => {
    expect(whyNotRestore({ ...whole, ...given }, own)).toBeUndefined()
  })

  test.each([
    {
      name: 'with a newer journal',
      given: { journalFormat: 5 },
      why: 'its journal is of Caretaker 0.2.0 (format 5), and 0.1.0 reads up to format 4: restore it with Caretaker 0.2.0, or a newer one',
    },
    {
      name: 'of a newer format',
      given: { format: 2 },
      why: 'it was made by Caretaker 0.2.0, in a format that 0.1.0 does not know (2; it reads up to 1): restore it with Caretaker 0.2.0, or a newer one',
    },
    {
      name: 'with a file that leads out of its folder',
      given: { files: [{ ...whole.files[0]!, path: '../../etc/passwd' }] },
      why: 'it has a file that leads out of its folder: ../../etc/passwd',
    },
    {
      name: 'whose configuration leads out of its folder',
      given: { configuration: '/etc/passwd' },
      why: 'it has a file that leads out of its folder: /etc/passwd',
    },
  ])('$name can not, and says the way to go', ({ given, why }) => {
    expect(whyNotRestore({ ...whole, ...given }, own)).toBe(why)
  })

  test('is read with all that it says, and nothing else', () => {
    expect(parseManifest({ ...whole, more: 1 })).toEqual(whole)
    expect(() => parseManifest({ ...whole, at: 'yesterday' })).toThrow('the list of its files.at is not a time')
    const odd = { ...whole, files: [{ ...whole.files[0], place: 'elsewhere' }] }
    expect(() => parseManifest(odd)).toThrow('files[0].place is not one of state, configuration')
  })
})

test.each([
  ...['a', 'a/b', '...', 'a..b/c'].map((path) => ({ path, inside: true })),
  ...['', '/', '/a', 'a/', 'a//b', '..', 'a/../b', './a', 'a/.', 'a\\b', 'a\0'].map((path) => ({
    path,
    inside: false,
  })),
])('whether the path $path stays in its folder: $inside', ({ path, inside }) => {
  expect(isInside(path)).toBe(inside)
})
