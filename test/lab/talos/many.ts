import { gunzipSync } from 'node:zlib'
import { create, toBinary, type DescService } from '@bufbuild/protobuf'
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { Code, ConnectError } from '@connectrpc/connect'
import { MetadataSchema } from '../../../src/adapters/talos/gen/common_pb.ts'
import { MachineService } from '../../../src/adapters/talos/gen/machine_pb.ts'
import { ClusterService } from '../gen/cluster_pb.ts'
import { MachineService as MoreOfMachine } from '../gen/machine-more_pb.ts'

/**
 * One call to many nodes, as apid's proxy puts the answers together (siderolabs/grpc-proxy, siderolabs/talos
 * internal/app/apid/pkg/backend): every message gets `metadata.hostname`, the target as it was sent. A node that failed
 * contributes a message with nothing but its metadata, and the call itself is well.
 */
export interface NodeAnswer {
  /** As the client named it. */
  readonly target: string
  /** What it answered: gRPC's messages, without their frames. */
  readonly messages: readonly Uint8Array[]
  /** gRPC's status; 0 is well. */
  readonly status: number
  readonly reason: string
}

/** Why this method is for one node at a time; undefined where it can be sent to many. */
export function whyNotMany(path: string): string | undefined {
  const isMany = manyServices.some(({ typeName }) => typeName === path.split('/')[1])
  return isMany ? undefined : `one-2-many proxying is not supported for method ${path}`
}

/** The messages of the one answer, each of them in its frame. */
export function mergeAnswers(path: string, answers: readonly NodeAnswer[]): Buffer {
  const streamed = isStream(path)
  const items = answers.flatMap(({ target, messages, status, reason }) => {
    const tag = tagOf(target, status, reason)
    const own = messages.flatMap((message) => (streamed ? [message] : partsOf(message)))
    const tagged = own.map((part) => Buffer.concat([part, metadataField(tagOf(target, 0, ''))]))
    return status === 0 ? tagged : [...tagged, metadataField(tag)]
  })
  if (streamed) return Buffer.concat(items.map(framed))
  const writer = new BinaryWriter()
  for (const item of items) writer.tag(1, WireType.LengthDelimited).bytes(item)
  return framed(writer.finish())
}

/** Its answers come one after another. */
export function isStream(path: string): boolean {
  return methodOf(path)?.methodKind === 'server_streaming'
}

/** Services that can be asked of many nodes; what talosctl alone asks has messages of the lab's own. */
const manyServices: readonly DescService[] = [MachineService, MoreOfMachine, ClusterService]

function methodOf(path: string) {
  const [, service, name] = path.split('/')
  const methods = manyServices.filter(({ typeName }) => typeName === service).flatMap(({ methods }) => methods)
  return methods.find((method) => method.name === name)
}

function tagOf(hostname: string, code: number, message: string): Uint8Array {
  const failure = code === 0 ? {} : { error: message, status: { code, message } }
  return toBinary(MetadataSchema, create(MetadataSchema, { hostname, ...failure }))
}

/** `metadata` is field 1 of every message: one that comes later is merged into it. */
function metadataField(metadata: Uint8Array): Uint8Array {
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(metadata).finish()
}

/** The items of `repeated X messages = 1`. */
function partsOf(response: Uint8Array): Uint8Array[] {
  const reader = new BinaryReader(response)
  const parts: Uint8Array[] = []
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === 1 && type === WireType.LengthDelimited) parts.push(reader.bytes())
    else reader.skip(type)
  }
  return parts
}

/** gRPC's frame: not compressed, and the length. */
export function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/**
 * The messages out of their frames, unpacked where the frame's flag says so.
 *
 * @throws ConnectError as grpc-go: a flag without an encoding
 */
export function unframed(body: Buffer, encoding?: string): Uint8Array[] {
  const messages: Uint8Array[] = []
  for (let at = 0; at + 5 <= body.length;) {
    const length = body.readUInt32BE(at + 1)
    if (at + 5 + length > body.length) break
    const message = body.subarray(at + 5, at + 5 + length)
    if (body[at] !== 0 && encoding === undefined)
      throw new ConnectError('grpc: compressed flag set with identity or empty encoding', Code.Internal)
    messages.push(body[at] === 0 ? message : gunzipSync(message))
    at += 5 + length
  }
  return messages
}
