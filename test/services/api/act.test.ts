import { describe, expect, test } from 'vitest'
import type { Config } from '../../../src/config/config.ts'
import { createActions } from '../../../src/operations/actions.ts'
import { type DoorOptions, key, openDoor } from './door.ts'

/** No UPS is configured. */
const unpowered = { power: { upses: new Map() }, config: () => ({}) as Config }
const proxy = '127.0.204.9'
const proxied: DoorOptions = { section: { proxy: { from: [proxy], scope: 'operate' } } }

describe('the page of a button', () => {
  test.each([
    { what: 'the name that a proxy signed in', headers: { 'remote-user': 'alice' }, by: 'alice' },
    {
      what: 'no name where a page of somebody else has a browser press it',
      headers: { 'remote-user': 'alice', 'sec-fetch-site': 'cross-site' },
      by: 'somebody at 10.0.0.7',
    },
    { what: 'the address of who has signed in nowhere', headers: {}, by: 'somebody at 10.0.0.7' },
  ])('is pressed by $what', async ({ headers, by }) => {
    await using door = await openDoor(proxied)
    const { operator, alerts, journal, at } = door
    const actions = createActions({ ...unpowered, key, operator, alerts, journal, now: () => at.now })
    const path = `/act/phone/${actions.issue('phone', { do: 'approve', subject: 'v1.14.1' })}`
    const sent = { 'x-forwarded-for': '10.0.0.7', ...headers }
    expect(await door.ask({ path, method: 'POST', headers: sent, from: proxy })).toMatchObject({ status: 200 })
    expect(door.heard).toMatchObject([{ by: `${by} with a button of channel phone` }])
  })

  test('shows what it would do to whoever has the link, does it once, and is of no use by another name', async () => {
    await using door = await openDoor({ section: { anonymous: 'never' } })
    const actions = createActions({
      key,
      operator: door.operator,
      alerts: door.alerts,
      journal: door.journal,
      ...unpowered,
      now: () => door.at.now,
    })
    const path = `/act/phone/${actions.issue('phone', { do: 'approve', subject: 'v1.14.1' })}`
    expect(await door.ask({ path, headers: { host: 'evil.example' }, method: 'POST' })).toMatchObject({ status: 421 })
    expect(await door.ask({ path })).toMatchObject({ status: 200, text: expect.stringContaining('v1.14.1') })
    expect(door.heard).toEqual([])
    expect(await door.ask({ path, method: 'POST' })).toMatchObject({ status: 200 })
    expect(await door.ask({ path, method: 'POST' })).toMatchObject({ status: 409 })
    const by = 'somebody at 127.0.0.1 with a button of channel phone'
    expect(door.heard).toEqual([{ request: 'rollouts.approve', by, verified: true }])
    expect(await door.ask({ path: '/actor' })).toMatchObject({ status: 401 })
  })
})
