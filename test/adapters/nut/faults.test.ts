import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createNutUps, type NutUps, type UpsOptions } from '../../../src/adapters/nut/ups.ts'
import { startSpeaker } from '../../lab/speaker.ts'
import type { LabUpsd } from '../../lab/upsd/upsd.ts'
import { startUpsdStandIn, type UpsdStandInOptions } from '../../lab/upsd/stand-in.ts'
import { soon } from '../../patience.ts'

const address = '127.0.43.12'
const secondary = { user: 'monuser', password: 'secret' }
const start = (options: UpsdStandInOptions = {}) => startUpsdStandIn({ address, ...options })
const client = ({ port }: Pick<LabUpsd, 'port'>, options: Partial<UpsOptions> = {}) =>
  createNutUps({ host: address, port, name: 'ups', timeout: 300, ...options })
const unreachable = expect.objectContaining({ name: 'AgentError', code: 'unreachable' })
const malformed = expect.objectContaining({ name: 'AgentError', code: 'malformed' })
const healthy = {
  status: ['OL', 'CHRG'],
  charge: 100,
  runtime: 3_480_000,
  load: 18,
  chargeLow: 20,
  runtimeLow: 120_000,
}
/** Between two attempts to connect some time has to pass. */
const recovered = (ups: NutUps) => expect.poll(() => ups.read(soon()).catch(() => undefined)).toEqual(healthy)

describe('a UPS server that', () => {
  test.each(['DATA-STALE', 'DRIVER-NOT-CONNECTED'] as const)(
    'says %s is out of reach, keeps us logged in, and is read again without a new connection',
    async (error) => {
      await using upsd = await start()
      await using ups = client(upsd, { credentials: secondary })
      await ups.read(soon())
      upsd.misbehaviour.error = error
      await expect(ups.read(soon())).rejects.toEqual(unreachable)
      await expect(ups.read(soon())).rejects.toThrow(error)
      upsd.misbehaviour.error = undefined
      expect(await ups.read(soon())).toEqual(healthy)
      expect(upsd.commands.filter((command) => command.startsWith('LOGIN'))).toEqual(['LOGIN ups'])
    },
  )

  test('sends a byte at a time is understood', async () => {
    await using upsd = await start()
    upsd.misbehaviour.fragments = true
    await using ups = client(upsd, { credentials: secondary, timeout: 5_000 })
    expect(await ups.read(soon())).toEqual(healthy)
    expect((await ups.details(soon())).variables).toMatchObject({ 'ups.model': 'Smart 1500' })
  })

  test('does not answer loses the connection at the deadline, and the next reading has a new one', async () => {
    await using upsd = await start()
    await using ups = client(upsd, { credentials: secondary })
    await ups.read(soon())
    upsd.misbehaviour.noReply = /GET VAR/
    await expect(ups.read(soon())).rejects.toThrow(/did not answer GET VAR .* within 300 ms/)
    await expect.poll(() => upsd.logins()).toBe(0)
    upsd.misbehaviour.noReply = undefined
    expect(await ups.read(soon())).toEqual(healthy)
    expect(await upsd.logins()).toBe(1)
  })

  test('is frozen is out of reach at the deadline, at the first reading and at a later one', async () => {
    await using upsd = await start()
    upsd.misbehaviour.halfOpen = true
    await using ups = client(upsd, { credentials: secondary })
    await expect(ups.read(soon())).rejects.toEqual(unreachable)
    upsd.misbehaviour.halfOpen = false
    await recovered(ups)
    upsd.misbehaviour.halfOpen = true
    const before = performance.now()
    await expect(ups.read(soon())).rejects.toEqual(unreachable)
    expect(performance.now() - before).toBeLessThan(15_000)
  })

  test('hangs up in the middle of its answers is read by the next connection', async () => {
    await using upsd = await start()
    await using ups = client(upsd)
    await ups.read(soon())
    upsd.misbehaviour.dropAfter = 2
    await expect(ups.read(soon())).rejects.toThrow(/closed the connection/)
    expect(await ups.read(soon())).toEqual(healthy)
  })

  test('answers in the wrong order is never taken at its word, and left for a new connection', async () => {
    await using upsd = await start()
    await using ups = client(upsd)
    await ups.read(soon())
    upsd.misbehaviour.wrongOrder = true
    await expect(ups.read(soon())).rejects.toEqual(malformed)
    upsd.misbehaviour.wrongOrder = false
    expect(await ups.read(soon())).toEqual(healthy)
  })

  test('leaves out one answer is not taken to have given the next one in its place', async () => {
    await using upsd = await start()
    await using ups = client(upsd)
    await ups.read(soon())
    upsd.misbehaviour.noReply = /ups\.status/
    await expect(ups.read(soon())).rejects.toEqual(malformed)
    upsd.misbehaviour.noReply = undefined
    expect(await ups.read(soon())).toEqual(healthy)
  })

  test('speaks without being asked is left for a new connection', async () => {
    const answers: Record<string, string> = { 'ups.status': 'OL', 'battery.charge': '50' }
    let gossip = true
    await using server = await startSpeaker(address, (line, socket) => {
      const variable = line.split(' ').at(-1)!
      socket.write(answers[variable] ? `VAR ups ${variable} "${answers[variable]}"\n` : 'ERR VAR-NOT-SUPPORTED\n')
      if (gossip && variable === 'battery.runtime.low') socket.write('VAR ups ups.status "OB LB"\n')
    })
    await using ups = client(server)
    await ups.read(soon())
    gossip = false
    await expect.poll(() => ups.read(soon()).catch(() => undefined)).toEqual({ status: ['OL'], charge: 50 })
    await expect(ups.read(soon())).resolves.toEqual({ status: ['OL'], charge: 50 })
    expect(server.connections).toBe(2)
  })

  test('sends an endless line is cut off', async () => {
    await using server = await startSpeaker(address, (_, socket) => void socket.write('x'.repeat(100_000)))
    await using ups = client(server, { timeout: 5_000 })
    await expect(ups.read(soon())).rejects.toThrow(/an endless line/)
  })

  test('sends a line that ends, but much too late, is cut off', async () => {
    await using server = await startSpeaker(
      address,
      (_, socket) => void socket.write(`VAR ups ups.status "${'OL '.repeat(9_000)}"\n`),
    )
    await using ups = client(server, { timeout: 5_000 })
    await expect(ups.read(soon())).rejects.toThrow(/an endless line/)
  })

  test('sends an endless list is cut off', async () => {
    await using server = await startSpeaker(address, async (line, socket) => {
      if (!line.startsWith('LIST VAR')) return
      socket.write('BEGIN LIST VAR ups\n')
      while (!socket.destroyed) {
        socket.write('VAR ups a "b"\n'.repeat(100))
        await nextTurn()
      }
    })
    await using ups = client(server, { timeout: 5_000 })
    await expect(ups.details(soon())).rejects.toThrow(/an endless list/)
  })

  test('never ends a list is cut off at the deadline, however busily it talks', async () => {
    await using server = await startSpeaker(address, async (line, socket) => {
      if (!line.startsWith('LIST VAR')) return
      socket.write('BEGIN LIST VAR ups\n')
      const talk = setInterval(() => socket.write('VAR ups a "b"\n'), 20)
      await once(socket, 'close')
      clearInterval(talk)
    })
    await using ups = client(server)
    await expect(ups.details(soon())).rejects.toEqual(unreachable)
  })

  test('answers with the wrong list is not believed', async () => {
    await using server = await startSpeaker(
      address,
      (_, socket) => void socket.write('BEGIN LIST ENUM ups\nEND LIST ENUM ups\n'),
    )
    await using ups = client(server)
    await expect(ups.details(soon())).rejects.toEqual(malformed)
  })

  test('is no UPS server at all is malformed, and not a status', async () => {
    await using server = await startSpeaker(address, (_, socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n'))
    await using ups = client(server)
    await expect(ups.read(soon())).rejects.toEqual(malformed)
  })

  test('lets in only others says so, once as a refused login and then at each reading', async () => {
    await using upsd = await start()
    upsd.misbehaviour.accessList = ['10.0.0.1']
    const refusals: string[] = []
    await using ups = client(upsd, { credentials: secondary, onLoginRefused: (why) => refusals.push(why) })
    for (const _ of [1, 2]) {
      await expect(ups.read(soon())).rejects.toMatchObject({ code: 'rejected', message: /permitted devices/ })
    }
    expect(refusals).toHaveLength(1)
  })
})

describe('a reading that is called off', () => {
  test.each([
    ['while the server is silent', /GET VAR/],
    ['while the login is not answered', /^USERNAME/],
  ])('ends at once %s', async (_, noReply) => {
    await using upsd = await start()
    upsd.misbehaviour.noReply = noReply
    await using ups = client(upsd, { credentials: secondary, timeout: 60_000 })
    const before = performance.now()
    await expect(ups.read(AbortSignal.timeout(50))).rejects.toThrow(/did not answer (in time|within)/)
    expect(performance.now() - before).toBeLessThan(15_000)
    upsd.misbehaviour.noReply = undefined
    expect(await ups.read(soon())).toEqual(healthy)
  })

  test('does not take along one that waits for the same login with more patience', async () => {
    await using upsd = await start()
    upsd.misbehaviour.delayMs = 60
    await using ups = client(upsd, { credentials: secondary, timeout: 8_000 })
    const hasty = ups.read(AbortSignal.timeout(30))
    const patient = ups.read(soon())
    await expect(hasty).rejects.toEqual(unreachable)
    expect(await patient).toEqual(healthy)
  })

  test('before it began leaves the connection as it is', async () => {
    await using upsd = await start()
    await using ups = client(upsd, { credentials: secondary })
    await ups.read(soon())
    await expect(ups.read(AbortSignal.abort())).rejects.toEqual(unreachable)
    expect(await upsd.logins()).toBe(1)
    expect(ups.loggedIn).toBe(true)
  })
})

test("a Synology's dialect is understood, its good-bye too", async () => {
  await using upsd = await start({ dialect: 'synology' })
  await using ups = client(upsd, { credentials: secondary })
  expect(await ups.read(soon())).toEqual(healthy)
  expect(await upsd.logins()).toBe(1)
  await ups.logOut(soon())
  await expect.poll(() => upsd.logins()).toBe(0)
  expect(upsd.commands.filter((command) => /PROTVER|PRIMARY|TRACKING/.test(command))).toEqual([])
})

test.each([
  ['', undefined],
  ['abc', undefined],
  ['-1', undefined],
  ['Infinity', undefined],
  ['007', 7],
  ['99.5', 99.5],
  [' 12 ', 12],
])('a charge of %j is read as %s', async (text, charge) => {
  await using server = await startSpeaker(address, (line, socket) => {
    const variable = line.split(' ').at(-1)!
    socket.write(`VAR ups ${variable} "${variable === 'battery.charge' ? text : ''}"\n`)
  })
  await using ups = client(server)
  expect(await ups.read(soon())).toEqual({ status: [], ...(charge === undefined ? {} : { charge }) })
})
