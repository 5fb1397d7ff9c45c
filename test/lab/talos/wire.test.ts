import { once } from 'node:events'
import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import { duplexPair } from 'node:stream'
import * as tls from 'node:tls'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import type { EarlyEnd, TalosNode } from './node.ts'
import { framed } from './many.ts'
import { startTalosLab, type TalosLab } from '../../adapters/talos/lab.ts'

const labs: TalosLab[] = []
const ends: (() => void)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) end()
  for (const lab of labs.splice(0)) await lab[Symbol.asyncDispose]()
})

async function start(...names: readonly [name: string, address: string][]) {
  const lab = await startTalosLab(...names.map(([name, address]) => ({ name, address, version: 'v1.14.1' })))
  labs.push(lab)
  return lab
}

/** A frame of HTTP/2: its type, its stream, and whether it ends that. */
const kinds = [
  'DATA',
  'HEADERS',
  'PRIORITY',
  'RST_STREAM',
  'SETTINGS',
  'PUSH_PROMISE',
  'PING',
  'GOAWAY',
  'WINDOW_UPDATE',
]

/** A client whose node's bytes can be read, as they come out of TLS. */
async function listenIn(lab: TalosLab, node: TalosNode) {
  const { cert, key } = await lab.authority.issueClient({ common: 'test', organizations: ['os:admin'] })
  const to = { host: node.address, port: node.port, ca: lab.authority.ca, cert, key, ALPNProtocols: ['h2'] }
  const wire = tls.connect(to)
  await once(wire, 'secureConnect')
  const [outer, inner] = duplexPair()
  const pieces: string[][] = []
  wire.on('data', (bytes: Buffer) => {
    const frames: string[] = []
    for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
      const kind = kinds[bytes[at + 3]!]!
      const isEnd = (kind === 'DATA' || kind === 'HEADERS') && (bytes[at + 4]! & 1) !== 0
      frames.push(`${kind}${isEnd ? ' END_STREAM' : ''} ${bytes.readUInt32BE(at + 5)}`)
    }
    pieces.push(frames)
    inner.write(bytes)
  })
  inner.on('data', (bytes: Buffer) => wire.write(bytes))
  for (const side of [wire, inner, outer]) side.on('error', () => {})
  const session = connect(`https://${node.address}:${node.port}`, { createConnection: () => outer })
  session.on('error', () => {})
  ends.push(() => {
    session.destroy()
    wire.destroy()
  })
  return { session, pieces }
}

interface Answer {
  readonly status: string
  readonly message: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly rstCode: number
}

/** One call as any gRPC client makes it; the status is where the node put it. */
async function call(
  session: ClientHttp2Session,
  path: string,
  headers: Record<string, string> = {},
  body: Buffer = framed(new Uint8Array()),
): Promise<Answer> {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  let first: IncomingHttpHeaders = {}
  let last: IncomingHttpHeaders | undefined
  const chunks: Buffer[] = []
  stream.on('error', () => {})
  stream.on('response', (headers) => (first = headers))
  stream.on('trailers', (trailers) => (last = trailers))
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.end(body)
  await once(stream, 'close')
  const from = last ?? first
  return {
    status: String(from['grpc-status'] ?? ''),
    message: decodeURIComponent(String(from['grpc-message'] ?? '')),
    headers: first,
    body: Buffer.concat(chunks),
    rstCode: stream.rstCode ?? 0,
  }
}

const version = '/machine.MachineService/Version'

describe('what a node of the lab writes', () => {
  test('is one piece for an answer: headers, message and trailers', async () => {
    const lab = await start(['w-1', '127.0.47.1'])
    const { session, pieces } = await listenIn(lab, lab.nodes[0]!)
    expect(await call(session, version)).toMatchObject({ status: '0' })
    expect(pieces.at(-1)).toEqual(expect.arrayContaining(['HEADERS 1', 'DATA 1', 'HEADERS END_STREAM 1']))
  })

  test('is one piece for several answers that are ready together, and their frames are not mixed', async () => {
    const lab = await start(['w-1', '127.0.47.1'])
    const { session, pieces } = await listenIn(lab, lab.nodes[0]!)
    await call(session, version)
    await Promise.all(
      ['Version', 'ServiceList', 'SystemStat'].map((name) => call(session, `/machine.MachineService/${name}`)),
    )
    const answers = pieces.at(-1)!.filter((frame) => /^(HEADERS|DATA)/.test(frame))
    expect(answers).toEqual([3, 5, 7].flatMap((id) => [`HEADERS ${id}`, `DATA ${id}`, `HEADERS END_STREAM ${id}`]))
  })

  test.each([
    { name: 'a method that it does not know', path: '/machine.MachineService/NoSuchMethod', status: '12' },
    { name: 'a service that it does not know', path: '/machine.NoSuchService/Version', status: '12' },
    { name: 'a refusal', path: '/machine.MachineService/EtcdStatus', status: '12' },
    { name: 'a list with nothing in it', path: '/cosi.resource.State/List', status: '7' },
  ])('is one HEADERS frame that ends the stream for $name', async ({ path, status }) => {
    const lab = await start(['w-1', '127.0.47.1'])
    const { session, pieces } = await listenIn(lab, lab.nodes[0]!)
    expect(await call(session, path)).toMatchObject({ status })
    expect(pieces.flat().filter((frame) => /^(HEADERS|DATA)/.test(frame))).toEqual(['HEADERS END_STREAM 1'])
  })

  test('is the same through another node', async () => {
    const lab = await start(['cp-1', '127.0.47.2'], ['w-1', '127.0.47.3'])
    const { session, pieces } = await listenIn(lab, lab.nodes[0]!)
    const node = { node: '127.0.47.3' }
    expect(await call(session, version, node)).toMatchObject({ status: '0' })
    expect(await call(session, '/machine.MachineService/NoSuchMethod', node)).toMatchObject({
      status: '12',
      message: 'unknown method NoSuchMethod for service machine.MachineService',
    })
    expect(pieces.flat().filter((frame) => /^(HEADERS|DATA)/.test(frame))).toEqual([
      'HEADERS 1',
      'DATA 1',
      'HEADERS END_STREAM 1',
      'HEADERS END_STREAM 3',
    ])
  })
})

describe('a compressed request', () => {
  const gzipped = (message: Uint8Array) => {
    const frame = framed(gzipSync(message))
    frame[0] = 1
    return frame
  }
  // `path: "/proc/sys/kernel/random/boot_id"`
  const path = '/proc/sys/kernel/random/boot_id'
  const message = Buffer.concat([Buffer.from([0x0a, path.length]), Buffer.from(path)])
  const read = '/machine.MachineService/Read'

  test.each([
    ['at the node itself', {}],
    ['through another', { node: '127.0.47.5' }],
  ])('is unpacked %s, if it says so', async (_, headers) => {
    const lab = await start(['cp-1', '127.0.47.4'], ['w-1', '127.0.47.5'])
    const { session } = await listenIn(lab, lab.nodes[0]!)
    const packed = await call(session, read, { ...headers, 'grpc-encoding': 'gzip' }, gzipped(message))
    expect(packed.status).toBe('0')
    const plain = await call(session, read, { ...headers, 'grpc-encoding': 'gzip' }, framed(message))
    expect(plain.status).toBe('0')
    const named = await call(session, read, { ...headers, 'grpc-encoding': 'identity' }, framed(message))
    expect(named).toMatchObject({ status: '0', body: (await call(session, read, headers, framed(message))).body })
    expect(await call(session, read, headers, gzipped(message))).toMatchObject({ status: '13' })
  })

  test('for many nodes is unpacked for each of them', async () => {
    const lab = await start(['cp-1', '127.0.47.4'])
    const { session } = await listenIn(lab, lab.nodes[0]!)
    const many = { nodes: '127.0.47.4', 'grpc-encoding': 'gzip' }
    expect(await call(session, version, many, gzipped(new Uint8Array()))).toMatchObject({ status: '0' })
    expect(await call(session, version, { nodes: '127.0.47.4' }, gzipped(new Uint8Array()))).toMatchObject({
      status: '13',
      message: 'grpc: compressed flag set with identity or empty encoding',
    })
  })

  test.each(['br', 'snappy', 'zstd'])(
    'in %s, which nobody installed, is Unimplemented, and told what is',
    async (encoding) => {
      const lab = await start(['cp-1', '127.0.47.4'])
      const { session } = await listenIn(lab, lab.nodes[0]!)
      for (const headers of [{}, { nodes: '127.0.47.4' }]) {
        const answer = await call(
          session,
          version,
          { ...headers, 'grpc-encoding': encoding },
          framed(brotliCompressSync('')),
        )
        expect(answer).toMatchObject({
          status: '12',
          message: `grpc: Decompressor is not installed for grpc-encoding "${encoding}"`,
          headers: { 'grpc-accept-encoding': 'gzip' },
        })
      }
    },
  )

  test('is answered in kind, and no other is compressed', async () => {
    const lab = await start(['w-1', '127.0.47.1'])
    const { session } = await listenIn(lab, lab.nodes[0]!)
    const accepts = { 'grpc-accept-encoding': 'gzip,br' }
    expect((await call(session, version, accepts)).headers['grpc-encoding']).toBeUndefined()
    const packed = await call(session, version, { ...accepts, 'grpc-encoding': 'gzip' }, gzipped(new Uint8Array()))
    expect(packed.headers['grpc-encoding']).toBe('gzip')
  })
})

describe('a node that another one asks for a client', () => {
  const cuts: EarlyEnd['after'][] = ['nothing', 'headers', 'half a message', 'all messages']
  test.each(cuts)('and that dies after %s is Unavailable', async (after) => {
    const lab = await start(['cp-1', '127.0.47.2'], ['w-1', '127.0.47.3'])
    const { session } = await listenIn(lab, lab.nodes[0]!)
    for (const by of ['close', 'goaway', constants.NGHTTP2_INTERNAL_ERROR, 'end'] as const) {
      lab.nodes[1]!.faults.endsEarly = { after, by, times: 1 }
      expect(await call(session, version, { node: '127.0.47.3' })).toMatchObject({ status: '14', rstCode: 0 })
    }
    expect(await call(session, version, { node: '127.0.47.3' })).toMatchObject({ status: '0' })
  })
})
