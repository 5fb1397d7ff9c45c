import { describe, expect, test } from 'vitest'
import { isoOf, open, primary, root, sector } from './cds.ts'

interface Row {
  readonly plain: string
  /** What stands behind the name (SUSP). */
  readonly more?: Buffer
  readonly at?: number
  readonly bytes?: number
  readonly flags?: number
  readonly extended?: number
}

function rowOf({ plain, more = Buffer.alloc(0), at = 22, bytes = 9, flags = 0, extended = 0 }: Row): Buffer {
  const head = 33 + plain.length + (plain.length % 2 === 0 ? 1 : 0)
  const row = Buffer.alloc(head + more.length + ((head + more.length) % 2))
  row.writeUInt8(row.length, 0)
  row.writeUInt8(extended, 1)
  row.writeUInt32LE(at, 2)
  row.writeUInt32LE(bytes, 10)
  row.writeUInt8(flags, 25)
  row.writeUInt8(plain.length, 32)
  row.write(plain, 33, 'latin1')
  more.copy(row, head)
  return row
}

/** A field of SUSP: two letters, its length, and its version. */
const field = (kind: string, data: string, length = 4 + data.length) =>
  Buffer.from(`${kind}${String.fromCharCode(length)}\u0001${data}`, 'latin1')

describe('a name in a directory', () => {
  /** An image whose root has these rows alone, from this place in it on. */
  const withRows = (rows: readonly Buffer[]) =>
    isoOf((iso) => Buffer.concat(rows).copy(iso.fill(0, root * sector, (root + 1) * sector), root * sector))
  const found = async (rows: readonly Buffer[], path: string) => (await open(withRows(rows))).find(path)
  const place = { start: 22 * sector, end: 22 * sector + 9 }

  test.each([
    { plain: 'README.TXT;1', path: 'readme.txt' },
    { plain: 'README.;1', path: 'readme' },
    { plain: 'README;12', path: 'readme' },
    { plain: 'EVEN', path: 'even' },
    { plain: 'LONG_NAM.EFI;1', more: field('NM', '\0long name.efi'), path: 'Long Name.EFI' },
    { plain: 'A;1', more: Buffer.concat([field('NM', '\u0001two '), field('NM', '\0pieces')]), path: 'two pieces' },
    { plain: 'A;1', more: Buffer.concat([field('PX', '123456'), field('NM', '\0x')]), path: 'x' },
    // Without a name, too long for its row, or too short to be one: nothing of it counts.
    { plain: 'A;1', more: field('NM', '\0'), path: 'a' },
    { plain: 'A;1', more: field('NM', '\0x', 99), path: 'a' },
    { plain: 'A;1', more: Buffer.concat([field('PX', 'x', 3), field('NM', '\0x')]), path: 'a' },
    { plain: 'A;1', more: field('NN', '\0x'), path: 'a' },
    { plain: 'A;1', more: Buffer.concat([field('XX', ''), field('NM', '\0y')]), path: 'y' },
  ])('$plain is $path', async ({ path, ...row }) => {
    expect(await found([rowOf({ plain: 'OTHER;1', at: 3 }), rowOf(row)], path)).toEqual(place)
  })

  test('is found behind what is damaged, and in a later sector', async () => {
    const short = Buffer.from(rowOf({ plain: 'B;1' }))
    short.writeUInt8(99, 32)
    expect(await found([short, rowOf({ plain: 'A;1' })], 'a')).toEqual(place)
    expect(await found([short], 'b')).toBeUndefined()
    const { length } = rowOf({ plain: 'A;1' })
    const iso = Buffer.concat([isoOf(), Buffer.alloc(2 * sector)])
    const at = iso.length - 2 * sector
    iso.writeUInt32LE(at / sector, primary * sector + 156 + 2)
    iso.writeUInt32LE(2 * sector, primary * sector + 156 + 10)
    rowOf({ plain: 'B;1' }).copy(iso, at + sector - length)
    rowOf({ plain: 'A;1' }).copy(iso, at + sector)
    // The end of the first sector is empty.
    for (const name of ['a', 'b'])
      expect(await (await open(iso)).find(name), name).toEqual(name === 'a' ? place : undefined)
    iso.fill(0, at, at + sector)
    rowOf({ plain: 'B;1' }).copy(iso, at)
    for (const name of ['a', 'b']) expect(await (await open(iso)).find(name), name).toEqual(place)
  })

  test('of less than its fields ends nothing', async () => {
    const stub = Buffer.alloc(33)
    stub.writeUInt8(33, 0)
    stub.write('X', 32)
    expect(await found([stub, rowOf({ plain: 'A;1' })], 'a')).toEqual(place)
    // One whose name goes on in the next is none.
    const short = rowOf({ plain: 'AB' })
    short.writeUInt8(34, 0)
    expect(await found([short], 'ab')).toBeUndefined()
  })

  test('may end with its directory, and not behind it', async () => {
    const row = rowOf({ plain: 'A;1', more: field('NM', '\0x') })
    for (const missing of [0, 1]) {
      const iso = withRows([row])
      iso.writeUInt32LE(row.length - missing, primary * sector + 156 + 10)
      expect(await (await open(iso)).find('x')).toEqual(missing === 0 ? place : undefined)
    }
  })

  test('leads to its file behind what the file says of itself', async () => {
    expect(await found([rowOf({ plain: 'A;1', at: 21, extended: 1 })], 'a')).toEqual(place)
  })

  test('of a file in parts, or one that is cut off, is refused', async () => {
    await expect(found([rowOf({ plain: 'A;1', flags: 0x80 })], 'a')).rejects.toThrow('a in it is in more than one part')
    const { length } = isoOf()
    const at = length / sector - 1
    expect(await found([rowOf({ plain: 'A;1', at, bytes: sector })], 'a')).toEqual({
      start: length - sector,
      end: length,
    })
    await expect(found([rowOf({ plain: 'A;1', at, bytes: sector + 1 })], 'a')).rejects.toThrow('it ends inside a')
  })

  test('is not looked for in a directory that is far too large, or not there', async () => {
    const sized = (bytes: number) =>
      Buffer.concat([isoOf((iso) => iso.writeUInt32LE(bytes, primary * sector + 156 + 10)), Buffer.alloc(1_100_000)])
    expect(await (await open(sized(1_048_576))).find('none')).toBeUndefined()
    await expect((await open(sized(1_048_577))).find('none')).rejects.toThrow('a directory larger than')
    const gone = isoOf((iso) => iso.writeUInt32LE(iso.length / sector, primary * sector + 156 + 2))
    await expect((await open(gone)).find('none')).rejects.toThrow('it ends inside a directory')
  })
})
