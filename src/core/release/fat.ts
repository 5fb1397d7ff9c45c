import { type ByteSource, type Extent, latin1, malformed, partOf } from './byte-source.ts'

/** A FAT file system, as firmware reads it (Microsoft FAT specification; UEFI 2.10, 13.3). */
export interface Fat {
  /** What is in a directory, whatever the case of its letters; undefined where it is not there. */
  list(path: string): Promise<readonly FatEntry[] | undefined>
  /** The contents of a file. */
  open(entry: FatEntry): Promise<ByteSource>
}

export interface FatEntry {
  readonly name: string
  readonly isDirectory: boolean
  readonly bytes: number
  readonly cluster: number
}

/** Of one directory, in bytes: two thousand names of eight letters. */
const largestDirectory = 65_536
/** Who copies into an empty file system gets one, or a few. */
const mostPieces = 1_024
/** In bytes: so much of the table is read at once. */
const tableBlock = 16_384

/** Where the parts of the file system are, in bytes of the file. */
interface Geometry {
  readonly bits: 12 | 16 | 32
  readonly table: Extent
  /** Of cluster 2. */
  readonly dataAt: number
  readonly clusterSize: number
  readonly clusters: number
  /** Of FAT32 a chain of clusters, else a place of its own. */
  readonly root: Extent | number
}

/** Opens the FAT file system that begins at `start`. @throws AgentError `malformed` */
export async function openFat(source: ByteSource, start: number): Promise<Fat> {
  const geometry = await readGeometry(source, start)
  const directory = async (cluster: number) => {
    const place = cluster === 0 ? geometry.root : cluster
    if (typeof place !== 'number') return source.read(place.start, place.end - place.start)
    const extents = await followChain(source, geometry, { cluster: place, most: largestDirectory })
    const part = partOf(source, extents)
    return part.read(0, part.size)
  }
  return {
    list: async (path) => {
      let present = entriesOf(await directory(0), geometry)
      for (const name of path.toLowerCase().split('/').filter(Boolean)) {
        const next = present.find((entry) => entry.isDirectory && entry.name.toLowerCase() === name)
        if (!next) return undefined
        present = entriesOf(await directory(next.cluster), geometry)
      }
      return present
    },
    open: async ({ name, cluster, bytes }) => {
      if (bytes === 0) return partOf(source, [])
      const extents = await followChain(source, geometry, { cluster, bytes })
      const last = extents.at(-1)!
      const surplus = extents.reduce((sum, { start: from, end }) => sum + end - from, 0) - bytes
      if (surplus < 0) throw malformed(`${name} is cut off in its file system`)
      return partOf(source, [...extents.slice(0, -1), { start: last.start, end: last.end - surplus }])
    },
  }
}

async function readGeometry(source: ByteSource, start: number): Promise<Geometry> {
  const bytes = await source.read(start, 512)
  if (bytes.length < 512) throw malformed('it is truncated: it ends before what UEFI boots from')
  const view = new DataView(bytes.buffer, bytes.byteOffset, 512)
  const [sector, reserved] = [view.getUint16(11, true), view.getUint16(14, true)]
  const [perCluster, tables, rootEntries] = [view.getUint8(13), view.getUint8(16), view.getUint16(17, true)]
  const sectors = view.getUint16(19, true) || view.getUint32(32, true)
  const tableSectors = view.getUint16(22, true) || view.getUint32(36, true)
  const isFat =
    view.getUint16(510, true) === 0xaa55 &&
    [512, 1_024, 2_048, 4_096].includes(sector) &&
    isPowerOfTwo(perCluster) &&
    reserved > 0 &&
    (tables === 1 || tables === 2) &&
    tableSectors > 0
  if (!isFat) throw malformed('what it boots by UEFI is no FAT file system')
  const rootAt = reserved + tables * tableSectors
  const dataAt = rootAt + Math.ceil((rootEntries * 32) / sector)
  const clusters = Math.floor((sectors - dataAt) / perCluster)
  if (clusters < 1) throw malformed('the file system that it boots from by UEFI has no room')
  if (start + sectors * sector > source.size)
    throw malformed(`it is truncated: ${start + sectors * sector} bytes expected, ${source.size} present`)
  const at = (number: number) => start + number * sector
  const bits = view.getUint16(22, true) === 0 ? 32 : clusters < 4_085 ? 12 : 16
  return {
    bits,
    table: { start: at(reserved), end: at(reserved + tableSectors) },
    dataAt: at(dataAt),
    clusterSize: perCluster * sector,
    clusters,
    root: bits === 32 ? view.getUint32(44, true) : { start: at(rootAt), end: at(dataAt) },
  }
}

const isPowerOfTwo = (value: number) => value > 0 && (value & (value - 1)) === 0

interface Chain {
  readonly cluster: number
  /** As many bytes as are wanted; without it to its end, */
  readonly bytes?: number
  /** and no more than this. */
  readonly most?: number
}

/** Where the clusters of a file are, those in a row as one. @throws AgentError `malformed` */
async function followChain(
  source: ByteSource,
  { bits, table, dataAt, clusterSize, clusters }: Geometry,
  { cluster, bytes, most = Infinity }: Chain,
): Promise<readonly Extent[]> {
  const next = createTableReader(source, table, bits)
  const wanted = Math.ceil((bytes ?? most) / clusterSize)
  // A chain that comes back to itself has more.
  if (bytes !== undefined && wanted > clusters) throw malformed('a file in it is larger than its file system')
  const pieces: { start: number; end: number }[] = []
  let present = cluster
  for (let have = 0; have < wanted; have++) {
    if (present < 2 || present >= clusters + 2) throw malformed('the file system that it boots from is damaged')
    const start = dataAt + (present - 2) * clusterSize
    const last = pieces.at(-1)
    if (last?.end === start) last.end += clusterSize
    else if (pieces.push({ start, end: start + clusterSize }) > mostPieces)
      throw malformed('a file in it lies in more pieces than that of any image')
    const value = next.kept(present) ?? (await next.read(present))
    if (value >= next.end) return pieces
    present = value
  }
  if (bytes === undefined) throw malformed('it has a directory larger than that of any image')
  return pieces
}

/** Reads the table some of it at once: mostly the next entry is the one behind. */
function createTableReader(source: ByteSource, table: Extent, bits: Geometry['bits']) {
  let kept: { readonly start: number; readonly view: DataView } = { start: 0, view: new DataView(new ArrayBuffer(0)) }
  const width = bits === 32 ? 4 : 2
  const placeOf = (cluster: number) => table.start + Math.floor((cluster * bits) / 8)

  function entryIn(cluster: number): number | undefined {
    const at = placeOf(cluster) - kept.start
    if (at < 0 || at + width > kept.view.byteLength) return undefined
    if (bits === 32) return kept.view.getUint32(at, true) & 0x0fff_ffff
    const value = kept.view.getUint16(at, true)
    if (bits === 16) return value
    return cluster % 2 === 0 ? value & 0x0fff : value >>> 4
  }

  return {
    /** From here on a value is the end of a chain. */
    end: { 12: 0xff8, 16: 0xfff8, 32: 0x0fff_fff8 }[bits],
    kept: entryIn,
    read: async (cluster: number) => {
      const start = placeOf(cluster)
      const bytes = await source.read(start, Math.min(tableBlock, table.end - start))
      kept = { start, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) }
      const value = entryIn(cluster)
      if (value === undefined) throw malformed('the file system that it boots from is damaged')
      return value
    },
  }
}

const entrySize = 32
const [isVolume, isFolder, isLongName] = [0x08, 0x10, 0x0f]

/** Names of eight letters and three, and the long ones that stand before them in pieces of 13 letters, the last first. */
function entriesOf(bytes: Uint8Array, { bits }: Geometry): readonly FatEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries: FatEntry[] = []
  let long: { name: string; checksum: number } | undefined
  for (let at = 0; at + entrySize <= view.byteLength; at += entrySize) {
    const first = view.getUint8(at)
    if (first === 0) break
    const attributes = view.getUint8(at + 11)
    if (first !== 0xe5 && (attributes & 0x3f) === isLongName) {
      const checksum = view.getUint8(at + 13)
      const goesOn = (first & 0x40) === 0 && long?.checksum === checksum
      long = { name: longPiece(view, at) + (goesOn ? long!.name : ''), checksum }
      continue
    }
    const short = bytes.subarray(at, at + 11)
    const name = long?.checksum === checksumOf(short) ? long.name : shortName(short)
    long = undefined
    if (first === 0xe5 || (attributes & isVolume) !== 0 || name === '.' || name === '..') continue
    entries.push({
      name,
      isDirectory: (attributes & isFolder) !== 0,
      bytes: view.getUint32(at + 28, true),
      cluster: view.getUint16(at + 26, true) + (bits === 32 ? view.getUint16(at + 20, true) * 65_536 : 0),
    })
  }
  return entries
}

function longPiece(view: DataView, at: number): string {
  const places = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30]
  const letters = places.map((place) => view.getUint16(at + place, true))
  const end = letters.findIndex((letter) => letter === 0 || letter === 0xffff)
  return String.fromCharCode(...letters.slice(0, end < 0 ? letters.length : end))
}

function shortName(bytes: Uint8Array): string {
  const [stem, extension] = [latin1(bytes.subarray(0, 8)).trimEnd(), latin1(bytes.subarray(8, 11)).trimEnd()]
  return extension === '' ? stem : `${stem}.${extension}`
}

/** Binds a long name to the short one that it belongs to. */
function checksumOf(short: Uint8Array): number {
  return short.reduce((sum, byte) => (((sum & 1) << 7) + (sum >>> 1) + byte) & 0xff, 0)
}
