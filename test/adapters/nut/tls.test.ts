import type { LookupFunction } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createDial } from '../../../src/adapters/nut/dial.ts'
import { createNutUps, type UpsOptions } from '../../../src/adapters/nut/ups.ts'
import { createAuthority } from '../../lab/authority.ts'
import { startSpeaker } from '../../lab/speaker.ts'
import { isCertutilInstalled, upsdName } from '../../lab/upsd/tls.ts'
import { startUpsdStandIn } from '../../lab/upsd/stand-in.ts'
import { isUpsdInstalled, type LabUpsd } from '../../lab/upsd/upsd.ts'
import { servers } from '../../lab/upsd/talk.ts'
import { soon } from '../../patience.ts'

const address = '127.0.43.15'
const secondary = { user: 'monuser', password: 'secret' }
/** Every name is upsd's. */
const resolve: LookupFunction = (_host, { all }, answer) =>
  all ? answer(null, [{ address, family: 4 }]) : answer(null, address, 4)
const client = ({ port }: Pick<LabUpsd, 'port'>, options: Partial<UpsOptions> = {}) =>
  createNutUps({ host: address, port, name: 'ups', resolve, ...options })
const missing = !isUpsdInstalled() ? 'nut-server' : !isCertutilInstalled() ? 'libnss3-tools' : undefined
const other = await createAuthority('other')

for (const { name, start, isMissing } of servers(address, missing)) {
  // At once, because a real one takes two seconds to begin.
  describe.skipIf(isMissing).concurrent(`TLS with a ${name}`, () => {
    test('is had where the CA vouches for its address or its name', async ({ expect }) => {
      await using upsd = await start({ tls: true })
      const { ca } = upsd.certificates!
      for (const host of [address, upsdName]) {
        await using ups = client(upsd, { host, tls: 'required', ca, credentials: secondary })
        expect((await ups.read(soon())).status).toEqual(['OL', 'CHRG'])
        expect((await ups.details(soon())).variables).toMatchObject({ 'ups.model': 'Smart 1500' })
        expect(ups).toMatchObject({ secure: true, loggedIn: true })
        expect(await upsd.logins()).toBe(1)
        await ups.logOut(soon())
        await expect.poll(() => upsd.logins()).toBe(0)
      }
    })

    test('is had by any name where the certificate itself is given', async ({ expect }) => {
      await using upsd = await start({ tls: true })
      const { ca, certificate } = upsd.certificates!
      const named = { host: 'elsewhere.lab', tls: 'required', retryUpTo: 0 } as const
      await using wrong = client(upsd, { ...named, ca })
      await expect(wrong.read(soon())).rejects.toMatchObject({
        code: 'misconfigured',
        message: expect.stringMatching(/elsewhere\.lab.* is for another name .*upsd\.lab.*`host`/s),
      })
      await using pinned = client(upsd, { ...named, ca: `${other.ca}${certificate}` })
      expect((await pinned.read(soon())).charge).toBe(100)
      expect(pinned.secure).toBe(true)
    })

    test('is refused where the given CA, or no CA of the system, vouches for it', async ({ expect }) => {
      await using upsd = await start({ tls: true })
      await using stranger = client(upsd, { tls: 'required', ca: other.ca, credentials: secondary })
      await expect(stranger.read(soon())).rejects.toMatchObject({
        code: 'misconfigured',
        message: expect.stringMatching(/is not signed by the CA in `ca` .*set `ca`/),
      })
      await using unknown = client(upsd, { tls: 'required', credentials: secondary })
      await expect(unknown.read(soon())).rejects.toThrow(/is not signed by one of the system's CAs/)
      expect(await upsd.logins()).toBe(0)
    })

    test('that is preferred asks for no CA, but heeds one', async ({ expect }) => {
      await using upsd = await start({ tls: true })
      const told: string[] = []
      const onInsecure = (why: string) => told.push(why)
      await using trusting = client(upsd, { tls: 'preferred', onInsecure })
      await trusting.read(soon())
      expect(trusting.secure).toBe(true)
      expect(told).toEqual([])
      await using strict = client(upsd, { tls: 'preferred', ca: other.ca, onInsecure })
      await strict.read(soon())
      expect(strict.secure).toBe(false)
      expect(told).toEqual([expect.stringMatching(/is not signed by .*; continuing in plain text/)])
    })

    test('that it has none of: required fails with what to do, preferred goes on and says so once', async ({
      expect,
    }) => {
      await using upsd = await start()
      const told: string[] = []
      await using strict = client(upsd, { tls: 'required', credentials: secondary, retryUpTo: 0 })
      await expect(strict.read(soon())).rejects.toMatchObject({
        code: 'misconfigured',
        message: expect.stringMatching(/FEATURE-NOT-CONFIGURED.*CERTFILE.*tls: off/),
      })
      await using ups = client(upsd, { tls: 'preferred', credentials: secondary, onInsecure: (why) => told.push(why) })
      await ups.read(soon())
      expect(ups).toMatchObject({ secure: false, loggedIn: true })
      await upsd.stop()
      await upsd.start()
      await expect.poll(() => ups.read(soon()).catch(() => undefined)).toMatchObject({ charge: 100 })
      expect(told).toEqual([expect.stringMatching(new RegExp(`${address}.*continuing in plain text`))])
    })
  })
}

test('no user and no password is said before TLS is up', async () => {
  await using upsd = await startUpsdStandIn({ address })
  await using ups = client(upsd, { tls: 'required', credentials: secondary, retryUpTo: 0 })
  for (const _ of [1, 2, 3]) await expect(ups.read(soon())).rejects.toMatchObject({ code: 'misconfigured' })
  expect(new Set(upsd.commands)).toEqual(new Set(['STARTTLS']))
})

test('a server that is known to have no TLS is not asked again at each connection', async () => {
  await using upsd = await startUpsdStandIn({ address })
  await using ups = client(upsd, { tls: 'preferred' })
  for (const _ of [1, 2, 3]) {
    await expect.poll(() => ups.read(soon()).catch(() => undefined)).toMatchObject({ charge: 100 })
    await upsd.stop()
    await upsd.start()
  }
  expect(upsd.commands.filter((command) => command === 'STARTTLS')).toHaveLength(1)
})

test('one without TLS is asked again after an hour, and told of again only when it has had TLS meanwhile', async () => {
  let now = 0
  const told: string[] = []
  const asked = (upsd: { commands: readonly string[] }) => upsd.commands.filter((each) => each === 'STARTTLS').length
  await using plain = await startUpsdStandIn({ address })
  const options = { host: address, timeout: 3_000, tls: 'preferred', now: () => now } as const
  const dial = createDial({ ...options, port: plain.port, onInsecure: (why) => told.push(why) })
  for (const [at, count] of [
    [0, 1],
    [3_599_999, 1],
    [3_600_000, 2],
    [7_200_000, 3],
  ] as const) {
    now = at
    using nut = await dial(soon())
    expect([nut.isSecure, asked(plain), told.length]).toEqual([false, count, 1])
  }
  await plain.stop()
  {
    now = 10_800_000
    await using secured = await startUpsdStandIn({ address, port: plain.port, tls: true })
    using nut = await dial(soon())
    expect([nut.isSecure, asked(secured)]).toEqual([true, 1])
  }
  await plain.start()
  using nut = await dial(soon())
  expect([nut.isSecure, told.length]).toEqual([false, 2])
})

describe('a server that, after OK STARTTLS,', () => {
  test.each(['ERR ACCESS-DENIED\n', 'VAR ups ups.status "OB LB"\n', 'O', '\n'])(
    'goes on in plain text with %j is at fault, although the handshake would follow',
    async (injected) => {
      await using upsd = await startUpsdStandIn({ address, tls: true })
      upsd.misbehaviour.injected = injected
      for (const tls of ['preferred', 'required'] as const) {
        await using ups = client(upsd, { tls, ca: upsd.certificates!.ca })
        await expect(ups.read(soon())).rejects.toMatchObject({
          code: 'malformed',
          message: expect.stringMatching(/plain text after OK STARTTLS/),
        })
        expect(ups.secure).toBe(false)
      }
      expect(upsd.commands).toEqual(['STARTTLS', 'STARTTLS'])
    },
  )

  test('does so in a packet of its own is at fault too', async () => {
    await using server = await startSpeaker(address, async (line, socket) => {
      if (line !== 'STARTTLS') return
      socket.write('OK STARTTLS\n')
      // The reader has its turn between the two.
      for (let turn = 0; turn < 20; turn++) await nextTurn()
      socket.write('VAR ups ups.status "OB LB"\n')
    })
    for (const tls of ['preferred', 'required'] as const) {
      await using ups = client(server, { tls })
      await expect(ups.read(soon())).rejects.toMatchObject({ code: 'malformed' })
    }
  })

  test('hangs up, or hangs, leaves time for plain text within the same reading', async () => {
    for (const isHanging of [false, true]) {
      await using server = await startSpeaker(address, (line, socket) => {
        if (line === 'STARTTLS') {
          socket.write('OK STARTTLS\n')
          if (!isHanging) socket.end()
        } else if (line.startsWith('GET VAR')) socket.write('ERR VAR-NOT-SUPPORTED\n')
      })
      const told: string[] = []
      await using ups = client(server, { tls: 'preferred', timeout: 400, onInsecure: (why) => told.push(why) })
      expect(await ups.read(AbortSignal.timeout(400))).toEqual({ status: [] })
      expect(told).toEqual([expect.stringContaining(isHanging ? 'within 200 ms' : 'aborted the TLS handshake')])
      expect(server.connections).toBe(2)
    }
  })
})

test('a server that is silent at STARTTLS is out of reach, and not taken to have no TLS', async () => {
  await using upsd = await startUpsdStandIn({ address, tls: true })
  // Also the time for a handshake, which a busy machine needs: one that is late is taken for none.
  await using ups = client(upsd, { tls: 'preferred', timeout: 5_000 })
  upsd.misbehaviour.halfOpen = true
  await expect(ups.read(soon())).rejects.toMatchObject({ code: 'unreachable' })
  upsd.misbehaviour.halfOpen = false
  await expect.poll(() => ups.read(soon()).catch(() => undefined)).toMatchObject({ charge: 100 })
  expect(ups.secure).toBe(true)
})

test('one that is called off during STARTTLS ends at once', async () => {
  await using upsd = await startUpsdStandIn({ address, tls: true })
  upsd.misbehaviour.noReply = /STARTTLS/
  await using ups = client(upsd, { tls: 'required', timeout: 60_000 })
  const before = performance.now()
  await expect(ups.read(AbortSignal.timeout(50))).rejects.toThrow(/did not answer (in time|within)/)
  expect(performance.now() - before).toBeLessThan(15_000)
})

test('TLS that comes in single bytes is TLS all the same', async () => {
  await using upsd = await startUpsdStandIn({ address, tls: true })
  upsd.misbehaviour.fragments = true
  await using ups = client(upsd, { tls: 'required', ca: upsd.certificates!.ca })
  expect(await ups.read(soon())).toMatchObject({ status: ['OL', 'CHRG'], charge: 100 })
})

test('a CA that is none is found when the UPS is made, and told without its content', () => {
  for (const ca of ['', 'hunter2', '-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----']) {
    expect(() => client({ port: 1 }, { tls: 'required', ca })).toThrow(
      expect.objectContaining({ code: 'misconfigured', message: expect.stringMatching(/^(?!.*hunter2)/s) }),
    )
  }
})
