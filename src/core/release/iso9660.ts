import { type ByteSource, type Extent, latin1, malformed } from './byte-source.ts'

/** An image of a CD (ECMA-119). Offsets and sizes are in bytes of the file. */
export interface Iso {
  /** The identifier of its volume: `TALOS_V1_13_9`. */
  readonly label: string
  /** Where what UEFI boots from begins, a file system of its own; undefined where it is not made for UEFI. */
  readonly efiAt: number | undefined
  /** The file of this path, whatever the case of its letters; undefined where there is none. */
  find(path: string): Promise<Extent | undefined>
}

const sector = 2_048
/** Volume descriptors begin here, and end with one that says so. */
const firstDescriptor = 16
const mostDescriptors = 16
/** Of one directory, in bytes: some ten thousand files. */
const largestDirectory = 1_048_576

/** Whether a file is an image of a CD, of whatever kind. */
export async function isIso(source: ByteSource): Promise<boolean> {
  return latin1(await source.read(firstDescriptor * sector, 6)) === '\u0001CD001'
}

/**
 * Reads what an image of a CD says of itself, and where what it boots is (ECMA-119 8 and 9; El Torito 1.0).
 *
 * @throws AgentError `malformed`, saying what is wrong with the file
 */
export async function openIso(source: ByteSource): Promise<Iso> {
  if (!(await isIso(source))) throw malformed('it is not a CD image')
  const primary = await viewAt(source, firstDescriptor * sector, sector, 'its volume descriptor')
  if (primary.getUint16(128, true) !== sector) throw malformed('it is a CD image with odd sectors')
  const size = primary.getUint32(80, true) * sector
  if (size > source.size) throw malformed(`it is truncated: ${size} bytes expected, ${source.size} present`)
  const catalogue = await findCatalogue(source)
  if (catalogue === undefined) throw malformed('it is a CD image that does not boot')
  const root = recordAt(primary, 156)!
  return {
    label: textAt(primary, 40, 32).trimEnd(),
    efiAt: await findEfi(source, catalogue),
    find: (path) => findFile(source, root, path),
  }
}

async function viewAt(source: ByteSource, offset: number, length: number, what: string): Promise<DataView> {
  const bytes = await source.read(offset, length)
  if (bytes.length < length) throw malformed(`it is truncated: it ends inside ${what}`)
  return new DataView(bytes.buffer, bytes.byteOffset, length)
}

const textAt = (view: DataView, offset: number, length: number) =>
  latin1(new Uint8Array(view.buffer, view.byteOffset + offset, length))

/** Where the list of what it boots is; undefined where it has none. */
async function findCatalogue(source: ByteSource): Promise<number | undefined> {
  for (let index = firstDescriptor; index < firstDescriptor + mostDescriptors; index++) {
    const view = await viewAt(source, index * sector, 0x4b, 'its volume descriptors')
    if (textAt(view, 1, 5) !== 'CD001' || view.getUint8(0) === 0xff) return undefined
    const isBoot = view.getUint8(0) === 0 && textAt(view, 7, 23) === 'EL TORITO SPECIFICATION'
    if (isBoot) return view.getUint32(0x47, true) * sector
  }
  return undefined
}

const entrySize = 32
/** What an entry is for (UEFI 2.10, 13.3.2.1). */
const forEfi = 0xef

/** One entry is for UEFI: of several it would be the firmware's choice. */
async function findEfi(source: ByteSource, catalogue: number): Promise<number | undefined> {
  const view = await viewAt(source, catalogue, sector, 'the list of what it boots')
  const isList = view.getUint8(0) === 1 && view.getUint16(30, true) === 0xaa55
  if (!isList) throw malformed('its list of what it boots is damaged')
  const found: number[] = []
  const entry = (at: number, platform: number) => {
    if (platform !== forEfi || view.getUint8(at) !== 0x88) return
    if ((view.getUint8(at + 1) & 0x0f) !== 0) throw malformed('what it boots by UEFI is to pass for a floppy disk')
    found.push(view.getUint32(at + 8, true) * sector)
  }
  entry(entrySize, view.getUint8(1))
  for (let at = 2 * entrySize; at < sector;) {
    const [kind, platform, entries] = [view.getUint8(at), view.getUint8(at + 1), view.getUint16(at + 2, true)]
    if (kind !== 0x90 && kind !== 0x91) break
    for (let left = entries; left > 0; left--) {
      at += entrySize
      if (at >= sector) throw malformed('its list of what it boots is damaged')
      entry(at, platform)
    }
    at += entrySize
    if (kind === 0x91) break
  }
  if (found.length > 1) throw malformed('it boots more than one thing by UEFI')
  return found[0]
}

/** A file or a directory (ECMA-119 9.1). */
interface DirectoryRecord extends Extent {
  readonly name: string
  readonly isDirectory: boolean
  /** It goes on in the next record. */
  readonly isPart: boolean
}

/** Undefined where its fields do not fit into it. */
function recordAt(view: DataView, at: number): DirectoryRecord | undefined {
  const length = view.getUint8(at)
  if (length < 34 || at + length > view.byteLength) return undefined
  const nameSize = view.getUint8(at + 32)
  if (33 + nameSize > length) return undefined
  const start = (view.getUint32(at + 2, true) + view.getUint8(at + 1)) * sector
  const flags = view.getUint8(at + 25)
  const more = at + 33 + nameSize + (nameSize % 2 === 0 ? 1 : 0)
  // Without the number of the version, and the dot of a name without an extension.
  const plain = textAt(view, at + 33, nameSize)
    .replace(/;\d*$/, '')
    .replace(/\.$/, '')
  return {
    name: (posixName(view, more, at + length) ?? plain).toLowerCase(),
    start,
    end: start + view.getUint32(at + 10, true),
    isDirectory: (flags & 0x02) !== 0,
    isPart: (flags & 0x80) !== 0,
  }
}

/** The name as it was before it was put on the CD (IEEE P1282, Rock Ridge 4.1.4). */
function posixName(view: DataView, from: number, end: number): string | undefined {
  let name: string | undefined
  for (let at = from; at + 5 <= end;) {
    const length = view.getUint8(at + 2)
    if (length < 4 || at + length > end) break
    if (length > 5 && textAt(view, at, 2) === 'NM') name = (name ?? '') + textAt(view, at + 5, length - 5)
    at += length
  }
  return name
}

async function findFile(source: ByteSource, root: DirectoryRecord, path: string): Promise<Extent | undefined> {
  let present: DirectoryRecord | undefined = root
  for (const name of path.toLowerCase().split('/').filter(Boolean)) {
    if (!present?.isDirectory) return undefined
    present = await findIn(source, present, name)
  }
  if (present === undefined || present.isDirectory) return undefined
  if (present.isPart) throw malformed(`${path} in it is in more than one part`)
  if (present.end > source.size) throw malformed(`it is truncated: it ends inside ${path}`)
  return { start: present.start, end: present.end }
}

async function findIn(
  source: ByteSource,
  { start, end }: DirectoryRecord,
  name: string,
): Promise<DirectoryRecord | undefined> {
  if (end - start > largestDirectory) throw malformed('it has a directory larger than that of any image')
  const view = await viewAt(source, start, end - start, 'a directory')
  for (let at = 0; at < view.byteLength;) {
    const length = view.getUint8(at)
    const record = length > 0 ? recordAt(view, at) : undefined
    if (record?.name === name) return record
    // None crosses the end of a sector.
    at = length > 0 ? at + length : (Math.floor(at / sector) + 1) * sector
  }
  return undefined
}
