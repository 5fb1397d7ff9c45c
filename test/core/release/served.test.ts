import { describe, expect, test } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import { BootServerRefusal, judgeServed, type ServedBytes } from '../../../src/core/release/served.ts'

const expected = { file: 'boot.efi', version: 'v1.13.9', bytes: 100_000_000, sha256: 'a' }
const judge = (outcome: ServedBytes | Error) => judgeServed('192.168.0.6', expected, outcome)

test('nothing is wrong where machines get what is published, also from a server that tells no size', () => {
  expect(judge({ size: 100_000_000, sha256: 'a' })).toBeUndefined()
  expect(judge({ size: undefined, sha256: 'a' })).toBeUndefined()
})

interface Case {
  readonly name: string
  readonly outcome: ServedBytes | Error
  readonly text: RegExp
  /** Where it is mended on a Synology. */
  readonly place: string
}

const unreachable = (text: string) => new AgentError('unreachable', text)

describe('where machines get something else, or nothing, it is told where to mend it', () => {
  test.each<Case>([
    {
      name: 'a file of another size',
      outcome: { size: 90_000_000, sha256: 'a' },
      text: /is published with 100000000 bytes, and 192\.168\.0\.6 serves one of 90000000$/,
      place: 'TFTP root folder',
    },
    {
      name: 'a file of other bytes',
      outcome: { size: 100_000_000, sha256: 'b' },
      text: /serves other bytes$/,
      place: 'TFTP root folder',
    },
    {
      name: 'no answer at all',
      outcome: unreachable('the TFTP server 192.168.0.6 does not answer (5 s)'),
      text: /machines don't get it: the TFTP server 192\.168\.0\.6 does not answer/,
      place: 'Control Panel → Security → Firewall',
    },
    {
      name: 'an answer that stops',
      outcome: unreachable('the TFTP server 192.168.0.6 stopped in the middle of boot.efi (5 s)'),
      text: /stopped in the middle/,
      place: 'ports above 1023',
    },
    {
      name: 'an unknown file',
      outcome: new BootServerRefusal(1, 'it refuses boot.efi'),
      text: /refuses boot\.efi/,
      place: 'Make share.directory the root folder',
    },
    {
      name: 'an unknown file, by its words alone',
      outcome: new BootServerRefusal(0, 'it refuses boot.efi ("File not found")'),
      text: /File not found/,
      place: 'Make share.directory the root folder',
    },
    {
      name: 'a file that may not be read',
      outcome: new BootServerRefusal(2, 'it refuses boot.efi'),
      text: /refuses/,
      place: 'Let everybody read the folder and boot.efi',
    },
    {
      name: 'a file that may not be read, by its words alone',
      outcome: new BootServerRefusal(0, 'it refuses boot.efi ("Permission denied")'),
      text: /Permission denied/,
      place: 'Control Panel → Shared Folder → Edit → Permissions',
    },
    {
      name: 'anything else',
      outcome: new AgentError('malformed', 'it answers with something that is not TFTP'),
      text: /not TFTP/,
      place: 'See the log of the TFTP server',
    },
  ])('$name', ({ outcome, text, place }) => {
    const fault = judge(outcome)!
    expect(fault.text).toMatch(/^boot\.efi of v1\.13\.9 is published/)
    expect(fault.text).toMatch(text)
    expect(fault.action).toContain(place)
  })
})
