import { afterEach, describe, expect, test } from 'vitest'
import { startUpsdStandIn, type UpsdStandInOptions } from './stand-in.ts'
import { ask, asMonuser, err, ok, open } from './talk.ts'

const address = '127.0.42.14'

describe('upsd stand-in, misbehaving,', () => {
  const stack: AsyncDisposable[] = []
  afterEach(async () => {
    for (const each of stack.splice(0)) await each[Symbol.asyncDispose]()
  })
  const start = async (options: UpsdStandInOptions = {}) => {
    const upsd = await startUpsdStandIn({ address, ...options })
    stack.push(upsd)
    return upsd
  }

  test('speaks as Synology does', async () => {
    const upsd = await start({ dialect: 'synology' })
    expect(
      await ask(upsd, 'NETVER', 'PROTVER', ...asMonuser, 'PRIMARY ups', 'MASTER ups', 'SET TRACKING ON', 'LOGOUT'),
    ).toEqual(['1.2', 'ERR UNKNOWN-COMMAND', ...ok, 'ERR UNKNOWN-COMMAND', 'OK', 'ERR INVALID-ARGUMENT', 'Goodbye...'])
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
