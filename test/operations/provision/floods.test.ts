import { expect, test } from 'vitest'
import { createJournal } from '../../../src/core/journal.ts'
import { machineKind } from '../../../src/core/provision/machine.ts'
import type { RecordStore } from '../../../src/core/records.ts'
import { memoryStore } from '../../fakes/journal.ts'
import { asks, loadsImage, mac, stranger, uuid } from '../../fakes/machines.ts'
import { openDesk, start, worker } from './at-desk.ts'

const strangers = Number(process.env['SEEDS'] ?? 1) > 1 ? 10_000 : 2_000

/** What a flood leaves must be small: records, entries and alerts. */
async function left(it: ReturnType<typeof openDesk>) {
  return {
    machines: it.desk.machines().length,
    records: it.journal.records(machineKind).newest(100_000).length,
    entries: it.journal.entries(100_000).length,
    alerts: (await it.told()).length,
  }
}

const floods = [
  { name: 'one address', at: () => '192.168.0.66', most: 8 },
  { name: 'many addresses', at: undefined, most: 192 },
]

test.for(floods)(
  'a flood of strangers from $name gets nothing, and takes no place of those that are known',
  async ({ at, most }) => {
    const it = openDesk()
    it.world.boots = [loadsImage(new Date(start).toISOString())]
    it.renderer.written = []
    const known = it.desk.ask(asks())
    const one = stranger(1_000_000, '192.168.0.40')
    it.approves(one, { ...worker, name: 'worker-9' })
    let waiting = 0
    for (let n = 0; n < strangers; n += 1) {
      const answer = it.desk.ask(at === undefined ? stranger(n) : stranger(n, at()))
      expect(answer.kind === 'wait' || answer.kind === 'refuse').toBe(true)
      if (answer.kind === 'wait') waiting += 1
      // Over 25 minutes: as long as an approval stands, and longer than newcomers are counted.
      it.passes(1_500_000 / strangers)
    }
    expect(waiting).toBeLessThanOrEqual(most)
    expect(it.desk.ask(asks())).toMatchObject({ kind: 'wait', code: known.kind === 'wait' ? known.code : '' })
    expect(it.desk.ask(one).kind).toBe('deliver')
    const { machines, records, entries, alerts } = await left(it)
    expect(machines).toBeLessThanOrEqual(66)
    expect(records).toBe(machines)
    expect(entries).toBeLessThan(400)
    expect(alerts).toBeLessThanOrEqual(9)
    expect(it.alerts.all.some(({ id }) => id === `provision.pending:${uuid}`)).toBe(true)
  },
)

test('whoever claims a known card with ever other UUIDs does not write all day, and drives nobody away', () => {
  let writes = 0
  const it = openDesk({
    journal: (now) =>
      createJournal(
        counting(() => void (writes += 1)),
        now,
      ),
  })
  const other = stranger(1_000_000, '192.168.0.40')
  it.world.boots = [loadsImage(new Date(start).toISOString(), { ...other.claim, address: other.address })]
  it.renderer.written = [{ name: 'worker-2' }]
  const known = it.desk.ask(other)
  for (let n = 0; n < strangers; n += 1) {
    const { claim, ...from } = stranger(n)
    it.passes(50)
    it.desk.ask(asks({ ...from, claim: { ...claim, mac } }))
  }
  expect(writes).toBeLessThan(110)
  expect(it.desk.ask(other)).toEqual(known)
})

/** Records in memory: each that has to be on the disk at once is told of. */
function counting(wrote: () => void): RecordStore {
  const store = memoryStore()
  return {
    ...store,
    records: (kind) => {
      const records = store.records(kind)
      return {
        ...records,
        save: (record, durability) => {
          if (kind.name === machineKind.name && durability === 'now') wrote()
          records.save(record, durability)
        },
      }
    },
  }
}

test('whoever claims a known machine from everywhere does not drive it away', () => {
  const it = openDesk()
  const known = it.desk.ask(asks())
  for (let n = 0; n < 100; n += 1)
    it.desk.ask(
      asks({ address: `192.168.1.${n % 50}`, claim: { mac: `02:00:00:00:00:${n.toString(16).padStart(2, '0')}` } }),
    )
  expect(it.desk.ask(asks())).toEqual(known)
  expect(it.desk.machines()[0]!.claimants.length).toBeLessThanOrEqual(8)
})

test('many questions from one address are one entry with a count', () => {
  const it = openDesk()
  for (let n = 0; n < 50; n += 1) it.desk.ask(asks())
  it.passes(600_000)
  it.desk.look()
  expect(it.texts().slice(0, 2)).toMatchObject([
    expect.stringContaining(`${mac} at 192.168.0.21 asks for its configuration, code`),
    '192.168.0.21 asked for a configuration 49 more times within 10 min',
  ])
})

test('more than eight machines that ask are one alert for those beyond', async () => {
  const it = openDesk()
  for (let n = 0; n < 8; n += 1) it.desk.ask(stranger(n))
  expect((await it.told()).length).toBe(8)
  it.desk.ask(stranger(8))
  it.desk.ask(stranger(9))
  const told = await it.told()
  expect(told.length).toBe(9)
  expect(told.filter((one) => one.startsWith('provision.others'))).toMatchObject([
    expect.stringContaining('More than 8 machines ask'),
  ])
})

test('those that only asked are forgotten after a week of silence, and others are not', async () => {
  const it = openDesk()
  it.desk.ask(stranger(1))
  it.approves()
  ;(await it.desk.take(asks())).sent()
  it.passes(8 * 86_400_000)
  it.desk.look()
  expect(it.desk.machines()).toMatchObject([{ id: uuid, state: 'delivered' }])
  expect(mac).not.toBe(uuid)
})
