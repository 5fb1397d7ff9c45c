import { Code, ConnectError } from '@connectrpc/connect'
import { describe, expect, test } from 'vitest'
import { needs } from '../../../src/adapters/talos/roles.ts'
import { brokeOff, classOf, translate } from '../../../src/adapters/talos/trouble.ts'
import { AgentError } from '../../../src/core/errors.ts'

describe('a failure of a node', () => {
  test.each([
    { code: Code.Unavailable, text: 'anything', kind: 'unreachable' },
    { code: Code.Aborted, text: 'anything', kind: 'unreachable' },
    { code: Code.ResourceExhausted, text: 'anything', kind: 'unreachable' },
    { code: Code.DeadlineExceeded, text: 'context deadline exceeded', kind: 'timed-out' },
    { code: Code.Unknown, text: 'etcdserver: request timed out', kind: 'timed-out' },
    { code: Code.Unknown, text: 'etcdserver: no leader', kind: 'not-now' },
    { code: Code.Unknown, text: 'failed to acquire upgrade mutex: mutex: Locked by another session', kind: 'not-now' },
    { code: Code.Unknown, text: 'error pulling image: dial tcp 10.0.0.1:443: i/o timeout', kind: 'timed-out' },
    {
      code: Code.Unknown,
      text: 'error pulling image: dial tcp 10.0.0.1:443: connect: connection refused',
      kind: 'unreachable',
    },
    { code: Code.Unknown, text: 'error pulling image: lookup factory.talos.dev: no such host', kind: 'unreachable' },
    {
      code: Code.Unknown,
      text: 'error pulling image: unexpected status: 503 Service Unavailable',
      kind: 'unreachable',
    },
    { code: Code.Unknown, text: 'error pulling image: 429 Too Many Requests', kind: 'unreachable' },
    { code: Code.Unknown, text: 'error pulling image: 401 Unauthorized', kind: 'rejected' },
    {
      code: Code.Unknown,
      text: 'etcd member count(2) is insufficient to maintain quorum if upgrade commences',
      kind: 'rejected',
    },
    { code: Code.Unknown, text: 'cannot forfeit leadership, only one member', kind: 'rejected' },
    { code: Code.Internal, text: 'upgrade failed: installer image x not found in containerd store', kind: 'rejected' },
    { code: Code.NotFound, text: 'error pulling image: timed out', kind: 'rejected' },
    { code: Code.FailedPrecondition, text: 'machine is not installed', kind: 'rejected' },
    { code: Code.Unimplemented, text: 'unknown service machine.LifecycleService', kind: 'rejected' },
    { code: Code.InvalidArgument, text: 'invalid containerd namespace NS_UNKNOWN', kind: 'rejected' },
    { code: Code.AlreadyExists, text: 'machine is already installed', kind: 'rejected' },
  ])('with code $code and "$text" is $kind', ({ code, text, kind }) => {
    expect(classOf(code, text)).toBe(kind)
  })

  const manifest = 'https://factory.talos.dev/v2/metal-installer/ca3f/manifests/v1.14.1'
  const reference = 'failed to resolve reference "factory.talos.dev/metal-installer/ca3f:v1.14.1"'
  const answered = (status: string) =>
    `error pulling image: ${reference}: unexpected status from HEAD request to ${manifest}: ${status}`
  const request = (why: string) => `error pulling image: ${reference}: failed to do request: Head "${manifest}": ${why}`
  test.each([
    ['500 Internal Server Error', 'unreachable'],
    ['502 Bad Gateway', 'unreachable'],
    ['503 Service Unavailable', 'unreachable'],
    ['504 Gateway Timeout', 'unreachable'],
    ['429 Too Many Requests', 'unreachable'],
    ['408 Request Timeout', 'unreachable'],
    ['521 <none>', 'unreachable'],
    ['400 Bad Request', 'rejected'],
    ['401 Unauthorized', 'rejected'],
    ['403 Forbidden', 'rejected'],
    ['404 Not Found', 'rejected'],
    ['501 Not Implemented', 'rejected'],
  ])('by a registry that answers %s is %s', (status, kind) => {
    expect(classOf(Code.Unknown, answered(status))).toBe(kind)
  })

  test.each([
    ['dial tcp 192.0.2.1:443: connect: connection refused', 'unreachable'],
    ['dial tcp 192.0.2.1:443: connect: no route to host', 'unreachable'],
    ['dial tcp 192.0.2.1:443: connect: network is unreachable', 'unreachable'],
    ['dial tcp 192.0.2.1:443: connect: host is down', 'unreachable'],
    ['dial tcp 192.0.2.1:443: i/o timeout', 'timed-out'],
    ['net/http: TLS handshake timeout', 'timed-out'],
    ['context deadline exceeded (Client.Timeout exceeded while awaiting headers)', 'timed-out'],
    ['read tcp 10.0.0.2:4000->192.0.2.1:443: read: connection reset by peer', 'unreachable'],
    ['EOF', 'unreachable'],
    ['unexpected EOF', 'unreachable'],
    ['http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR', 'unreachable'],
    ['stream error: stream ID 3; INTERNAL_ERROR; received from peer', 'unreachable'],
    ['http2: client connection lost', 'unreachable'],
    ['dial tcp: lookup factory.talos.dev on 127.0.0.53:53: server misbehaving', 'unreachable'],
    ['dial tcp: lookup factory.talos.dev: Temporary failure in name resolution', 'unreachable'],
    ['dial tcp: lookup factory.talos.dev on [::1]:53: no answer from DNS server', 'unreachable'],
    ['dial tcp [2001:db8::1]:443: connect: cannot assign requested address', 'unreachable'],
    // A board without a clock of its own, before it has asked a time server; and one whose registry let it run out.
    [
      'tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 1970-01-01T00:00:10Z is before 2026-01-01T00:00:00Z',
      'not-now',
    ],
    [
      'tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-26T09:00:00Z is after 2026-11-01T00:00:00Z',
      'rejected',
    ],
    ['tls: failed to verify certificate: x509: certificate signed by unknown authority', 'rejected'],
    ['http: server gave HTTP response to HTTPS client', 'rejected'],
  ])('by a registry that can’t be asked, %s, is %s', (why, kind) => {
    expect(classOf(Code.Unknown, request(why))).toBe(kind)
  })

  test.each([
    [
      'failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=x: 503 Service Unavailable',
      'unreachable',
    ],
    [
      'failed to fetch oauth token: unexpected status from GET request to https://ghcr.io/token: 403 Forbidden',
      'rejected',
    ],
    ['unexpected status code 500', 'unreachable'],
    ['unexpected status code 401', 'rejected'],
    ['unexpected status code https://10.0.0.1:5000/v2/a/blobs/sha256:502: 500 Internal Server Error', 'unreachable'],
    [
      'httpReadSeeker: failed open: unexpected status code https://x/v2/a/blobs/sha256:ab: 502 Bad Gateway',
      'unreachable',
    ],
    ['received unexpected HTTP status: 504 Gateway Timeout', 'unreachable'],
    ['error parsing HTTP 429 response body: invalid character', 'unreachable'],
    ['toomanyrequests: You have reached your pull rate limit', 'unreachable'],
    ['pulling from host 10.0.0.1:503 failed with status code [manifests v1.14.1]: 401 Unauthorized', 'rejected'],
    [
      '"registry.lab/timeout/connection-refused:v503": unexpected status from HEAD request to https://registry.lab/timeout: 403 Forbidden',
      'rejected',
    ],
    ['"registry.lab/timeout:v500": not a valid reference', 'rejected'],
    ['exit status 137', 'rejected'],
    [
      'connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: timeout"',
      'timed-out',
    ],
    [
      'connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: no such file or directory"',
      'unreachable',
    ],
    ['stat /etc/nothing: no such file or directory', 'rejected'],
    ['no controlplane endpoints discovered yet', 'not-now'],
    ['etcdserver: leader changed', 'not-now'],
    ['etcdserver: not leader', 'not-now'],
    ['etcdserver: server stopped', 'not-now'],
    ['etcdserver: mvcc: database space exceeded', 'rejected'],
    ['context canceled', 'unreachable'],
    ['previous UKI not found', 'rejected'],
    // containerd restarts in the middle of it.
    ['ttrpc: closed: unknown', 'unreachable'],
    ['rpc error: code = Unavailable desc = transport is closing', 'unreachable'],
    ['rpc error: code = NotFound desc = no such image', 'rejected'],
    ['grpc: the client connection is closing', 'unreachable'],
    ['stream terminated by RST_STREAM with error code: NO_ERROR', 'unreachable'],
    ['"layer-sha256:ab": failed size validation: 1000 != 2000: failed precondition', 'unreachable'],
    ['unexpected commit digest sha256:ab, expected sha256:cd: failed precondition', 'rejected'],
    ['write /var/lib/containerd/x: no space left on device', 'rejected'],
    ['the service timeoutd is not registered', 'rejected'],
    ['504 Gateway Time-out', 'unreachable'],
    ['operation timed out', 'timed-out'],
  ])('that has only its text, %s, is %s', (text, kind) => {
    for (const code of [Code.Unknown, Code.Internal]) expect(classOf(code, text)).toBe(kind)
  })

  test.each([
    { code: Code.Canceled, text: 'context canceled', kind: 'unreachable' },
    {
      code: Code.Unavailable,
      text: 'connection error: desc = "transport: Error while dialing: dial unix /system/run/machined/machine.sock: connect: no such file or directory"',
      kind: 'unreachable',
    },
    { code: Code.NotFound, text: answered('404 Not Found'), kind: 'rejected' },
    { code: Code.FailedPrecondition, text: 'system disk not found', kind: 'rejected' },
    { code: Code.FailedPrecondition, text: 'k8s API server CA config is not set', kind: 'rejected' },
    { code: Code.PermissionDenied, text: 'not authorized: connection refused', kind: 'rejected' },
  ])('of gRPC’s code $code, $text, is $kind', ({ code, text, kind }) => {
    expect(classOf(code, text)).toBe(kind)
  })

  const told = (error: unknown) =>
    translate(error, {
      node: 'cp-1 (192.168.0.2)',
      need: needs.pull,
      credentials: { roles: ['os:admin'] },
      signal: new AbortController().signal,
      beganAt: 0,
    })

  test('that tells of a registry’s certificate is not taken for one of the node’s', () => {
    const words = 'error pulling image: tls: x509: certificate has expired or is not yet valid'
    expect(told(new ConnectError(words, Code.Unknown))).toMatchObject({
      code: 'rejected',
      message: `cp-1 (192.168.0.2): ${words}`,
    })
  })

  const status = (code: Code) => ({ 'grpc-status': String(code) })
  const node = (why: unknown) => Object.assign(new Error(String(why)), { code: why })
  test.each([
    { words: 'protocol error: missing status', code: Code.Internal, kind: 'unreachable' },
    { words: 'protocol error: incomplete envelope', code: Code.InvalidArgument, kind: 'unreachable' },
    {
      words: 'protocol error: promised 100 bytes in enveloped message, got 10 bytes',
      code: Code.InvalidArgument,
      kind: 'unreachable',
    },
    { words: 'protocol error: missing output message for unary method', code: Code.Unimplemented, kind: 'unreachable' },
    {
      words: 'http/2 stream closed with error code INADEQUATE_SECURITY (0xc)',
      code: Code.PermissionDenied,
      kind: 'unreachable',
    },
    {
      words: 'http/2 stream closed with error code HTTP_1_1_REQUIRED (0xd)',
      code: Code.PermissionDenied,
      kind: 'unreachable',
    },
    {
      words: 'http/2 stream closed with error code ENHANCE_YOUR_CALM (0xb)',
      code: Code.ResourceExhausted,
      kind: 'unreachable',
    },
    { words: 'http/2 stream closed with error code CANCEL (0x8)', code: Code.Canceled, kind: 'unreachable' },
    { words: 'HTTP 503', code: Code.Unavailable, kind: 'unreachable' },
    { words: 'HTTP 404', code: Code.Unimplemented, kind: 'malformed' },
    { words: 'unsupported content type text/html', code: Code.Unknown, kind: 'malformed' },
    {
      words: 'message size 40000000 is larger than configured readMaxBytes 33554432',
      code: Code.ResourceExhausted,
      kind: 'malformed',
    },
    { words: 'parse binary: premature EOF', code: Code.Internal, kind: 'malformed' },
    { words: 'the operation timed out', code: Code.DeadlineExceeded, kind: 'timed-out' },
  ])('of the connection itself, $words, is not taken for the node’s own word', ({ words, code, kind }) => {
    expect(told(new ConnectError(words, code))).toMatchObject({ code: kind })
    // The same from the node itself is what its code says.
    expect(told(new ConnectError(words, code, status(code))).code).toBe(classOf(code, words))
  })

  test.each([
    'read ECONNRESET',
    'write EPIPE',
    'connect ECONNREFUSED 10.0.0.1:50000',
    'connect EHOSTUNREACH 10.0.0.1:50000',
    'Premature close',
    'The session has been destroyed',
    'Stream closed with error code NGHTTP2_INTERNAL_ERROR',
  ])('of a socket, %s, passes', (words) => {
    const error = new ConnectError(words, Code.Internal, undefined, undefined, node(words))
    expect(told(error)).toMatchObject({ code: 'unreachable', retryable: true })
    expect(brokeOff(error)).toBe(!words.startsWith('connect'))
  })

  test('that is none of gRPC’s is malformed, and one of ours stays what it is', () => {
    expect(told(new Error('bad YAML'))).toMatchObject({ code: 'malformed', message: 'cp-1 (192.168.0.2): bad YAML' })
    const own = new AgentError('timed-out', 'x')
    expect(told(own)).toBe(own)
  })
})
