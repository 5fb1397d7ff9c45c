import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createNutUps, type UpsOptions } from '../../../src/adapters/nut/ups.ts'
import { lacks } from '../../lab/needs.ts'
import { ambiguous, dialects, homeMade } from '../../lab/upsd/dialects.ts'
import type { Dialect } from '../../lab/upsd/misbehaviour.ts'
import { startUpsdStandIn, type UpsdStandIn } from '../../lab/upsd/stand-in.ts'
import { soon } from '../../patience.ts'

const address = '127.0.43.19'
const user = { user: 'monuser', password: 'secret' }
const failing = { status: ['OB', 'DISCHRG', 'LB'], charge: 13.5, runtime: 61_000, load: 18 }

async function start(dialect: Dialect): Promise<UpsdStandIn> {
  const upsd = await startUpsdStandIn({ address })
  await upsd.status('OB DISCHRG LB')
  await upsd.set('battery.charge', '13.5')
  await upsd.set('battery.runtime', '61')
  upsd.misbehaviour.dialect = dialect
  return upsd
}
const client = ({ port }: UpsdStandIn, options: Partial<UpsOptions> = {}) =>
  createNutUps({ host: address, port, name: 'ups', credentials: user, login: false, ...options })

/** NUT's own reader, and what it prints. */
const upsc = (upsd: UpsdStandIn) =>
  promisify(execFile)('upsc', [`ups@${address}:${upsd.port}`], { timeout: 15_000 }).then(
    ({ stdout }) => stdout,
    () => '',
  )
const hasUpsc = await promisify(execFile)('upsc', ['-V']).then(
  () => true,
  () => false,
)

const named = Object.entries({ ...dialects, 'is made by somebody at home': homeMade }) as [string, Dialect][]

describe('a server that', () => {
  test.concurrent.each(named)('%s is read at the first question, and at each one after it', async (_, dialect) => {
    await using upsd = await start(dialect)
    await using ups = client(upsd)
    expect(await ups.read(soon())).toMatchObject(failing)
    expect(await ups.readStatus(soon())).toEqual(failing.status)
    await upsd.status('OL CHRG')
    expect(await ups.readStatus(soon())).toEqual(['OL', 'CHRG'])
    expect(await ups.read(soon())).toMatchObject({ ...failing, status: ['OL', 'CHRG'] })
  })

  test.concurrent.each(named)('%s is asked for its status alone at the first question', async (_, dialect) => {
    await using upsd = await start(dialect)
    await using ups = client(upsd)
    expect(await ups.readStatus(soon())).toEqual(failing.status)
    expect(await ups.read(soon())).toMatchObject(failing)
  })

  test.concurrent.each(named)('%s shows all that it has', async (_, dialect) => {
    await using upsd = await start(dialect)
    await using ups = client(upsd)
    const { variables } = await ups.details(soon())
    expect(variables['ups.status']?.trim()).toBe('OB DISCHRG LB')
    expect(variables['device.model']?.trim()).toBe('Smart 1500')
  })

  test('says to GET VAR that it has no such variable, and knows only LIST VAR, is understood a question later', async () => {
    await using upsd = await start({ unknown: /^GET VAR/, unknownAs: 'VAR-NOT-SUPPORTED' })
    await using ups = client(upsd)
    expect(await ups.readStatus(soon())).toEqual([])
    expect(await ups.readStatus(soon())).toEqual(failing.status)
    expect(await ups.read(soon())).toMatchObject(failing)
  })

  test('loses all but one command of a packet is asked one at a time from then on, over one connection', async () => {
    for (const answersOf of ['the first', 'the last', 'a single one'] as const) {
      await using upsd = await start({ answersOf })
      await using ups = client(upsd)
      await ups.read(soon())
      upsd.misbehaviour.dropAfter = undefined
      const before = upsd.commands.length
      for (const _ of [1, 2, 3]) expect(await ups.read(soon())).toMatchObject(failing)
      // A question that was lost would be asked again.
      expect(upsd.commands.slice(before).filter((command) => command === 'GET VAR ups ups.status')).toHaveLength(3)
      expect(upsd.connections).toBe(1)
    }
  })

  test('wants a user gets it once a connection, and again where the connection is new', async () => {
    await using upsd = await start({ refusesStrangersWith: 'USERNAME-REQUIRED' })
    await using ups = client(upsd)
    for (const _ of [1, 2]) await ups.read(soon())
    const said = () => upsd.commands.filter((command) => command.startsWith('PASSWORD'))
    expect(said()).toEqual(['PASSWORD secret'])
    await upsd.stop()
    await upsd.start()
    await expect.poll(() => ups.readStatus(soon()).catch(() => undefined)).toEqual(['OL', 'CHRG'])
    expect(said()).toHaveLength(2)
  })

  test('wants a user and gets none says what is missing', async () => {
    await using upsd = await start({ refusesStrangersWith: 'USERNAME-REQUIRED' })
    await using ups = client(upsd, { credentials: undefined })
    await expect(ups.read(soon())).rejects.toMatchObject({ code: 'rejected', message: /set user and password/ })
  })

  test('answers for another UPS is not believed', async () => {
    await using upsd = await start({ rewrite: (line) => line.replace(/ ups /, ' attic ') })
    await using ups = client(upsd)
    await expect(ups.read(soon())).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('answers for attic, and ups was asked for: VAR attic ups.status'),
    })
  })

  test('has no STARTTLS is read in plain text where TLS is only preferred', async () => {
    for (const unknownAs of ['UNKNOWN-COMMAND', 'INVALID-ARGUMENT', 'CMD-NOT-SUPPORTED']) {
      await using upsd = await start({ unknown: /^STARTTLS/, unknownAs })
      await using ups = client(upsd, { tls: 'preferred' })
      expect(await ups.read(soon())).toMatchObject(failing)
      expect(ups.secure).toBe(false)
    }
  })
})

test('upsd itself is asked for everything at once, before and after a pause of it', async () => {
  await using upsd = await start({})
  await using ups = client(upsd, { timeout: 600 })
  await ups.read(soon())
  upsd.misbehaviour.halfOpen = true
  await expect(ups.read(soon())).rejects.toMatchObject({ code: 'unreachable' })
  upsd.misbehaviour.halfOpen = false
  await expect.poll(() => ups.read(soon()).catch(() => undefined)).toMatchObject(failing)
  upsd.misbehaviour.delayMs = 100
  const before = upsd.commands.length
  const reading = ups.read(soon())
  // All of them are there before the first is answered.
  await expect.poll(() => upsd.commands.length - before, { interval: 1 }).toBeGreaterThanOrEqual(6)
  await reading
})

describe('a status that can be meant in more than one way', () => {
  test.each(Object.entries(ambiguous))('(%s) is refused with its line, and told of once', async (what, rewrite) => {
    for (const unknown of [undefined, /^GET/]) {
      await using upsd = await start({ rewrite, ...(unknown ? { unknown } : {}) })
      const told: (string | undefined)[] = []
      await using ups = client(upsd, { onUnclear: (why) => told.push(why) })
      const line = rewrite('VAR ups ups.status "OB LB"').trim()
      for (const ask of [ups.read, ups.readStatus, ups.read])
        await expect(ask(soon())).rejects.toMatchObject({ code: 'malformed', message: expect.stringContaining(line) })
      upsd.misbehaviour.dialect = unknown ? { unknown } : undefined
      await expect.poll(() => ups.read(soon()).catch(() => undefined)).toMatchObject(failing)
      // A line with an open quote can't be told from a part of one: with GET it ends the connection, and the error tells of it.
      const isOpen = what.startsWith('a quote') && unknown === undefined
      expect(told).toEqual([expect.stringContaining(line), undefined].slice(isOpen ? 1 : 0))
    }
  })
})

test('a figure that can be meant in more than one way is left out and told of once, however it changes', async () => {
  await using upsd = await start({})
  const told: (string | undefined)[] = []
  await using ups = client(upsd, { onUnclear: (why) => told.push(why) })
  for (const runtime of ['1,234', '1,233']) {
    await upsd.set('battery.runtime', runtime)
    const reading = await ups.read(soon())
    expect([reading.runtime, reading.charge]).toEqual([undefined, 13.5])
  }
  await upsd.set('battery.runtime', '61')
  expect(await ups.read(soon())).toMatchObject(failing)
  expect(told).toEqual([expect.stringContaining('battery.runtime "1,234"'), undefined])
})

describe.skipIf(lacks(hasUpsc ? undefined : 'upsc is missing: install nut-client'))('what upsc reads', () => {
  test.concurrent.each(named)('of a server that %s, we read', async (_, dialect) => {
    await using upsd = await start(dialect)
    const printed = await upsc(upsd)
    await using ups = client(upsd)
    const status = (await ups.readStatus(soon()).catch(() => [])).join(' ')
    const [, theirs = ''] = /^ups\.status: (.*)$/m.exec(printed) ?? []
    // Where a value has no quotes upsc cuts it in half, and we do not.
    expect(status.startsWith(theirs.trim()), `${theirs} is not the beginning of ${status}`).toBe(true)
  })
})
