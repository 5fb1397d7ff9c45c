import { Buffer } from 'node:buffer'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { textInArchive } from '../../../src/adapters/talos/archive.ts'
import { endingOf } from '../../../src/adapters/talos/installer.ts'
import { tarOf } from '../../lab/talos/archive.ts'

describe('an installer that ends', () => {
  const from = (version: string) => [
    `2026/11/26 09:00:00 running Talos installer ${version}`,
    'running pre-flight checks',
  ]
  const image = (tag: string) => `factory.talos.dev/metal-installer/ca3f:${tag}`
  const invalid = /configuration is not valid/
  test.each([
    { code: 2, lines: from('v1.14.1'), ref: image('v1.14.1'), means: invalid, next: 'ask' },
    { code: 2, lines: [], ref: image('v1.14.1'), means: invalid, next: 'ask' },
    { code: 2, lines: [], ref: `${image('v1.14.1')}@sha256:${'a'.repeat(64)}`, means: invalid, next: 'ask' },
    { code: 2, lines: from('v1.13.9'), ref: image('v1.14.1'), means: /no reason/, next: undefined },
    { code: 2, lines: [], ref: image('v1.13.9'), means: /no reason/, next: undefined },
    { code: 4, lines: from('v1.13.9'), ref: image('v1.13.9'), means: /no reason/, next: undefined },
    { code: 2, lines: from('v1.13.9-5-gab12cd3'), ref: image('v1.13.9'), means: /no reason/, next: undefined },
    { code: 2, lines: [], ref: image('v1.13.0-rc.1-dirty'), means: /no reason/, next: undefined },
    { code: 2, lines: from('v1.14.0-rc.1-dirty'), ref: image('mine'), means: invalid, next: 'ask' },
    { code: 1, lines: from('v1.14.1'), ref: image('v1.14.1'), means: /no reason/, next: undefined },
    { code: 3, lines: from('v1.14.1'), ref: image('v1.14.1'), means: /not supported/, next: 'ask' },
    { code: 4, lines: from('v1.14.1'), ref: image('v1.14.1'), means: /pre-installation check/, next: 'may pass' },
    {
      code: 2,
      lines: [
        ...from('v1.14.1'),
        'panic: runtime error: index out of range [3] with length 3',
        'goroutine 1 [running]:',
      ],
      ref: image('v1.14.1'),
      means: /crashed/,
      next: undefined,
    },
    {
      code: 2,
      lines: [...from('v1.14.1'), 'fatal error: runtime: out of memory'],
      ref: image('v1.14.1'),
      means: /crashed/,
      next: undefined,
    },
    {
      code: 2,
      lines: [...from('v1.14.1'), 'goroutine 34 [chan receive, 2 minutes]:'],
      ref: image('v1.14.1'),
      means: /crashed/,
      next: undefined,
    },
    { code: 137, lines: from('v1.14.1'), ref: image('v1.14.1'), means: /signal 9/, next: 'may pass' },
    { code: 143, lines: from('v1.13.9'), ref: image('v1.13.9'), means: /signal 15/, next: 'may pass' },
  ])('with $code, from $ref: %#', ({ code, lines, ref, means, next }) => {
    const ending = endingOf(code, lines, ref)
    expect(ending.means).toMatch(means)
    expect(ending.next).toBe(next)
  })
})

describe('a file in a gzipped tar', () => {
  const malformed = (bytes: Uint8Array) => {
    try {
      textInArchive(bytes, 'kubeconfig')
    } catch (error) {
      return error
    }
    throw new Error('it was read')
  }

  test('is found, behind others too', () => {
    expect(textInArchive(tarOf('kubeconfig', 'a: 1\n'), 'kubeconfig')).toBe('a: 1\n')
    expect(textInArchive(tarOf('./kubeconfig', 'a: 1\n'), 'kubeconfig')).toBe('a: 1\n')
    expect(textInArchive(tarOf('kubeconfig', ''), 'kubeconfig')).toBe('')
  })

  test.each([
    ['nothing', new Uint8Array()],
    ['no archive', Buffer.from('kubeconfig')],
    ['another file', tarOf('talosconfig', 'x')],
    [
      'half a file',
      gzipSync(Buffer.concat([Buffer.from('kubeconfig'.padEnd(124, '\0') + '00000010000\0'), Buffer.alloc(500)])),
    ],
    ['far too much', gzipSync(Buffer.alloc(5 * 1_048_576))],
  ])('that is %s is malformed', (_, bytes) => {
    expect(malformed(bytes)).toMatchObject({ code: 'malformed', message: expect.stringContaining('kubeconfig') })
  })
})
