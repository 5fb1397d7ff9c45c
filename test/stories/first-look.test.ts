import { expect, test } from 'vitest'
import { startAgent } from '../fakes/agent.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { offered } from '../fakes/rollout.ts'
import { two } from '../fakes/stories.ts'

test('where no node answers at the first look, releases and images are looked after two minutes later', async () => {
  const homelab = fakeHomelab(two, offered)
  const now = () => new Date('2026-11-22T10:00:00Z')
  await using it = startAgent(homelab, { now })
  for (const name of Object.keys(two)) homelab.machine(name).up = false
  const soon = new Date('2026-11-22T10:02:00Z')
  expect(await it.run('watch-releases')).toEqual({ kind: 'later', reason: 'no node answers', at: soon })
  const reason = 'there is no target release, and no node reports its version'
  expect(await it.run('stage-image')).toEqual({ kind: 'later', reason, at: soon })

  for (const name of Object.keys(two)) homelab.machine(name).up = true
  expect(await it.run('watch-releases')).toMatchObject({ kind: 'done' })
  expect(await it.run('stage-image')).toMatchObject({ kind: 'done' })
  expect((await homelab.ports.share.staged()).map(({ version }) => version)).toEqual(['v1.13.9', 'v1.14.1'])
})
