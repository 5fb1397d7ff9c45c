import { describe, expect, test } from 'vitest'
import { ask, asMonuser, err, ok, servers } from './talk.ts'

const asPrimary = ['USERNAME prim', 'PASSWORD primpw']
const asAdmin = ['USERNAME admin', 'PASSWORD adminpw']
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

describe.each(servers('127.0.42.11'))('$name', ({ start, isMissing }) => {
  test.skipIf(isMissing)('answers as upsd does, in all these conversations', async () => {
    await using upsd = await start()
    for (const { what, say, hear } of conversations) expect.soft(await ask(upsd, ...say), what).toEqual(hear)
    expect(await upsd.logins()).toBe(0)
  })
})
