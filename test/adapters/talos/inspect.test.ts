import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { TalosAdapter } from '../../../src/adapters/talos/talos.ts'
import { startTalosLab, type TalosLab } from './lab.ts'
import { soon } from '../../patience.ts'

const mac = '02:00:00:00:5b:31'

let at: TalosLab
let reader: TalosAdapter
beforeAll(async () => {
  at = await startTalosLab(
    { name: 'w-1', address: '127.0.91.31', version: 'v1.13.9', mac: mac.toUpperCase() },
    { name: 'w-2', address: '127.0.91.32', version: 'v1.11.6', mac },
  )
  reader = await at.as(['os:reader'])
})
afterAll(() => at[Symbol.asyncDispose]())
const faults = (name = 'w-1') => at.nodes.find((node) => node.name === name)!.faults
beforeEach(
  () => void Object.assign(faults(), { clockOff: 0, timeServer: undefined, wakesBy: ['magic'], cableOut: false }),
)

const card = { name: 'enp1s0', macs: [mac], isUp: true }

test('a node tells its clock, and its network cards with what wakes it, to whoever may read', async () => {
  const { clock, links } = await reader.inspect('w-1', soon())
  expect(clock).toMatchObject({ synced: true, told: { at: expect.any(Number) } })
  expect(clock.trouble).toBeUndefined()
  const { at: theirs, from, to } = clock.told!
  expect(theirs).toBeGreaterThanOrEqual(from)
  expect(theirs).toBeLessThanOrEqual(to)
  // Neither the loopback nor what CNI makes is a card.
  expect(links).toEqual([{ ...card, wakesBy: ['magic'] }])
})

test('a card that wakes by nothing is told apart from a Talos that does not tell', async () => {
  Object.assign(faults(), { wakesBy: [], cableOut: true })
  expect((await reader.inspect('w-1', soon())).links).toEqual([{ ...card, isUp: false, wakesBy: [] }])
  expect((await reader.inspect('w-2', soon())).links).toEqual([{ ...card, wakesBy: [] }])
})

test('a clock that is ahead is seen, also where its time server can not be asked', async () => {
  faults().clockOff = 600_000
  const { told } = (await reader.inspect('w-1', soon())).clock
  expect(told!.at - told!.to).toBeGreaterThan(590_000)
  faults().timeServer = 'i/o timeout'
  const { clock } = await at.talos.inspect('w-1', soon())
  expect(clock).toMatchObject({ synced: false, trouble: 'NTP server "time.cloudflare.com": i/o timeout' })
  expect(clock.told!.at - clock.told!.to).toBeGreaterThan(590_000)
  // Files are for admins: a reader hears of the trouble, and of no time.
  expect((await reader.inspect('w-1', soon())).clock).toEqual({
    synced: false,
    trouble: clock.trouble,
    told: undefined,
  })
})
