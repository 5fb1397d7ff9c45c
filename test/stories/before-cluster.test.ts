import { expect, test } from 'vitest'
import { startAgent } from '../fakes/agent.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { offered, texts } from '../fakes/rollout.ts'
import { online } from '../fakes/stories.ts'

const nas = { name: 'nas', nas: true }
const hasNas = { hosts: ['nas'] } as const

test('before there is a node the release that machines boot first is chosen and staged, and nothing is upgraded', async () => {
  const homelab = fakeHomelab({}, offered)
  await using it = startAgent(homelab, { upgrade: { soak: '7d' } })
  await it.reads(online)
  expect(await it.run('watch-releases')).toMatchObject({
    kind: 'done',
    summary: 'v1.14.1 is the target release: the newest; no node is configured yet',
  })
  expect(await it.run('stage-image')).toMatchObject({ kind: 'done', summary: 'v1.14.1 staged' })
  expect(await it.run('upgrade-node')).toMatchObject({
    kind: 'done',
    summary: 'no node is configured, so there is nothing to upgrade',
  })
  expect(homelab.diary.filter((line) => /^(cordon|drain|install|reboot)/.test(line))).toEqual([])
  expect(texts(homelab, 'alert')).toEqual([])
})

test('what a withdrawal leaves is staged in the place of what was to be booted first', async () => {
  const homelab = fakeHomelab({}, offered)
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.run('watch-releases')
  homelab.ports.factory.withdrawn = async () => ['v1.14.1']
  expect(await it.run('watch-releases')).toMatchObject({
    summary: expect.stringContaining('v1.13.9 is the target release'),
  })
})

test('a power cut before there is a node takes the hosts down in order, and brings them back', async () => {
  const homelab = fakeHomelab({}, { ...offered, ...hasNas })
  await using it = startAgent(homelab, { hosts: [nas] })
  await it.reads(online)
  await it.reads({ status: ['OB', 'LB'] })
  await it.agent.idle()
  expect(homelab.diary).toContain('shut-down-host nas')
  await it.reads(online)
  await it.agent.idle()
  await expect.poll(() => homelab.ports.journal.openOutage()).toBeUndefined()
  expect(homelab.hosts.get('nas')?.up).toBe(true)
})
