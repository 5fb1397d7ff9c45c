import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { ShareFull } from '../../src/core/release/share-full.ts'
import { remembered } from '../../src/operations/facts.ts'
import { type FakeHomelab, fakeHomelab } from '../fakes/homelab.ts'
import { begin, offered } from '../fakes/rollout.ts'
import { two } from '../fakes/stories.ts'

const shareEntries = ({ diary }: FakeHomelab) => diary.filter((entry) => /^(stage|publish) /.test(entry))

test('a share that was in use and is empty is not filled: most likely it is not mounted', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  homelab.share.empty()
  homelab.diary.length = 0
  await expect(it.run('stage-image')).rejects.toMatchObject({
    code: 'misconfigured',
    message: expect.stringMatching(/share is empty, where an image was published: is the share mounted\?/),
  })
  expect(shareEntries(homelab)).toEqual([])
  await it.control.stage()
  await it.run('stage-image')
  expect(homelab.share.serves('metal-amd64-uki.efi')).toMatchObject({ version: 'v1.13.9' })
})

test('a share that goes away between two images gets nothing of the second', async () => {
  const homelab = fakeHomelab(two, offered)
  const images = [
    { name: 'mini', file: 'mini.efi' },
    { name: 'board', architecture: 'arm64' },
  ]
  await using it = await begin(homelab, { images, share: { downloads: 1 } })
  homelab.versions = ['v1.13.9', 'v1.14.1', 'v1.14.2']
  await it.run('watch-releases')
  homelab.diary.length = 0
  homelab.before = async (entry) => {
    if (entry !== 'stage v1.14.2') return
    homelab.before = undefined
    homelab.share.empty()
    throw new AgentError('unreachable', 'the share was unmounted')
  }
  await expect(it.run('stage-image')).rejects.toThrow('the share was unmounted')
  expect(shareEntries(homelab)).toEqual([])
})

test.each([
  { name: 'has no room', why: new ShareFull('the share is full', 6e6), waits: { directory: 'share', needed: 6e6 } },
  { name: 'can’t be written', why: new AgentError('misconfigured', 'it is read-only'), waits: { directory: 'share' } },
  // Nothing says when it is over.
  { name: 'has no room, as nobody can see', why: new ShareFull('the share is full'), waits: undefined },
])('a share that $name is waited for, and staged on when it is back', async ({ why, waits }) => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  homelab.versions = ['v1.13.9', 'v1.14.1', 'v1.14.2']
  await it.run('watch-releases')
  homelab.diary.length = 0
  homelab.share.block(why)
  await expect(it.run('stage-image')).rejects.toThrow(why.message)
  expect(remembered.shareWaits.recall(homelab.ports.journal)).toMatchObject(waits === undefined ? {} : waits)
  expect(remembered.shareWaits.recall(homelab.ports.journal) === undefined).toBe(waits === undefined)
  homelab.share.block(undefined)
  it.waiting.length = 0
  await it.agent.emit({ type: 'share.returned' })
  await it.runQueue()
  expect(shareEntries(homelab)[0]).toBe('stage v1.14.2')
  expect(remembered.shareWaits.recall(homelab.ports.journal)).toBeUndefined()
})
