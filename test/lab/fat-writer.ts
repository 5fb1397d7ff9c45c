/** A FAT file system (Microsoft FAT specification): files by their paths, in one piece each. */

export interface FatOptions {
  /** The builder of ISOs makes FAT32. */
  readonly bits?: 12 | 16 | 32
  /** In bytes. */
  readonly sector?: number
  /** Sectors in a cluster. */
  readonly perCluster?: number
  /** Copies of the table. */
  readonly tables?: 1 | 2
  /** At least so many clusters; those behind the files are free. */
  readonly clusters?: number
}

/** Where the parts are, in bytes. */
export interface FatPlaces {
  /** Of the first table. */
  readonly tableAt: number
  /** Of cluster 2. */
  readonly dataAt: number
  readonly clusterSize: number
  /** Of the root directory: a cluster of FAT32, else a place. */
  readonly root: number
}

const folder = 0x10
const volume = 0x08
/** Of FAT12 and FAT16. */
const rootEntries = 64

interface Folder {
  readonly folders: Map<string, Folder>
  readonly files: Map<string, Buffer>
}

const emptyFolder = (): Folder => ({ folders: new Map(), files: new Map() })

export function writeFat(files: Readonly<Record<string, Buffer>>, options: FatOptions = {}): Buffer {
  return layFat(files, options).image
}

/** The same, with where its parts are. */
export function layFat(
  files: Readonly<Record<string, Buffer>>,
  { bits = 32, sector = 512, perCluster = 8, tables = 2, clusters: least = 0 }: FatOptions = {},
): { readonly image: Buffer; readonly places: FatPlaces } {
  const clusterSize = sector * perCluster
  const last = { 12: 0xfff, 16: 0xffff, 32: 0x0fff_ffff }[bits]
  const clusters: Buffer[] = []
  const chain: number[] = [last - 7, last]
  /** Takes clusters in a row; answers the first one. */
  const place = (data: Buffer): number => {
    const first = chain.length
    const count = Math.max(1, Math.ceil(data.length / clusterSize))
    clusters.push(data, Buffer.alloc(count * clusterSize - data.length))
    for (let index = 1; index <= count; index++) chain.push(index === count ? last : first + index)
    return first
  }
  const rowsOf = ({ folders, files: own }: Folder): Buffer =>
    Buffer.concat([
      ...[...folders].map(([name, inner], index) =>
        entry(name, { index, cluster: placeFolder(inner), attributes: folder }),
      ),
      ...[...own].map(([name, data], index) =>
        entry(name, { index: 100 + index, cluster: data.length === 0 ? 0 : place(data), bytes: data.length }),
      ),
    ])
  const placeFolder = (inner: Folder): number => {
    const rows = rowsOf(inner)
    // Nobody follows the way back, which would be known only later.
    const dots = [row('.', '', { cluster: chain.length, attributes: folder }), row('..', '', { attributes: folder })]
    return place(Buffer.concat([...dots, rows]))
  }
  const rootRows = Buffer.concat([row('TALOS', '', { attributes: volume }), rowsOf(treeOf(files))])
  const isLarge = bits === 32
  const rootAt = isLarge ? place(rootRows) : 0
  const fixedRoot = Buffer.alloc(isLarge ? 0 : Math.ceil((rootEntries * 32) / sector) * sector)
  if (!isLarge) rootRows.copy(fixedRoot)
  const free = Math.max(0, least - (chain.length - 2))
  clusters.push(Buffer.alloc(free * clusterSize))
  for (let index = 0; index < free; index++) chain.push(0)
  const table = tableOf(chain, bits, sector)
  const reserved = isLarge ? 32 : 1
  const dataSectors = reserved + (tables * table.length + fixedRoot.length) / sector
  const head = bootSector({
    bits,
    sector,
    perCluster,
    reserved,
    tables,
    sectors: dataSectors + (chain.length - 2) * perCluster,
    tableSectors: table.length / sector,
    rootAt,
  })
  const parts = [head, ...Array.from({ length: tables }, () => table), fixedRoot, ...clusters]
  const tableAt = reserved * sector
  return {
    image: Buffer.concat(parts),
    places: {
      tableAt,
      dataAt: dataSectors * sector,
      clusterSize,
      root: isLarge ? rootAt : tableAt + tables * table.length,
    },
  }
}

function treeOf(files: Readonly<Record<string, Buffer>>): Folder {
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
  return root
}

/** What comes behind each cluster, as it is written. */
function tableOf(chain: readonly number[], bits: 12 | 16 | 32, sector: number): Buffer {
  const table = Buffer.alloc(Math.ceil((chain.length * bits) / 8 / sector) * sector)
  for (const [cluster, next] of chain.entries()) setNext(table, { bits, cluster, next })
  return table
}

/** Writes what comes behind a cluster into a table, which begins at `tableAt`. */
export function setNext(
  image: Buffer,
  { bits, cluster, next, tableAt = 0 }: { bits: 12 | 16 | 32; cluster: number; next: number; tableAt?: number },
): void {
  const at = tableAt + Math.floor((cluster * bits) / 8)
  if (bits === 32) image.writeUInt32LE(next, at)
  else if (bits === 16) image.writeUInt16LE(next, at)
  else {
    const other = image.readUInt16LE(at)
    image.writeUInt16LE(cluster % 2 === 0 ? (other & 0xf000) | next : (other & 0x000f) | (next << 4), at)
  }
}

interface Geometry {
  readonly bits: 12 | 16 | 32
  readonly sector: number
  readonly perCluster: number
  readonly reserved: number
  readonly tables: number
  readonly sectors: number
  readonly tableSectors: number
  readonly rootAt: number
}

function bootSector(geometry: Geometry): Buffer {
  const { bits, sector, perCluster, reserved, tables, sectors, tableSectors, rootAt } = geometry
  const head = Buffer.alloc(reserved * sector)
  head.writeUInt16LE(sector, 11)
  head.writeUInt8(perCluster, 13)
  head.writeUInt16LE(reserved, 14)
  head.writeUInt8(tables, 16)
  head.writeUInt8(0xf8, 21)
  if (bits === 32) {
    head.writeUInt32LE(sectors, 32)
    head.writeUInt32LE(tableSectors, 36)
    head.writeUInt32LE(rootAt, 44)
  } else {
    head.writeUInt16LE(rootEntries, 17)
    if (sectors < 65_536) head.writeUInt16LE(sectors, 19)
    else head.writeUInt32LE(sectors, 32)
    head.writeUInt16LE(tableSectors, 22)
  }
  head.writeUInt16LE(0xaa55, 510)
  return head
}

interface Entry {
  /** Among others: short names must differ. */
  readonly index: number
  readonly cluster: number
  readonly bytes?: number
  readonly attributes?: number
}

function entry(name: string, { index, ...what }: Entry): Buffer {
  const isShort = /^[A-Z0-9]{1,8}(\.[A-Z0-9]{1,3})?$/.test(name)
  const [stem = '', extension = ''] = isShort ? name.split('.') : [`LONG~${index}`, '']
  const short = row(stem, extension, what)
  return isShort ? short : Buffer.concat([longName(name, short.subarray(0, 11)), short])
}

function row(
  stem: string,
  extension: string,
  { cluster = 0, bytes = 0, attributes = 0x20 }: Partial<Omit<Entry, 'index'>>,
): Buffer {
  const one = Buffer.alloc(32)
  one.write(stem.padEnd(8) + extension.padEnd(3), 'latin1')
  one.writeUInt8(attributes, 11)
  one.writeUInt16LE(cluster >>> 16, 20)
  one.writeUInt16LE(cluster & 0xffff, 26)
  one.writeUInt32LE(bytes, 28)
  return one
}

function longName(name: string, short: Buffer): Buffer {
  const checksum = short.reduce((sum, byte) => (((sum & 1) << 7) + (sum >>> 1) + byte) & 0xff, 0)
  const count = Math.ceil(name.length / 13)
  const rows = Array.from({ length: count }, (_, index) => {
    const one = Buffer.alloc(32, 0xff)
    one.writeUInt8((index + 1) | (index === count - 1 ? 0x40 : 0), 0)
    one.writeUInt16LE(0x000f, 11)
    one.writeUInt8(checksum, 13)
    one.writeUInt16LE(0, 26)
    const places = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30]
    for (const [letter, at] of places.entries()) {
      const position = index * 13 + letter
      if (position <= name.length) one.writeUInt16LE(position === name.length ? 0 : name.charCodeAt(position), at)
    }
    return one
  })
  return Buffer.concat(rows.toReversed())
}
