/** A FAT32 file system as the builder of ISOs makes it (Microsoft FAT specification): files by their paths, in one piece each. */

const sector = 512
const clusterSize = 4_096
const reserved = 32
const folder = 0x10

interface Folder {
  readonly folders: Map<string, Folder>
  readonly files: Map<string, Buffer>
}

const emptyFolder = (): Folder => ({ folders: new Map(), files: new Map() })

export function writeFat(files: Readonly<Record<string, Buffer>>): Buffer {
  const root = emptyFolder()
  for (const [path, data] of Object.entries(files)) {
    const names = path.split('/')
    const name = names.pop()!
    let present = root
    for (const one of names) {
      if (!present.folders.has(one)) present.folders.set(one, emptyFolder())
      present = present.folders.get(one)!
    }
    present.files.set(name, data)
  }
  const clusters: Buffer[] = []
  const chain: number[] = [0x0fff_fff8, 0x0fff_ffff]
  /** Takes clusters in a row; answers the first one. */
  const place = (data: Buffer): number => {
    const first = chain.length
    const count = Math.max(1, Math.ceil(data.length / clusterSize))
    clusters.push(data, Buffer.alloc(count * clusterSize - data.length))
    for (let index = 1; index <= count; index++) chain.push(index === count ? 0x0fff_ffff : first + index)
    return first
  }
  const placeFolder = ({ folders, files: own }: Folder): number =>
    place(
      Buffer.concat([
        ...[...folders].map(([name, inner], index) =>
          entry(name, { index, cluster: placeFolder(inner), isFolder: true }),
        ),
        ...[...own].map(([name, data], index) =>
          entry(name, { index: 100 + index, cluster: data.length === 0 ? 0 : place(data), bytes: data.length }),
        ),
      ]),
    )
  const rootAt = placeFolder(root)
  const tableSectors = Math.ceil((chain.length * 4) / sector)
  const table = Buffer.alloc(tableSectors * sector)
  for (const [index, value] of chain.entries()) table.writeUInt32LE(value, index * 4)
  const sectors = reserved + 2 * tableSectors + ((chain.length - 2) * clusterSize) / sector
  return Buffer.concat([bootSector(sectors, tableSectors, rootAt), table, table, ...clusters])
}

function bootSector(sectors: number, tableSectors: number, rootAt: number): Buffer {
  const head = Buffer.alloc(reserved * sector)
  head.writeUInt16LE(sector, 11)
  head.writeUInt8(clusterSize / sector, 13)
  head.writeUInt16LE(reserved, 14)
  head.writeUInt8(2, 16)
  head.writeUInt8(0xf8, 21)
  head.writeUInt32LE(sectors, 32)
  head.writeUInt32LE(tableSectors, 36)
  head.writeUInt32LE(rootAt, 44)
  head.writeUInt16LE(0xaa55, 510)
  return head
}

interface Entry {
  /** Among others: short names must differ. */
  readonly index: number
  readonly cluster: number
  readonly bytes?: number
  readonly isFolder?: boolean
}

function entry(name: string, { index, cluster, bytes = 0, isFolder = false }: Entry): Buffer {
  const isShort = /^[A-Z0-9]{1,8}(\.[A-Z0-9]{1,3})?$/.test(name)
  const [stem = '', extension = ''] = isShort ? name.split('.') : [`LONG~${index}`, '']
  const short = Buffer.from(stem.padEnd(8) + extension.padEnd(3), 'latin1')
  const row = Buffer.alloc(32)
  short.copy(row)
  row.writeUInt8(isFolder ? folder : 0x20, 11)
  row.writeUInt16LE(cluster >>> 16, 20)
  row.writeUInt16LE(cluster & 0xffff, 26)
  row.writeUInt32LE(bytes, 28)
  return isShort ? row : Buffer.concat([longName(name, short), row])
}

function longName(name: string, short: Buffer): Buffer {
  const checksum = short.reduce((sum, byte) => (((sum & 1) << 7) + (sum >>> 1) + byte) & 0xff, 0)
  const count = Math.ceil(name.length / 13)
  const rows = Array.from({ length: count }, (_, index) => {
    const row = Buffer.alloc(32, 0xff)
    row.writeUInt8((index + 1) | (index === count - 1 ? 0x40 : 0), 0)
    row.writeUInt16LE(0x000f, 11)
    row.writeUInt8(checksum, 13)
    row.writeUInt16LE(0, 26)
    const places = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30]
    for (const [letter, at] of places.entries()) {
      const position = index * 13 + letter
      if (position <= name.length) row.writeUInt16LE(position === name.length ? 0 : name.charCodeAt(position), at)
    }
    return row
  })
  return Buffer.concat(rows.toReversed())
}
