/** Of a database on x86; arm64 has 16 or 64 KiB where the kernel's own pages have (go.etcd.io/bbolt takes the system's). */
const pageSize = 4096
const magic = 0xed0cdaed
const flags = { leaf: 2, meta: 4 }
const header = 16
const leafElement = 16
const bucketLeaf = 1
/** The list of free pages is not on the disk: etcd opens its database with NoFreelistSync. */
const noFreelist = 0xffff_ffff_ffff_ffffn

/** A bucket's keys and values. */
export type Bucket = readonly (readonly [key: Uint8Array, value: Uint8Array])[]

/**
 * A database as bbolt's `Tx.WriteTo` writes it, which is what a snapshot of etcd is: two pages of meta, the second one
 * a transaction behind; a leaf with all buckets; and pages of their own for those that are more than a quarter of a
 * page (go.etcd.io/bbolt internal/common/{page,meta,bucket}.go, tx.go). `transaction` is the one that wrote it last.
 */
export function bboltOf(buckets: Readonly<Record<string, Bucket>>, transaction: number): Buffer {
  const pages: Buffer[] = []
  const append = (page: Buffer): number => {
    const id = 2 + pages.reduce((sum, { length }) => sum + length / pageSize, 0)
    page.writeBigUInt64LE(BigInt(id), 0)
    pages.push(page)
    return id
  }
  const named = Object.entries(buckets).map(([name, items]) => {
    const leaf = leafOf(items, 0)
    const isInline = leaf.length <= pageSize / 4
    const root = isInline ? 0 : append(padded(leaf))
    return [Buffer.from(name), Buffer.concat([bucketOf(root), ...(isInline ? [leaf] : [])])] as const
  })
  const root = append(padded(leafOf(named, bucketLeaf)))
  const total = 2 + pages.reduce((sum, { length }) => sum + length / pageSize, 0)
  const metas = [0, 1].map((id) => metaOf({ id, root, total, transaction: transaction - id }))
  return Buffer.concat([...metas, ...pages])
}

/** A bucket's own header: where its pages begin (0: right behind the header), and a sequence that etcd does not use. */
function bucketOf(root: number): Buffer {
  const bucket = Buffer.alloc(16)
  bucket.writeBigUInt64LE(BigInt(root), 0)
  return bucket
}

function leafOf(items: Bucket, flag: number): Buffer {
  const sorted = items.toSorted(([a], [b]) => Buffer.compare(a, b))
  const head = Buffer.alloc(header + sorted.length * leafElement)
  head.writeUInt16LE(flags.leaf, 8)
  head.writeUInt16LE(sorted.length, 10)
  let at = head.length
  sorted.forEach(([key, value], index) => {
    const element = header + index * leafElement
    head.writeUInt32LE(flag, element)
    // Counted from the element itself.
    head.writeUInt32LE(at - element, element + 4)
    head.writeUInt32LE(key.length, element + 8)
    head.writeUInt32LE(value.length, element + 12)
    at += key.length + value.length
  })
  return Buffer.concat([head, ...sorted.flat()])
}

/** Whole pages; those after the first are its overflow. */
function padded(leaf: Buffer): Buffer {
  const count = Math.ceil(leaf.length / pageSize)
  const page = Buffer.alloc(count * pageSize)
  leaf.copy(page)
  page.writeUInt32LE(count - 1, 12)
  return page
}

interface Meta {
  readonly id: number
  readonly root: number
  /** Pages in the database. */
  readonly total: number
  readonly transaction: number
}

/** The magic number stands at offset 16 of the page, little endian; the checksum is of all of the meta before it. */
function metaOf({ id, root, total, transaction }: Meta): Buffer {
  const page = Buffer.alloc(pageSize)
  page.writeBigUInt64LE(BigInt(id), 0)
  page.writeUInt16LE(flags.meta, 8)
  const meta = page.subarray(header)
  meta.writeUInt32LE(magic, 0)
  meta.writeUInt32LE(2, 4)
  meta.writeUInt32LE(pageSize, 8)
  meta.writeBigUInt64LE(BigInt(root), 16)
  meta.writeBigUInt64LE(noFreelist, 32)
  meta.writeBigUInt64LE(BigInt(total), 40)
  meta.writeBigUInt64LE(BigInt(transaction), 48)
  meta.writeBigUInt64LE(fnv1a(meta.subarray(0, 56)), 56)
  return page
}

/** The checksum of a meta: FNV-1a of 64 bits. */
export function fnv1a(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash
}
