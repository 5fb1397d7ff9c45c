import { describe, expect, test } from 'vitest'
import { createNutUps, type UpsOptions } from '../../../src/adapters/nut/ups.ts'
import { startSpeaker } from '../../lab/speaker.ts'
import { startUpsdStandIn } from '../../lab/upsd/stand-in.ts'
import type { LabUpsd } from '../../lab/upsd/upsd.ts'
import { servers } from '../../lab/upsd/talk.ts'
import { soon } from '../../patience.ts'

const address = '127.0.43.16'
const admin = { user: 'admin', password: 'adminpw' }
const primary = { user: 'prim', password: 'primpw' }
const secondary = { user: 'monuser', password: 'secret' }
const client = ({ port }: Pick<LabUpsd, 'port'>, options: Partial<UpsOptions> = {}) =>
  createNutUps({ host: address, port, name: 'ups', ...options })
const said = (commands: readonly string[], word: string) => commands.filter((each) => each.startsWith(word)).length

for (const { name, start, isMissing } of servers(address)) {
  // At once, because a real one takes two seconds to begin.
  describe.skipIf(isMissing).concurrent(`orders to a ${name}`, () => {
    test('set a variable: when that is done, the next reading shows it', async ({ expect }) => {
      await using upsd = await start()
      await using ups = client(upsd, { credentials: admin, login: false })
      for (const status of ['OB DISCHRG', 'OB DISCHRG LB', 'OL CHRG']) {
        await ups.set('ups.status', status, soon())
        expect((await ups.read(soon())).status.join(' ')).toBe(status)
      }
      expect(ups.loggedIn).toBe(false)
      expect(await upsd.logins()).toBe(0)
    })

    test('that the driver does not know are told so after they were taken', async ({ expect }) => {
      await using upsd = await start()
      await using ups = client(upsd, { credentials: admin, login: false })
      await expect(ups.command('load.off', soon())).rejects.toMatchObject({
        code: 'rejected',
        message: expect.stringMatching(/refuses the command load\.off of ups: UNKNOWN: the driver does not know it/),
      })
    })

    test('fail with their reason, and leave the connection as it is', async ({ expect }) => {
      await using upsd = await start()
      await using ups = client(upsd, { credentials: admin, login: false })
      await expect(ups.set('ups.none', '1', soon())).rejects.toThrow(/VAR-NOT-SUPPORTED/)
      await expect(ups.set('driver.name', 'x', soon())).rejects.toThrow(/READONLY.*only be read/)
      await expect(ups.set('ups.status', 'x'.repeat(33), soon())).rejects.toThrow(/TOO-LONG/)
      await expect(ups.command('none', soon(), '20')).rejects.toThrow(/CMD-NOT-SUPPORTED.*upscmd -l/)
      await expect(ups.set('ups.status', 'OB\nFSD ups', soon())).rejects.toMatchObject({ code: 'misconfigured' })
      expect((await ups.read(soon())).status).toEqual(['OL', 'CHRG'])
    })

    test('by a user who may not are refused, and by nobody are not even sent', async ({ expect }) => {
      await using upsd = await start()
      await using ups = client(upsd, { credentials: secondary })
      await expect(ups.command('load.off', soon())).rejects.toMatchObject({
        code: 'rejected',
        message: expect.stringMatching(/ACCESS-DENIED.*upsd\.users/),
      })
      expect(ups.loggedIn).toBe(true)
      await using anybody = client(upsd)
      await expect(anybody.command('load.off', soon())).rejects.toMatchObject({ code: 'misconfigured' })
      expect((await anybody.read(soon())).charge).toBe(100)
    })

    test('with a wrong password are refused until the right one comes, over a connection of its own', async ({
      expect,
    }) => {
      await using upsd = await start()
      await using wrong = client(upsd, { credentials: { ...admin, password: 'wrong' }, login: false })
      for (const _ of [1, 2]) await expect(wrong.set('ups.load', '7', soon())).rejects.toThrow(/ACCESS-DENIED/)
      await using right = client(upsd, { credentials: admin, login: false })
      await right.set('ups.load', '7', soon())
      expect((await wrong.read(soon())).load).toBe(7)
    })

    test('tell who may be a primary, without a trace', async ({ expect }) => {
      await using upsd = await start()
      for (const [credentials, may] of [
        [primary, true],
        [secondary, false],
        [{ ...primary, password: 'wrong' }, false],
        [undefined, false],
      ] as const) {
        await using ups = client(upsd, { credentials, login: false })
        expect(await ups.mayBePrimary(soon())).toBe(may)
        expect((await ups.read(soon())).status).toEqual(['OL', 'CHRG'])
      }
    })

    test('tell how many are logged in, and what the server is', async ({ expect }) => {
      await using upsd = await start()
      await using one = client(upsd, { credentials: secondary, label: 'rack' })
      await using two = client(upsd, { credentials: primary })
      await using watcher = client(upsd, { credentials: primary, login: false })
      expect(await watcher.numLogins(soon())).toBe(0)
      await one.read(soon())
      await two.read(soon())
      expect(await watcher.numLogins(soon())).toBe(2)
      const details = await one.details(soon())
      expect(details).toMatchObject({ numLogins: 2, protocol: '1.3', clients: [/^127\./, /^127\./] })
      expect(details.server).toMatch(/^Network UPS Tools upsd 2\.\d/)
      expect(details.writable).toEqual(expect.arrayContaining(['battery.charge', 'ups.status']))
      expect(details.writable).not.toContain('driver.name')
      expect([one.name, two.name]).toEqual(['rack', 'ups'])
    })
  })
}

describe('an order that is tracked', () => {
  test('is asked about until the driver has done it, over a new connection too', async () => {
    await using upsd = await startUpsdStandIn({ address, instantCommands: ['shutdown.return'] })
    await using ups = client(upsd, { credentials: admin, login: false })
    upsd.misbehaviour.tracking = ['PENDING', 'PENDING']
    await ups.command('shutdown.return', soon(), '20')
    expect(said(upsd.commands, 'GET TRACKING')).toBe(3)
    expect(upsd.commands).toContain('INSTCMD ups shutdown.return 20')
    expect([said(upsd.commands, 'USERNAME'), said(upsd.commands, 'SET TRACKING')]).toEqual([1, 1])
    upsd.misbehaviour.tracking = ['PENDING', 'PENDING', 'PENDING']
    // After the order's own answer, and the first about it.
    upsd.misbehaviour.dropAfter = 2
    await ups.command('shutdown.return', soon())
    expect(said(upsd.commands, 'INSTCMD')).toBe(2)
    expect(said(upsd.commands, 'USERNAME')).toBe(2)
  })

  test('is asked about again where the answer about it did not come', async () => {
    await using upsd = await startUpsdStandIn({ address, instantCommands: ['shutdown.return'] })
    await using ups = client(upsd, { credentials: admin, login: false, timeout: 100 })
    upsd.misbehaviour.noReply = /GET TRACKING/
    const order = ups.command('shutdown.return', soon())
    await expect.poll(() => said(upsd.commands, 'GET TRACKING')).toBe(2)
    upsd.misbehaviour.noReply = undefined
    await order
    expect(said(upsd.commands, 'INSTCMD')).toBe(1)
  })

  test.each([
    ['ERR FAILED', /FAILED: the driver could not do it/],
    ['ERR INVALID-ARGUMENT', /INVALID-ARGUMENT/],
  ])('fails with what the driver says: %s', async (answer, message) => {
    await using upsd = await startUpsdStandIn({ address, instantCommands: ['shutdown.return'] })
    await using ups = client(upsd, { credentials: admin, login: false })
    upsd.misbehaviour.tracking = ['PENDING', answer]
    await expect(ups.command('shutdown.return', soon())).rejects.toMatchObject({ code: 'rejected', message })
  })

  test('and never done is waited for as long as the caller wants, who hears that it was taken', async () => {
    await using upsd = await startUpsdStandIn({ address, instantCommands: ['shutdown.return'] })
    await using ups = client(upsd, { credentials: admin, login: false })
    upsd.misbehaviour.tracking = Array.from({ length: 99 }, () => 'PENDING')
    await expect(ups.command('shutdown.return', AbortSignal.timeout(100))).rejects.toMatchObject({
      code: 'timed-out',
      message: expect.stringMatching(
        /accepted the command shutdown\.return of ups, but its driver has not confirmed it/,
      ),
    })
  })
})

describe("a Synology's dialect", () => {
  const synology = () => startUpsdStandIn({ address, dialect: 'synology', instantCommands: ['shutdown.return'] })

  test('has masters in place of primaries, and its user is one', async () => {
    await using upsd = await synology()
    await using ups = client(upsd, { credentials: secondary })
    expect(await ups.mayBePrimary(soon())).toBe(true)
    expect(upsd.commands).toEqual(expect.arrayContaining(['PRIMARY ups', 'MASTER ups']))
    await using stranger = client(upsd, { credentials: admin, login: false })
    expect(await stranger.mayBePrimary(soon())).toBe(false)
  })

  test('knows no tracking: an order that was handed over counts', async () => {
    await using upsd = await synology()
    await using ups = client(upsd, { credentials: admin, login: false })
    await ups.command('shutdown.return', soon())
    await ups.set('ups.load', '7', soon())
    expect((await ups.read(soon())).load).toBe(7)
    expect(said(upsd.commands, 'GET TRACKING')).toBe(0)
    expect(said(upsd.commands, 'SET TRACKING')).toBe(1)
  })

  test('says its own version, and the older protocol', async () => {
    await using upsd = await synology()
    await using ups = client(upsd)
    expect(await ups.details(soon())).toMatchObject({ protocol: '1.2', server: /DSM7/, numLogins: 0 })
  })
})

test('a server of before 2.6.4 tells less, and what it tells is taken', async () => {
  await using server = await startSpeaker(address, (line, socket) => {
    const answers: Readonly<Record<string, string>> = {
      'LIST VAR ups': 'BEGIN LIST VAR ups\nVAR ups ups.status "OL"\nEND LIST VAR ups\n',
      'LIST CMD ups': 'BEGIN LIST CMD ups\nEND LIST CMD ups\n',
      'LIST RW ups': 'ERR INVALID-ARGUMENT\n',
      'LIST CLIENT ups': 'ERR INVALID-ARGUMENT\n',
      VER: 'Network UPS Tools upsd 2.2.0 - http://www.networkupstools.org/\n',
    }
    socket.write(answers[line] ?? 'ERR UNKNOWN-COMMAND\n')
  })
  await using ups = client(server)
  expect(await ups.details(soon())).toEqual({
    variables: { 'ups.status': 'OL' },
    secure: false,
    writable: [],
    commands: [],
    clients: [],
    server: 'Network UPS Tools upsd 2.2.0 - http://www.networkupstools.org/',
  })
})

describe('a login', () => {
  test('that is not wanted is not made, although there is a user', async () => {
    await using upsd = await startUpsdStandIn({ address })
    await using ups = client(upsd, { credentials: secondary, login: false })
    await ups.read(soon())
    await ups.logIn(soon())
    await ups.read(soon())
    expect(upsd.commands.filter((command) => /USERNAME|PASSWORD|LOGIN/.test(command))).toEqual([])
  })

  test('that was refused is tried again when somebody asks for it, with the same words', async () => {
    await using upsd = await startUpsdStandIn({ address })
    const refusals: string[] = []
    await using ups = client(upsd, { credentials: secondary, onLoginRefused: (why) => refusals.push(why) })
    upsd.misbehaviour.accessList = ['10.0.0.1']
    await ups.read(soon()).catch(() => undefined)
    upsd.misbehaviour.accessList = undefined
    await ups.read(soon())
    expect(ups.loggedIn).toBe(false)
    expect(refusals).toHaveLength(1)
    await ups.logIn(soon())
    expect(ups.loggedIn).toBe(true)
    expect(await upsd.logins()).toBe(1)
  })

  test.each(['USERNAME', 'PASSWORD', 'LOGIN'])(
    'whose %s was said before on the same connection is made on a new one',
    async (word) => {
      let isFirst = true
      const code = word === 'LOGIN' ? 'ALREADY-LOGGED-IN' : `ALREADY-SET-${word}`
      await using server = await startSpeaker(address, (line, socket) => {
        const isOdd = line.startsWith(`${word} `) && isFirst
        if (isOdd) isFirst = false
        socket.write(isOdd ? `ERR ${code}\n` : line.startsWith('GET') ? 'ERR VAR-NOT-SUPPORTED\n' : 'OK\n')
      })
      const refusals: string[] = []
      await using ups = client(server, { credentials: secondary, onLoginRefused: (why) => refusals.push(why) })
      expect(await ups.read(soon())).toEqual({ status: [] })
      expect(ups.loggedIn).toBe(true)
      expect(server.connections).toBe(2)
      expect(refusals).toEqual([])
    },
  )

  test('that the server always calls the second is no reason not to be read', async () => {
    await using server = await startSpeaker(address, (line, socket) => {
      socket.write(line.startsWith('GET') ? 'ERR VAR-NOT-SUPPORTED\n' : 'ERR ALREADY-LOGGED-IN\n')
    })
    const refusals: string[] = []
    await using ups = client(server, { credentials: secondary, onLoginRefused: (why) => refusals.push(why) })
    expect(await ups.read(soon())).toEqual({ status: [] })
    expect(refusals).toEqual([expect.stringContaining('ALREADY-LOGGED-IN')])
  })
})
