import { Buffer } from 'node:buffer'
import { gzipSync } from 'node:zlib'
import { Code, ConnectError } from '@connectrpc/connect'
import { describe, expect, test } from 'vitest'
import { textInArchive } from '../../src/adapters/talos/archive.ts'
import { needs } from '../../src/adapters/talos/roles.ts'
import { classOf, translate } from '../../src/adapters/talos/trouble.ts'
import { AgentError } from '../../src/core/errors.ts'
import { tarOf } from '../lab/talos-archive.ts'

describe('a failure of a node', () => {
  test.each([
    [Code.Unavailable, 'anything', 'unreachable'],
    [Code.Aborted, 'anything', 'unreachable'],
    [Code.ResourceExhausted, 'anything', 'unreachable'],
    [Code.DeadlineExceeded, 'context deadline exceeded', 'timed-out'],
    [Code.Unknown, 'etcdserver: request timed out', 'timed-out'],
    [Code.Unknown, 'etcdserver: no leader', 'timed-out'],
    [Code.Unknown, 'failed to acquire upgrade mutex: mutex: Locked by another session', 'timed-out'],
    [Code.Unknown, 'error pulling image: dial tcp 10.0.0.1:443: i/o timeout', 'timed-out'],
    [Code.Unknown, 'error pulling image: dial tcp 10.0.0.1:443: connect: connection refused', 'unreachable'],
    [Code.Unknown, 'error pulling image: lookup factory.talos.dev: no such host', 'unreachable'],
    [Code.Unknown, 'error pulling image: unexpected status: 503 Service Unavailable', 'unreachable'],
    [Code.Unknown, 'error pulling image: 429 Too Many Requests', 'unreachable'],
    [Code.Unknown, 'error pulling image: 401 Unauthorized', 'rejected'],
    [Code.Unknown, 'etcd member count(2) is insufficient to maintain quorum if upgrade commences', 'rejected'],
    [Code.Unknown, 'cannot forfeit leadership, only one member', 'rejected'],
    [Code.Internal, 'upgrade failed: installer image x not found in containerd store', 'rejected'],
    [Code.NotFound, 'error pulling image: timed out', 'rejected'],
    [Code.FailedPrecondition, 'machine is not installed', 'rejected'],
    [Code.Unimplemented, 'unknown service machine.LifecycleService', 'rejected'],
    [Code.InvalidArgument, 'invalid containerd namespace NS_UNKNOWN', 'rejected'],
    [Code.AlreadyExists, 'machine is already installed', 'rejected'],
  ])('with code %i and "%s" is %s', (code, text, kind) => {
    expect(classOf(code, text)).toBe(kind)
  })

  const told = (error: unknown) =>
    translate(error, {
      node: 'cp-1 (192.168.0.2)',
      need: needs.pull,
      credentials: { roles: ['os:admin'] },
      signal: new AbortController().signal,
    })

  test('that tells of a registry’s certificate is not taken for one of the node’s', () => {
    const words = 'error pulling image: tls: x509: certificate has expired or is not yet valid'
    expect(told(new ConnectError(words, Code.Unknown))).toMatchObject({
      code: 'rejected',
      message: `cp-1 (192.168.0.2): ${words}`,
    })
  })

  test('that is none of gRPC’s is malformed, and one of ours stays what it is', () => {
    expect(told(new Error('bad YAML'))).toMatchObject({ code: 'malformed', message: 'cp-1 (192.168.0.2): bad YAML' })
    const own = new AgentError('timed-out', 'x')
    expect(told(own)).toBe(own)
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
