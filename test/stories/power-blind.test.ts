import { describe, expect, test } from 'vitest'
import { createTurns } from '../../src/adapters/machines/turns.ts'
import { startAgent } from '../fakes/agent.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { personAt } from '../fakes/person.ts'
import { low, online, two } from '../fakes/stories.ts'
import { waitFor } from '../lab/daemon.ts'

const nas = { name: 'nas', nas: true, shutdownTimeout: '400ms' }
const isStopped = ({ ports }: FakeHomelab) =>
  waitFor('everything to be told', 5_000, () => ports.journal.outages(1)[0]?.stage === 'stopped')

describe('a person who wakes everything blindly', () => {
  /** Everything is off, upsd too; each machine has its turn so many ms after the one before it. */
  async function blindly(stagger: number) {
    const homelab = fakeHomelab(two, { hosts: ['nas'] })
    const turns = createTurns(() => stagger)
    homelab.ports.waker.turnIn = async (machine) => turns(machine)
    const it = startAgent(homelab, { hosts: [{ ...nas, address: '10.0.0.99' }], power: { shutdownTimeout: '100ms' } })
    await it.reads(online)
    await it.reads(low)
    await isStopped(homelab)
    await it.agent.idle()
    await it.silent(40_000)
    homelab.diary.length = 0
    const woken = () => homelab.diary.filter((entry) => entry.startsWith('wake '))
    return { it, homelab, woken, person: personAt(homelab, it) }
  }

  test('has them woken one after the other, the NAS first', async () => {
    const { it, woken, person } = await blindly(150)
    await using _ = it
    const { said } = await person.wake()
    expect(said).toMatch(/^magic packets were sent to 1 of 3 machines, and 2 more follow within \d+ ms/)
    expect(woken()).toEqual(['wake nas'])
    await waitFor('all turns', 5_000, () => woken().length === 3)
    expect(woken()).toEqual(['wake nas', 'wake cp-1', 'wake w-1'])
  })

  test('has none woken any more once the UPS reports that mains power is off', async () => {
    const { it, homelab, woken, person } = await blindly(150)
    await using _ = it
    await person.wake()
    await it.reads(low)
    const notes = () => homelab.ports.journal.entries(1_000).filter(({ text }) => text.includes('was not woken'))
    await waitFor('all turns', 5_000, () => notes().length === 2)
    expect(woken()).toEqual(['wake nas'])
  })

  test('has none woken any more when the agent stops', async () => {
    const { it, woken, person } = await blindly(100)
    await person.wake()
    await it[Symbol.asyncDispose]()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(woken()).toEqual(['wake nas'])
  })

  test('has single machines woken one after the other too', async () => {
    const { it, woken, person } = await blindly(150)
    await using _ = it
    expect((await person.wake('w-1')).said).toBe('w-1 was sent a magic packet')
    expect((await person.wake('cp-1')).said).toMatch(/^cp-1 is sent a magic packet in 1\d\d ms: machines are woken/)
    expect(woken()).toEqual(['wake w-1'])
    await waitFor('its turn', 5_000, () => woken().length === 2)
  })
})
