import { expect, test } from 'vitest'
import type { Hosts } from '../../src/core/power/ports.ts'
import { soon } from '../patience.ts'

/** A host `nas` that is up, and a hand on it. */
export interface HostsUnderTest extends AsyncDisposable {
  readonly hosts: Hosts
  /** Orders to shut down that `nas` has been given. */
  orders(): Promise<number>
  /** It runs no more, and answers nobody. */
  goDown(): Promise<void>
}

/** What the agent relies on in whatever reaches hosts. */
export function hostsContract(open: () => Promise<HostsUnderTest>): void {
  test('answers while it is up, and not when it is down', async () => {
    await using lab = await open()
    expect(await lab.hosts.answers('nas', soon())).toBe(true)
    await lab.goDown()
    expect(await lab.hosts.answers('nas', soon())).toBe(false)
  })

  test('takes the order to shut down, and gives it once', async () => {
    await using lab = await open()
    await lab.hosts.shutDown('nas', soon())
    expect(await lab.orders()).toBe(1)
  })

  test('is rehearsed without being given the order', async () => {
    await using lab = await open()
    await lab.hosts.rehearse('nas', soon())
    expect(await lab.orders()).toBe(0)
    expect(await lab.hosts.answers('nas', soon())).toBe(true)
  })

  test('can be told nothing while it is down, which may pass', async () => {
    await using lab = await open()
    await lab.goDown()
    for (const tell of [lab.hosts.shutDown, lab.hosts.rehearse])
      await expect(tell('nas', soon())).rejects.toMatchObject({
        name: 'AgentError',
        code: 'unreachable',
        message: expect.stringContaining('nas'),
      })
    expect(await lab.orders()).toBe(0)
  })

  test('has no answer for who has called it off', async () => {
    await using lab = await open()
    for (const call of [lab.hosts.answers, lab.hosts.shutDown, lab.hosts.rehearse])
      await expect(call('nas', AbortSignal.abort())).rejects.toMatchObject({ name: 'AgentError', code: 'unreachable' })
    expect(await lab.orders()).toBe(0)
  })

  test('knows no host that is not configured', async () => {
    await using lab = await open()
    for (const call of [lab.hosts.answers, lab.hosts.shutDown, lab.hosts.rehearse])
      await expect(call('attic', soon())).rejects.toMatchObject({
        name: 'AgentError',
        code: 'misconfigured',
        message: expect.stringContaining('attic'),
      })
  })
}
