import { describe, expect, test } from 'vitest'
import { ask, asMonuser, open, servers } from './talk.ts'

describe.each(servers('127.0.42.13'))('$name', ({ start, isMissing }) => {
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
