import { describe, expect, test } from 'vitest'
import { parseRange } from '../../../src/core/netboot/byte-range.ts'
import { formatIpxeScript } from '../../../src/core/netboot/ipxe-script.ts'

describe('the part of a file that is asked for', () => {
  test.each([
    { header: undefined, part: undefined },
    { header: 'bytes=0-99', part: { start: 0, end: 100 } },
    { header: 'bytes=900-', part: { start: 900, end: 1_000 } },
    { header: 'bytes=900-5000', part: { start: 900, end: 1_000 } },
    { header: 'bytes=-100', part: { start: 900, end: 1_000 } },
    { header: 'bytes=-5000', part: { start: 0, end: 1_000 } },
    { header: 'bytes=1000-', part: 'unsatisfiable' },
    { header: 'bytes=-0', part: 'unsatisfiable' },
    { header: 'bytes=5-4', part: undefined },
    { header: 'bytes=-', part: undefined },
    { header: 'bytes=0-1,3-4', part: undefined },
    { header: 'lines=0-1', part: undefined },
  ])('$header', ({ header, part }) => {
    expect(parseRange(header, 1_000)).toEqual(part)
  })

  test('of an empty file there is none', () => {
    expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable')
  })
})

test('the script for iPXE says the command line again, and leaves variables to Talos', () => {
  const script = formatIpxeScript([
    {
      file: 'metal-amd64-uki.efi',
      architecture: 'amd64',
      commandLine: 'talos.platform=metal talos.config=https://10.0.0.6/config?mac=${mac}&uuid=${uuid}\n console=tty0\n',
    },
    { file: 'metal-arm64-uki.efi', architecture: 'arm64', commandLine: 'talos.platform=metal' },
  ])
  expect(script).toBe(
    [
      '#!ipxe',
      'iseq ${buildarch} x86_64 && goto x86_64 ||',
      'iseq ${buildarch} arm64 && goto arm64 ||',
      'echo There is no image for ${buildarch} here.',
      'exit 1',
      ':x86_64',
      'kernel metal-amd64-uki.efi talos.platform=metal talos.config=https://10.0.0.6/config?mac=%24%7Bmac%7D&uuid=%24%7Buuid%7D console=tty0',
      'boot',
      ':arm64',
      'kernel metal-arm64-uki.efi talos.platform=metal',
      'boot',
      '',
    ].join('\n'),
  )
  // What Talos makes of it: it decodes the query, and looks for variables then (its url.PopulateVariables).
  const word = /talos\.config=(\S+)/.exec(script)![1]!
  expect(new URL(word).searchParams.get('mac')).toBe('${mac}')
})
