import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { isUpsdInstalled, startUpsd, type LabUpsd } from '../lab/upsd.ts'
import { startUpsdStandIn, type UpsdStandInOptions } from '../lab/upsd-stand-in.ts'

interface Talk extends Disposable {
  send(text: string): void
  /** Everything that was said so far, once it has this in it. */
  until(pattern: RegExp): Promise<string>
  /** Everything that was said until the server closed. */
  readonly closed: Promise<string>
  readonly chunks: readonly string[]
}

async function open({ address, port }: LabUpsd): Promise<Talk> {
  const socket = connect({ host: address, port, noDelay: true })
  await once(socket, 'connect')
  const chunks: string[] = []
  let said = ''
  let look = (): void => {}
  socket.on('data', (chunk) => {
    chunks.push(chunk.toString('latin1'))
    said += chunk.toString('latin1')
    look()
  })
  const closed = once(socket, 'close').then(() => said)
  return {
    chunks,
    closed,
    send: (text) => void socket.write(text),
    until: (pattern) =>
      new Promise((resolve) => {
        look = () => {
          if (pattern.test(said)) resolve(said)
        }
        look()
      }),
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

/** Sends these lines in one go; answers what came back before the answer to a last, known one. */
async function ask(upsd: LabUpsd, ...lines: string[]): Promise<string[]> {
  using talk = await open(upsd)
  talk.send([...lines, 'HELP', ''].join('\n'))
  const said = await talk.until(/^Commands: .*\n/m)
  return said.split('\n').slice(0, -2)
}

const ours = { address: '127.0.42.11' }
const servers: { name: string; start: () => Promise<LabUpsd>; isMissing: boolean }[] = [
  {
    name: isUpsdInstalled() ? 'real upsd' : 'real upsd (skipped: nut-server is not installed)',
    start: () => startUpsd(ours),
    isMissing: !isUpsdInstalled(),
  },
  { name: 'upsd stand-in', start: () => startUpsdStandIn(ours), isMissing: false },
]

const asMonuser = ['USERNAME monuser', 'PASSWORD secret']
const asPrimary = ['USERNAME prim', 'PASSWORD primpw']
const asAdmin = ['USERNAME admin', 'PASSWORD adminpw']
const ok = ['OK', 'OK']
const err = (...codes: string[]): string[] => codes.map((code) => `ERR ${code}`)
const version = 'Network UPS Tools upsd 2.8.0 - http://www.networkupstools.org/'

const conversations: { what: string; say: string[]; hear: string[] }[] = [
  { what: 'says what it is', say: ['VER', 'NETVER', 'PROTVER', 'ver'], hear: [version, '1.3', '1.3', version] },
  {
    what: 'does not know a word',
    say: ['BLAH', '', '   ', '# x', '= VER', 'ATTACH ups'],
    hear: err(...Array.from({ length: 6 }, () => 'UNKNOWN-COMMAND')),
  },
  {
    what: 'counts words',
    say: [
      'VER x',
      'LIST',
      'LIST VAR',
      'LIST ENUM ups',
      'GET',
      'GET VAR',
      'GET VAR ups',
      'GET FOO ups x',
      'VER=',
      'USERNAME',
      'PASSWORD a=b',
    ],
    hear: err(...Array.from({ length: 11 }, () => 'INVALID-ARGUMENT')),
  },
  {
    what: 'lists UPSes with an escaped description',
    say: ['LIST UPS', 'GET UPSDESC UPS'],
    hear: [
      'BEGIN LIST UPS',
      'UPS ups "Lab \\"quoted\\" UPS \\\\ \\#1"',
      'END LIST UPS',
      'UPSDESC UPS "Lab \\"quoted\\" UPS \\\\ \\#1"',
    ],
  },
  {
    what: 'echoes how the client spells names',
    say: ['get var UPS Ups.Status', 'GET VAR ups ups.status extra', 'VER\r'],
    hear: ['VAR UPS Ups.Status "OL CHRG"', 'VAR ups ups.status "OL CHRG"', version],
  },
  {
    what: 'has errors for what is not there',
    say: [
      'GET VAR ups nope',
      'GET VAR nope ups.status',
      'LIST VAR nope',
      'GET NUMLOGINS nope',
      'LIST ENUM ups nope',
      'GET TYPE ups nope',
    ],
    hear: err(
      'VAR-NOT-SUPPORTED',
      'UNKNOWN-UPS',
      'UNKNOWN-UPS',
      'UNKNOWN-UPS',
      'VAR-NOT-SUPPORTED',
      'VAR-NOT-SUPPORTED',
    ),
  },
  {
    what: 'answers for itself whatever the UPS is called',
    say: ['GET VAR x server.version', 'GET VAR x server.foo'],
    hear: ['VAR x server.version "2.8.0"', 'ERR VAR-NOT-SUPPORTED'],
  },
  {
    what: 'knows types, commands and descriptions',
    say: [
      'GET TYPE ups ups.status',
      'GET TYPE ups battery.charge',
      'GET DESC ups ups.status',
      'LIST CMD ups',
      'LIST RANGE ups ups.status',
    ],
    hear: [
      'TYPE ups ups.status RW STRING:32',
      'TYPE ups battery.charge RW NUMBER',
      'DESC ups ups.status "UPS status"',
      'BEGIN LIST CMD ups',
      'CMD ups load.off',
      'END LIST CMD ups',
      'BEGIN LIST RANGE ups ups.status',
      'END LIST RANGE ups ups.status',
    ],
  },
  {
    what: 'wants a user, then a password, each once',
    say: ['LOGIN ups', 'FSD ups', 'USERNAME monuser', 'USERNAME monuser', 'LOGIN ups', 'PASSWORD secret', 'PASSWORD x'],
    hear: [
      'ERR USERNAME-REQUIRED',
      'ERR USERNAME-REQUIRED',
      'OK',
      'ERR ALREADY-SET-USERNAME',
      'ERR PASSWORD-REQUIRED',
      'OK',
      'ERR ALREADY-SET-PASSWORD',
    ],
  },
  {
    what: 'takes a wrong password until it matters',
    say: ['USERNAME monuser', 'PASSWORD wrong', 'LOGIN nope', 'LOGIN ups', 'PRIMARY ups'],
    hear: [...ok, ...err('UNKNOWN-UPS', 'ACCESS-DENIED', 'ACCESS-DENIED')],
  },
  {
    what: 'lets a secondary log in once and no more',
    say: [
      ...asMonuser,
      'LOGIN',
      'LOGIN ups',
      'LOGIN ups',
      'LIST CLIENT ups',
      'PRIMARY ups',
      'FSD ups',
      'SET VAR ups ups.status OB',
      'INSTCMD ups load.off',
      'LOGOUT x',
      'LOGOUT',
    ],
    hear: [
      ...ok,
      'ERR INVALID-ARGUMENT',
      'OK',
      'ERR ALREADY-LOGGED-IN',
      'BEGIN LIST CLIENT ups',
      'CLIENT ups 127.0.0.1',
      'END LIST CLIENT ups',
      ...err('ACCESS-DENIED', 'ACCESS-DENIED', 'ACCESS-DENIED', 'ACCESS-DENIED', 'INVALID-ARGUMENT'),
      'OK Goodbye',
    ],
  },
  {
    what: 'grants a primary its rank under both names',
    say: [...asPrimary, 'PRIMARY', 'PRIMARY nope', 'PRIMARY ups', 'MASTER ups', 'FSD nope'],
    hear: [
      ...ok,
      ...err('INVALID-ARGUMENT', 'UNKNOWN-UPS'),
      'OK PRIMARY-GRANTED',
      'OK MASTER-GRANTED',
      'ERR UNKNOWN-UPS',
    ],
  },
  {
    what: 'checks what is set',
    say: [
      ...asAdmin,
      'LOGIN ups',
      'SET VAR ups ups.status',
      'SET VAR nope a b',
      'SET VAR ups nope x',
      'SET VAR ups driver.name x',
      `SET VAR ups ups.status "${'x'.repeat(33)}"`,
      'SET FOO a b',
      'INSTCMD ups foo',
      'SET VAR ups ups.load 19',
    ],
    hear: [
      ...ok,
      ...err(
        'ACCESS-DENIED',
        'INVALID-ARGUMENT',
        'UNKNOWN-UPS',
        'VAR-NOT-SUPPORTED',
        'READONLY',
        'TOO-LONG',
        'INVALID-ARGUMENT',
        'CMD-NOT-SUPPORTED',
      ),
      'OK',
    ],
  },
  {
    what: 'tracks only who asks for it',
    say: [
      ...asAdmin,
      'GET TRACKING',
      'GET TRACKING x',
      'SET TRACKING maybe',
      'SET TRACKING ON',
      'GET TRACKING',
      'GET TRACKING x',
    ],
    hear: [...ok, 'OFF', 'ERR FEATURE-NOT-CONFIGURED', 'ERR INVALID-ARGUMENT', 'OK', 'ON', 'ERR UNKNOWN'],
  },
  {
    what: 'reads quotes, escapes and comments as its configuration files',
    say: [
      'GET "VAR" \\ups ups\\.status',
      'GET VAR ups \\\nups.status',
      'NETVER # comment',
      'NETVER#x',
      'PASSWORD "a\\"b\\\\c\\#d"',
      'PASSWORD "a',
      'b"',
      'NET\x01VER',
    ],
    hear: [
      'VAR ups ups.status "OL CHRG"',
      'VAR ups ups.status "OL CHRG"',
      '1.3',
      '1.3',
      'OK',
      'ERR ALREADY-SET-PASSWORD',
      '1.3',
    ],
  },
  { what: 'has no TLS to offer', say: ['STARTTLS'], hear: ['ERR FEATURE-NOT-CONFIGURED'] },
]

describe.each(servers)('$name', ({ start, isMissing }) => {
  test.skipIf(isMissing)('answers as upsd does, in all these conversations', async () => {
    await using upsd = await start()
    for (const { what, say, hear } of conversations) expect.soft(await ask(upsd, ...say), what).toEqual(hear)
    expect(await upsd.logins()).toBe(0)
  })

  test.skipIf(isMissing)(
    'shows a change of power at once, keeps FSD until it is started again, and forgets what was set',
    async () => {
      await using upsd = await start()
      const status = () => ask(upsd, 'GET VAR ups ups.status')
      await upsd.status('OB DISCHRG LB')
      expect(await status()).toEqual(['VAR ups ups.status "OB DISCHRG LB"'])
      await upsd.set('battery.runtime', '')
      expect(await ask(upsd, 'GET VAR ups battery.runtime')).toEqual(['ERR VAR-NOT-SUPPORTED'])
      await upsd.forceShutdown()
      await upsd.status('OL CHRG')
      expect(await status()).toEqual(['VAR ups ups.status "FSD OL CHRG"'])
      const listed = await ask(upsd, 'LIST VAR ups')
      expect(listed.filter((line) => !/driver\.|device\.type/.test(line))).toEqual([
        'BEGIN LIST VAR ups',
        'VAR ups battery.charge "100"',
        'VAR ups battery.charge.low "20"',
        'VAR ups battery.runtime.low "120"',
        'VAR ups device.mfr "Lab"',
        'VAR ups device.model "Smart 1500"',
        'VAR ups device.serial "LAB0001"',
        'VAR ups ups.load "18"',
        'VAR ups ups.mfr "Lab"',
        'VAR ups ups.model "Smart 1500"',
        'VAR ups ups.serial "LAB0001"',
        'VAR ups ups.status "FSD OL CHRG"',
        'END LIST VAR ups',
      ])
      await upsd.stop()
      await expect(open(upsd)).rejects.toThrow('ECONNREFUSED')
      await upsd.start()
      expect(await ask(upsd, 'GET VAR ups ups.status', 'GET VAR ups battery.runtime')).toEqual([
        'VAR ups ups.status "OL CHRG"',
        'VAR ups battery.runtime "3480"',
      ])
    },
  )

  test.skipIf(isMissing)('counts a client until it leaves, with or without a word', async () => {
    await using upsd = await start()
    using polite = await open(upsd)
    polite.send([...asMonuser, 'LOGIN ups', ''].join('\n'))
    await polite.until(/(OK\n){3}/)
    const rude = await open(upsd)
    rude.send([...asMonuser, 'LOGIN ups', ''].join('\n'))
    await rude.until(/(OK\n){3}/)
    expect(await upsd.logins()).toBe(2)
    rude[Symbol.dispose]()
    await expect.poll(() => upsd.logins()).toBe(1)
    polite.send('LOGOUT\n')
    expect(await polite.closed).toMatch(/OK Goodbye\n$/)
    await expect.poll(() => upsd.logins()).toBe(0)
  })

  test.skipIf(isMissing)('says nothing to a bare # between quotes', async () => {
    await using upsd = await start()
    using talk = await open(upsd)
    talk.send('PASSWORD "a#b"\nVER\n')
    // Whoever comes later is answered later: what was sent above has been read by then.
    await ask(upsd, 'NETVER')
    talk.send('PROTVER\n')
    expect(await talk.until(/\n/)).toBe('1.3\n')
  })
})

describe('upsd stand-in, misbehaving,', () => {
  const stack: AsyncDisposable[] = []
  afterEach(async () => {
    for (const each of stack.splice(0)) await each[Symbol.asyncDispose]()
  })
  const start = async (options: UpsdStandInOptions = {}) => {
    const upsd = await startUpsdStandIn({ ...ours, ...options })
    stack.push(upsd)
    return upsd
  }

  test('speaks as Synology does', async () => {
    const upsd = await start({ dialect: 'synology' })
    expect(
      await ask(upsd, 'NETVER', 'PROTVER', ...asMonuser, 'PRIMARY ups', 'MASTER ups', 'SET TRACKING ON', 'LOGOUT'),
    ).toEqual([
      '1.2',
      'ERR UNKNOWN-COMMAND',
      ...ok,
      'ERR UNKNOWN-COMMAND',
      'OK MASTER-GRANTED',
      'ERR INVALID-ARGUMENT',
      'Goodbye...',
    ])
  })

  test('sends one byte at a time', async () => {
    const upsd = await start()
    upsd.misbehaviour.fragments = true
    using talk = await open(upsd)
    talk.send('GET VAR ups ups.status\n')
    expect(await talk.until(/\n/)).toBe('VAR ups ups.status "OL CHRG"\n')
    expect(talk.chunks.length).toBeGreaterThan(3)
  })

  test('leaves out answers, changes their order, and hangs up in between', async () => {
    const upsd = await start()
    upsd.misbehaviour.noReply = /^NETVER/
    expect(await ask(upsd, 'NETVER', 'GET TRACKING')).toEqual(['OFF'])
    upsd.misbehaviour.noReply = undefined
    upsd.misbehaviour.wrongOrder = true
    using mixed = await open(upsd)
    mixed.send('NETVER\nGET TRACKING\n')
    expect(await mixed.until(/1\.3\n/)).toBe('OFF\n1.3\n')
    upsd.misbehaviour.wrongOrder = false
    upsd.misbehaviour.dropAfter = 1
    using dropped = await open(upsd)
    dropped.send('NETVER\nNETVER\n')
    expect(await dropped.closed).toBe('1.3\n')
    expect(await ask(upsd, 'NETVER')).toEqual(['1.3'])
  })

  test('has lost its driver, or the client is not on its list', async () => {
    const upsd = await start()
    upsd.misbehaviour.error = 'DATA-STALE'
    expect(
      await ask(upsd, 'GET VAR ups ups.status', 'LIST VAR ups', 'GET NUMLOGINS ups', ...asMonuser, 'LOGIN ups'),
    ).toEqual([...err('DATA-STALE', 'DATA-STALE', 'DATA-STALE'), ...ok, 'OK'])
    upsd.misbehaviour.accessList = ['10.0.0.1']
    using talk = await open(upsd)
    talk.send('LIST UPS\n')
    expect(await talk.until(/\n/)).toBe('ERR ACCESS-DENIED\n')
  })

  test('takes its time, freezes, and drops who is silent', async () => {
    const upsd = await start({ idleMs: 300 })
    upsd.misbehaviour.delayMs = 20
    const before = performance.now()
    using slow = await open(upsd)
    slow.send('LIST UPS\n')
    await slow.until(/END LIST UPS/)
    expect(performance.now() - before).toBeGreaterThan(50)
    upsd.misbehaviour.halfOpen = true
    using frozen = await open(upsd)
    frozen.send('NETVER\n')
    expect(await frozen.closed).toBe('')
  })
})
