import { describe, expect, test } from 'vitest'
import { agreedClaim, readConfigQuery } from '../../../src/core/provision/config-query.ts'
import { introductionText } from '../../../src/core/provision/introduction.ts'
import { type Claim, idOf, readClaim } from '../../../src/core/provision/question.ts'

/** Who asks, as far as what stands in a request says so. */
const uuid = '4c4c4544-0051-3310-8052-b4c04f4e4d31'
const mac = '52:54:00:12:34:56'
const nobody: Claim = { uuid: undefined, mac: undefined, serial: undefined, hostname: undefined }

describe('a claim', () => {
  test.each<{ name: string; given: Parameters<typeof readClaim>[0]; is: Partial<Claim> }>([
    {
      name: 'is what is said, in one form',
      given: { uuid: ` ${uuid.toUpperCase()} `, mac: '52-54-00-12-34-56', serial: ' SN 42/x&y ', hostname: 'nuc' },
      is: { uuid, mac, serial: 'SN 42/x&y', hostname: 'nuc' },
    },
    { name: 'says nothing where nothing is said', given: { uuid: null, mac: undefined, serial: '' }, is: {} },
    {
      name: 'says nothing by a variable without a value, wherever it stands',
      given: { uuid: '${uuid}', mac: '${mac}', serial: 'SN-${serial}', hostname: '${hostname}' },
      is: {},
    },
    { name: 'is no UUID of another form', given: { uuid: `${uuid}0`, mac }, is: { mac } },
    { name: 'is no UUID of zeros', given: { uuid: '00000000-0000-0000-0000-000000000000', mac }, is: { mac } },
    { name: 'is no UUID of ones', given: { uuid: 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF', mac }, is: { mac } },
    { name: 'is not the UUID of many boards', given: { uuid: '03000200-0400-0500-0006-000700080009' }, is: {} },
    { name: 'nor in the other order of bytes', given: { uuid: '00020003-0004-0005-0006-000700080009' }, is: {} },
    { name: 'is cut off where it is long', given: { serial: 'x'.repeat(65) }, is: { serial: 'x'.repeat(64) } },
    { name: 'holds nothing that a terminal obeys', given: { serial: 'a\u001b[2J', hostname: 'é' }, is: {} },
    { name: 'may be one letter', given: { serial: 'x' }, is: { serial: 'x' } },
  ])('$name', ({ given, is }) => {
    expect(readClaim(given)).toEqual({ ...nobody, ...is })
  })

  test('is known by its UUID, else by its card, else not at all', () => {
    expect([idOf({ uuid, mac }), idOf({ mac }), idOf({ serial: 'x' })]).toEqual([uuid, mac, undefined])
  })
})

describe('a query', () => {
  test('says who asks, and which variables had no value, each once', () => {
    const query = `uuid=${uuid}&mac=52%3A54%3A00%3A12%3A34%3A56&serial=%24%7BSerial%7D&hostname=%24%7Bhostname%7D&code=%24%7Bserial%7D`
    expect(readConfigQuery(query)).toEqual({ claim: { ...nobody, uuid, mac }, missing: ['serial', 'hostname'] })
    expect(readConfigQuery('serial=a+b&hostname=nuc')).toEqual({
      claim: { ...nobody, serial: 'a b', hostname: 'nuc' },
      missing: [],
    })
  })

  test('says by the first of two what it says', () => {
    expect(readConfigQuery(`mac=${mac}&mac=02:00:00:00:00:01`).claim.mac).toBe(mac)
  })
})

describe('two claims of one request', () => {
  const other = '4c4c4544-0051-3310-8052-b4c04f4e4d32'
  test.each<{ name: string; one: Claim; two: Claim; is: Partial<Claim> | undefined }>([
    {
      name: 'complete each other',
      one: { uuid, serial: 'a' },
      two: { mac, hostname: 'h' },
      is: { uuid, mac, serial: 'a', hostname: 'h' },
    },
    { name: 'may say the same', one: { uuid, mac }, two: { uuid, mac }, is: { uuid, mac } },
    { name: 'may say nothing first', one: {}, two: { uuid, serial: 'b' }, is: { uuid, serial: 'b' } },
    { name: 'are not of one machine with two UUIDs', one: { uuid, mac }, two: { uuid: other, mac }, is: undefined },
    { name: 'nor with two cards', one: { uuid, mac }, two: { uuid, mac: '02:00:00:00:00:01' }, is: undefined },
  ])('$name', ({ one, two, is }) => {
    expect(agreedClaim(one, two)).toEqual(is && { ...nobody, ...is })
  })
})

test('what a machine waits with in maintenance is a name, and where its console goes', () => {
  const head = 'apiVersion: v1alpha1\n'
  const name = (hostname: string) => `${head}kind: HostnameConfig\nauto: 'off'\nhostname: ${hostname}\n`
  expect(introductionText({ code: 'BCDF-GHJK', hostname: undefined, log: undefined, events: undefined })).toBe(
    name('pending-bcdf-ghjk'),
  )
  expect(introductionText({ code: 'X', hostname: 'w-1', log: '192.168.0.10:8425', events: '192.168.0.10:8426' })).toBe(
    [
      name('w-1'),
      `${head}kind: KmsgLogConfig\nname: caretaker\nurl: tcp://192.168.0.10:8425/\n`,
      `${head}kind: EventSinkConfig\nendpoint: 192.168.0.10:8426\n`,
    ].join('---\n'),
  )
})
