import { describe, expect, test } from 'vitest'
import { createNutUps, type NutUps, type UpsOptions } from '../../../src/adapters/nut/ups.ts'
import { startUpsdStandIn } from '../../lab/upsd/stand-in.ts'
import type { LabUpsd } from '../../lab/upsd/upsd.ts'
import { soon } from '../../patience.ts'

const address = '127.0.43.22'
const secondary = { user: 'monuser', password: 'secret' }
const start = () => startUpsdStandIn({ address })
const client = ({ port }: Pick<LabUpsd, 'port'>, options: Partial<UpsOptions> = {}) =>
  createNutUps({ host: address, port, name: 'ups', timeout: 300, ...options })
const unreachable = expect.objectContaining({ name: 'AgentError', code: 'unreachable' })
const healthy = expect.objectContaining({ status: ['OL', 'CHRG'], charge: 100 })
/** Between two attempts to connect some time has to pass. */
const recovered = (ups: NutUps) => expect.poll(() => ups.read(soon()).catch(() => undefined)).toEqual(healthy)

test('logging out during a login leaves nobody logged in', async () => {
  await using upsd = await start()
  upsd.misbehaviour.delayMs = 20
  await using ups = client(upsd, { credentials: secondary, timeout: 5_000 })
  const reading = ups.read(soon()).catch(() => undefined)
  await expect.poll(() => upsd.commands).toContain('USERNAME monuser')
  await ups.logOut(soon())
  await reading
  await expect.poll(() => upsd.logins()).toBe(0)
  await ups.read(soon())
  expect(await upsd.logins()).toBe(0)
})

describe('logging in again', () => {
  test('by many at once, with readings beside them, is done once', async () => {
    await using upsd = await start()
    const refusals: string[] = []
    await using ups = client(upsd, { credentials: secondary, onLoginRefused: (why) => refusals.push(why) })
    await ups.logOut(soon())
    await ups.read(soon())
    await Promise.all([ups.logIn(soon()), ups.read(soon()), ups.logIn(soon())])
    expect(await upsd.logins()).toBe(1)
    expect(upsd.commands.filter((command) => command.startsWith('LOGIN'))).toHaveLength(1)
    expect(refusals).toEqual([])
  })

  test('in the middle of a log-out is the last word, and so is a log-out in the middle of a login', async () => {
    await using upsd = await start()
    await using ups = client(upsd, { credentials: secondary, timeout: 5_000 })
    await ups.read(soon())
    upsd.misbehaviour.delayMs = 20
    await Promise.all([ups.logOut(soon()), ups.logIn(soon())])
    await ups.read(soon())
    expect(await upsd.logins()).toBe(1)
    await Promise.all([ups.logOut(soon()), ups.logOut(soon())])
    await ups.read(soon())
    await Promise.all([ups.logIn(soon()), ups.logOut(soon())])
    await ups.read(soon())
    await expect.poll(() => upsd.logins()).toBe(0)
  })

  test('that is half done is undone by a log-out, and that by nothing where a log-in comes after it', async () => {
    await using upsd = await start()
    await using ups = client(upsd, { credentials: secondary, timeout: 5_000 })
    const counted = (word: string) => upsd.commands.filter((command) => command.startsWith(word)).length
    for (const [again, end] of [
      [false, 0],
      [true, 1],
    ] as const) {
      await ups.logOut(soon())
      // Over a connection that is there already.
      await ups.read(soon())
      const [users, farewells] = [counted('USERNAME'), counted('LOGOUT')]
      upsd.misbehaviour.delayMs = 50
      const entering = ups.logIn(soon())
      await expect.poll(() => counted('USERNAME'), { interval: 2 }).toBe(users + 1)
      const leaving = ups.logOut(soon())
      await Promise.all([entering.catch(() => undefined), leaving, ...(again ? [ups.logIn(soon())] : [])])
      upsd.misbehaviour.delayMs = 0
      expect(counted('LOGOUT') - farewells).toBe(again ? 0 : 1)
      await expect.poll(() => upsd.logins()).toBe(end)
    }
  })

  test('while LOGOUT is on its way takes another connection', async () => {
    await using upsd = await start()
    await using ups = client(upsd, { credentials: secondary, timeout: 5_000 })
    await ups.read(soon())
    upsd.misbehaviour.delayMs = 50
    const leaving = ups.logOut(soon())
    await expect.poll(() => upsd.commands.at(-1), { interval: 2 }).toBe('LOGOUT')
    await ups.logIn(soon())
    await leaving
    expect(await ups.read(soon())).toEqual(healthy)
    await expect.poll(() => upsd.logins()).toBe(1)
  })

  test('is made good by the next reading where the server was away, or the call was off', async () => {
    await using upsd = await start()
    await using ups = client(upsd, { credentials: secondary })
    await ups.read(soon())
    await ups.logOut(soon())
    await upsd.stop()
    await expect(ups.logIn(soon())).rejects.toEqual(unreachable)
    await upsd.start()
    await recovered(ups)
    expect(await upsd.logins()).toBe(1)
    await ups.logOut(soon())
    await ups.read(soon())
    await expect(ups.logIn(AbortSignal.abort())).rejects.toEqual(unreachable)
    await ups.read(soon())
    expect(await upsd.logins()).toBe(1)
  })

  test('needs no server where no user is configured', async () => {
    await using ups = client({ port: 1 })
    await ups.logIn(soon())
    expect(ups.loggedIn).toBe(false)
  })
})
