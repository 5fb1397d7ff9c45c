import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { connectNut } from '../../../src/adapters/nut/connection.ts'
import { createNutUps, type UpsOptions } from '../../../src/adapters/nut/ups.ts'
import { isUpsdInstalled, startUpsd, upsDescription, type LabUpsd, type LabUpsdOptions } from '../../lab/upsd/upsd.ts'
import { startUpsdStandIn } from '../../lab/upsd/stand-in.ts'
import { soon } from '../../patience.ts'

const address = '127.0.43.11'
// Where the tests must be complete, a missing server is a failure.
const isSkipped = !isUpsdInstalled() && process.env['CI'] !== 'true'
const servers: { name: string; start: (options?: LabUpsdOptions) => Promise<LabUpsd>; isSkipped: boolean }[] = [
  {
    name: isSkipped ? 'a real upsd (skipped: nut-server is not installed)' : 'a real upsd',
    start: (options) => startUpsd({ address, ...options }),
    isSkipped,
  },
  { name: 'the upsd stand-in', start: (options) => startUpsdStandIn({ address, ...options }), isSkipped: false },
]
const secondary = { user: 'monuser', password: 'secret' }
const client = ({ address, port }: LabUpsd, options: Partial<UpsOptions> = {}) =>
  createNutUps({ host: address, port, name: 'ups', ...options })

for (const { name, start, isSkipped } of servers) {
  // At once, because a real one takes two seconds to begin.
  describe.skipIf(isSkipped).concurrent(`NUT on ${name}`, () => {
    test('is read without a user: its status as tokens, its figures in our units', async ({ expect }) => {
      await using upsd = await start()
      await using ups = client(upsd)
      expect(await ups.read(soon())).toEqual({
        status: ['OL', 'CHRG'],
        charge: 100,
        runtime: 3_480_000,
        load: 18,
        chargeLow: 20,
        runtimeLow: 120_000,
      })
      expect(ups.loggedIn).toBe(false)
      expect(await upsd.logins()).toBe(0)
    })

    test('shows a failing power at the next reading', async ({ expect }) => {
      await using upsd = await start()
      await using ups = client(upsd)
      await ups.read(soon())
      await upsd.status('OB DISCHRG LB')
      await upsd.set('battery.charge', '7')
      expect(await ups.read(soon())).toMatchObject({ status: ['OB', 'DISCHRG', 'LB'], charge: 7 })
      await upsd.forceShutdown()
      expect((await ups.read(soon())).status).toEqual(['FSD', 'OB', 'DISCHRG', 'LB'])
    })

    test('may lose variables while it is watched: what it does not tell is left out', async ({ expect }) => {
      await using upsd = await start()
      await using ups = client(upsd)
      await ups.read(soon())
      await upsd.set('battery.runtime', '')
      await upsd.set('battery.charge', '')
      await upsd.set('ups.load', '')
      await upsd.set('battery.charge.low', '')
      await upsd.set('battery.runtime.low', '')
      expect(await ups.read(soon())).toEqual({ status: ['OL', 'CHRG'] })
    })

    test('counts us once while we are logged in, and no longer after LOGOUT', async ({ expect }) => {
      await using upsd = await start()
      await using ups = client(upsd, { credentials: secondary })
      await ups.read(soon())
      await ups.read(soon())
      expect(ups.loggedIn).toBe(true)
      expect(await upsd.logins()).toBe(1)
      await ups.logOut(soon())
      expect(ups.loggedIn).toBe(false)
      await expect.poll(() => upsd.logins()).toBe(0)
      expect((await ups.read(soon())).status).toEqual(['OL', 'CHRG'])
      expect(await upsd.logins()).toBe(0)
      await ups.logOut(soon())
      expect(await upsd.logins()).toBe(0)
    })

    test('counts us again after a log-in, over a new connection and over the one that is there', async ({ expect }) => {
      await using upsd = await start()
      await using ups = client(upsd, { credentials: secondary })
      for (const between of [async () => {}, () => ups.read(soon())]) {
        await ups.logOut(soon())
        await expect.poll(() => upsd.logins()).toBe(0)
        await between()
        expect(ups.loggedIn).toBe(false)
        await ups.logIn(soon())
        expect(ups.loggedIn).toBe(true)
        expect(await upsd.logins()).toBe(1)
        await ups.logIn(soon())
        await ups.read(soon())
        expect(await upsd.logins()).toBe(1)
      }
    })

    test('no longer counts us after we have closed', async ({ expect }) => {
      await using upsd = await start()
      {
        await using ups = client(upsd, { credentials: secondary })
        await ups.read(soon())
        expect(await upsd.logins()).toBe(1)
      }
      await expect.poll(() => upsd.logins()).toBe(0)
    })

    test('refuses a wrong password once per connection, and is read all the same', async ({ expect }) => {
      await using upsd = await start()
      const refusals: string[] = []
      await using ups = client(upsd, {
        credentials: { user: 'monuser', password: 'wrong' },
        onLoginRefused: (why) => refusals.push(why),
      })
      await ups.read(soon())
      expect((await ups.read(soon())).charge).toBe(100)
      expect(refusals).toEqual([expect.stringContaining('ACCESS-DENIED')])
      expect(ups.loggedIn).toBe(false)
      await upsd.stop()
      await upsd.start()
      await expect.poll(() => ups.read(soon()).catch(() => undefined)).toMatchObject({ charge: 100 })
      expect(refusals).toHaveLength(2)
    })

    test('understands a user and a password of nothing but what must be escaped', async ({ expect }) => {
      await using upsd = await start()
      const refusals: string[] = []
      await using ups = client(upsd, {
        credentials: { user: 'a#b"c\\d e=f', password: '#"\\' },
        onLoginRefused: (why) => refusals.push(why),
        // What it does not understand it does not answer, and only this ends the wait.
        timeout: 2_000,
      })
      expect((await ups.read(soon())).charge).toBe(100)
      expect(refusals).toEqual([expect.stringContaining('LOGIN ups as a#b"c\\d e=f')])
    })

    test('tells its description as it was written', async ({ expect }) => {
      await using upsd = await start()
      using nut = await connectNut({ host: upsd.address, port: upsd.port }, { timeout: 3_000, signal: soon() })
      expect(await nut.list('LIST UPS')).toEqual([['UPS', 'ups', upsDescription]])
    })

    test('has no UPS of another name, and says what to do', async ({ expect }) => {
      await using upsd = await start()
      const refusals: string[] = []
      await using ups = client(upsd, {
        name: 'other',
        credentials: secondary,
        onLoginRefused: (why) => refusals.push(why),
      })
      await expect(ups.read(soon())).rejects.toMatchObject({
        code: 'rejected',
        message: expect.stringMatching(/UNKNOWN-UPS.*upsc -l/),
      })
      expect(refusals).toEqual([expect.stringContaining('UNKNOWN-UPS')])
    })

    test('is unreachable while it is gone, and read again when it is back', async ({ expect }) => {
      await using upsd = await start()
      await using ups = client(upsd, { credentials: secondary })
      await ups.read(soon())
      await upsd.stop()
      await expect(ups.read(soon())).rejects.toMatchObject({ code: 'unreachable' })
      expect(ups.loggedIn).toBe(false)
      await expect(ups.read(soon())).rejects.toThrow(/connection refused: is upsd running/)
      await upsd.start()
      await expect.poll(() => ups.read(soon()).catch(() => undefined)).toMatchObject({ status: ['OL', 'CHRG'] })
      expect(await upsd.logins()).toBe(1)
    })

    test('counts us once when many call at once over a connection that broke', async ({ expect }) => {
      await using upsd = await start()
      await using ups = client(upsd, { credentials: secondary })
      await Promise.all(Array.from({ length: 5 }, () => ups.read(soon())))
      expect(await upsd.logins()).toBe(1)
      await upsd.stop()
      await upsd.start()
      await expect.poll(() => ups.loggedIn).toBe(false)
      await Promise.all(Array.from({ length: 5 }, () => ups.read(soon())))
      expect(await upsd.logins()).toBe(1)
    })

    test('tells everything it knows, with who is logged in', async ({ expect }) => {
      await using upsd = await start()
      await using ups = client(upsd, { credentials: secondary })
      const details = await ups.details(soon())
      expect(details.variables).toMatchObject({ 'ups.status': 'OL CHRG', 'ups.model': 'Smart 1500' })
      expect(details.clients).toEqual([expect.stringMatching(/^127\./)])
      expect(details.commands).toEqual(['load.off'])
    })
  })
}

interface NodeNut {
  start(): void
  close(): void
  once(event: 'ready' | 'close', listener: () => void): void
  once(event: 'error', listener: (error: Error) => void): void
  GetUPSList(callback: (list: Record<string, string> | null, error: string | null) => void): void
  GetUPSVars(ups: string, callback: (variables: Record<string, string> | null, error: string | null) => void): void
}
// CommonJS without types, and with globals of its own: one instance, and only reading.
const NodeNut = createRequire(import.meta.url)('node-nut') as new (port: number, host: string) => NodeNut

describe.skipIf(isSkipped)('another reader', () => {
  test('sees the same UPS and the same variables as we do', async () => {
    await using upsd = await startUpsd({ address, variables: { 'ups.status': 'OB DISCHRG', 'input.voltage': '228.4' } })
    const other = new NodeNut(upsd.port, upsd.address)
    await new Promise<void>((resolve, reject) => {
      other.once('ready', resolve)
      other.once('error', reject)
      other.start()
    })
    const answer = (ask: (callback: (value: Record<string, string> | null, error: string | null) => void) => void) =>
      new Promise<Record<string, string>>((resolve, reject) =>
        ask((value, error) => (value ? resolve({ ...value }) : reject(new Error(error ?? 'nothing')))),
      )
    const list = await answer((callback) => other.GetUPSList(callback))
    const variables = await answer((callback) => other.GetUPSVars('ups', callback))
    const closed = new Promise<void>((resolve) => other.once('close', resolve))
    other.close()
    await closed

    await using ups = client(upsd)
    using nut = await connectNut({ host: upsd.address, port: upsd.port }, { timeout: 3_000, signal: soon() })
    expect((await nut.list('LIST UPS')).map((words) => words[1])).toEqual(Object.keys(list))
    expect((await ups.details(soon())).variables).toEqual(variables)
    expect(variables).toMatchObject({ 'ups.status': 'OB DISCHRG', 'input.voltage': '228.4' })
    expect((await ups.read(soon())).status.join(' ')).toBe(variables['ups.status'])
  })
})
