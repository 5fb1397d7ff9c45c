const pageSize = 4096
const magic = 0xed0cdaed
const flags = { branch: 1, leaf: 2, meta: 4, freelist: 16 }

/**
 * Stands for etcd's database: four pages of a bbolt file (go.etcd.io/bbolt internal/common/{page,meta}.go), two of them
 * meta, and one leaf that holds these words. It follows from the words, so that a test can foretell it.
 */
export function bboltOf(words: readonly string[]): Buffer {
  const file = Buffer.alloc(4 * pageSize)
  writeMeta(file, 0)
  writeMeta(file, 1)
  writePage(file, 2, flags.freelist)
  writePage(file, 3, flags.leaf)
  file.write(words.join(','), 3 * pageSize + 16)
  return file
}

function writePage(file: Buffer, id: number, flag: number): number {
  const at = id * pageSize
  file.writeBigUInt64LE(BigInt(id), at)
  file.writeUInt16LE(flag, at + 8)
  return at + 16
}

/** The magic number stands at offset 16 of the page, little endian; the checksum is of all of the meta before it. */
function writeMeta(file: Buffer, id: number): void {
  const at = writePage(file, id, flags.meta)
  file.writeUInt32LE(magic, at)
  file.writeUInt32LE(2, at + 4)
  file.writeUInt32LE(pageSize, at + 8)
  file.writeBigUInt64LE(3n, at + 16)
  file.writeBigUInt64LE(2n, at + 32)
  file.writeBigUInt64LE(4n, at + 40)
  file.writeBigUInt64LE(BigInt(id), at + 48)
  file.writeBigUInt64LE(fnv1a(file.subarray(at, at + 56)), at + 56)
}

function fnv1a(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash
}
