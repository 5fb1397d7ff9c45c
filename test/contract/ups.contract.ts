import { expect, test } from 'vitest'
import type { Ups } from '../../src/core/power/ports.ts'
import { soon } from '../patience.ts'

/** A UPS, and a hand on the power. */
export interface UpsUnderTest extends AsyncDisposable {
  readonly ups: Ups
  status(tokens: string): Promise<void>
  /** battery.charge in %, battery.runtime in s; undefined for a UPS that does not tell. */
  battery(charge: number | undefined, runtime: number | undefined): Promise<void>
  silence(): Promise<void>
  speakAgain(): Promise<void>
}

/** What the agent relies on in whatever tells it of a UPS. */
export function upsContract(open: () => Promise<UpsUnderTest>): void {
  test('tells each token of the status, the charge in % and the runtime in ms', async () => {
    await using lab = await open()
    await lab.status('OB DISCHRG LB')
    await lab.battery(42, 61)
    expect(await lab.ups.read(soon())).toMatchObject({ status: ['OB', 'DISCHRG', 'LB'], charge: 42, runtime: 61_000 })
    await lab.status('OL CHRG')
    expect(await lab.ups.read(soon())).toMatchObject({ status: ['OL', 'CHRG'] })
  })

  test('tells everything that upsd knows of it, by the names that upsd has for it', async () => {
    await using lab = await open()
    await lab.status('OB DISCHRG')
    await lab.battery(42, 61)
    await lab.ups.read(soon())
    const { variables, commands } = await lab.ups.details(soon())
    expect(variables).toMatchObject({ 'ups.status': 'OB DISCHRG', 'battery.charge': '42', 'battery.runtime': '61' })
    expect(commands).toEqual(expect.any(Array))
    await lab.silence()
    await expect(lab.ups.details(soon())).rejects.toMatchObject({ name: 'AgentError', code: 'unreachable' })
  })

  test('leaves out what is not told', async () => {
    await using lab = await open()
    await lab.battery(undefined, undefined)
    const reading = await lab.ups.read(soon())
    expect(Object.keys(reading)).not.toEqual(expect.arrayContaining(['charge']))
    expect(Object.keys(reading)).not.toEqual(expect.arrayContaining(['runtime']))
  })

  test('fails with an error that waiting may mend while it is silent, and is read again afterwards', async ({
    expect,
  }) => {
    await using lab = await open()
    await lab.ups.read(soon())
    await lab.silence()
    for (const _ of [1, 2]) {
      await expect(lab.ups.read(soon())).rejects.toMatchObject({ name: 'AgentError', code: 'unreachable' })
    }
    await lab.speakAgain()
    // Between two attempts some time may have to pass.
    await expect
      .poll(() => lab.ups.read(soon()).catch(() => undefined))
      .toMatchObject({ status: expect.arrayContaining(['OL']) })
  })

  test('takes a log-out at any time, twice too, and is read after it', async () => {
    await using lab = await open()
    await lab.ups.logOut(soon())
    await lab.ups.logOut(soon())
    expect((await lab.ups.read(soon())).status).toContain('OL')
  })

  test('takes a log-in at any time, twice too, and after a log-out, and is read after it', async () => {
    await using lab = await open()
    await lab.ups.logIn(soon())
    await lab.ups.logIn(soon())
    await lab.ups.logOut(soon())
    await lab.ups.logIn(soon())
    expect((await lab.ups.read(soon())).status).toContain('OL')
  })

  test('has no answer for who has called it off', async () => {
    await using lab = await open()
    await expect(lab.ups.read(AbortSignal.abort())).rejects.toMatchObject({ name: 'AgentError', code: 'unreachable' })
    expect((await lab.ups.read(soon())).status).toContain('OL')
  })
}
