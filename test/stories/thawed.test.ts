import { expect, test } from 'vitest'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { startAgent } from '../fakes/agent.ts'

const lab = () =>
  fakeHomelab(
    { 'cp-1': 'controlplane', 'cp-2': 'controlplane', 'cp-3': 'controlplane' },
    { versions: ['v1.13.9', 'v1.14.1'] },
  )

/** What has come about while the agent was frozen, in the middle of this step. */
function frozenIn(homelab: FakeHomelab, step: string, meanwhile: () => void): void {
  homelab.before = (entry) => {
    if (entry !== step) return
    homelab.before = undefined
    meanwhile()
  }
}

test.each(['cordon cp-1', 'drain cp-1', 'install cp-1', 'forfeit-leadership cp-1'])(
  'an agent that thaws in "%s" gives no further order where another agent has taken the Lease meanwhile',
  async (step) => {
    const homelab = lab()
    await using it = startAgent(homelab)
    await it.reads({ status: ['OL'], charge: 100 })
    await it.run('watch-releases')
    frozenIn(homelab, step, () => {
      homelab.lease = { holder: 'the other agent', purpose: 'upgrade', lasts: 60_000, until: Date.now() + 60_000 }
    })
    const outcomes = await it.runQueue()
    expect(homelab.diary.at(-1)).toBe(step)
    expect(outcomes.at(-1)).toMatchObject({ kind: 'later', reason: 'the other agent has taken over the Lease' })
    expect(homelab.lease?.holder).toBe('the other agent')
  },
)

test('an agent that thaws goes on where its Lease has expired and nobody has taken it', async () => {
  const homelab = lab()
  await using it = startAgent(homelab)
  await it.reads({ status: ['OL'], charge: 100 })
  await it.run('watch-releases')
  frozenIn(homelab, 'drain cp-1', () => {
    homelab.lease = { ...homelab.lease!, until: Date.now() - 3_600_000 }
  })
  await it.runQueue()
  expect(homelab.machine('cp-1').version).toBe('v1.14.1')
})
