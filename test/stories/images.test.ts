import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { judgeBytes, knownBytesKind } from '../../src/core/release/known-bytes.ts'
import { remembered } from '../../src/operations/facts.ts'
import { type FakeHomelab, fakeHomelab } from '../fakes/homelab.ts'
import { begin, days, offered, texts } from '../fakes/rollout.ts'
import { two, three } from '../fakes/stories.ts'

const usualName = 'metal-amd64-uki.efi'

/** What each name serves: `boot.efi v1.13.9`. */
const served = ({ share }: FakeHomelab) =>
  share.names().then((names) => names.map(({ file, version }) => `${file} ${version}`).toSorted())
const staged = async ({ share }: FakeHomelab) =>
  (await share.staged()).map(({ version, architecture }) => `${version} ${architecture}`).toSorted()

test('machines boot from the network what the oldest node runs, until the last node has the new release', async () => {
  const homelab = fakeHomelab(three, offered)
  await using it = await begin(homelab)
  const seen: string[] = []
  homelab.before = async (entry) => {
    if (entry.startsWith('reboot ')) seen.push(...(await served(homelab)))
  }
  expect(await days(it)).toBe('every node runs v1.14.1')
  expect(seen).toEqual(Array.from({ length: 5 }, () => `${usualName} v1.13.9`))
  expect(await served(homelab)).toEqual([`${usualName} v1.14.1`])
})

test('a node that falls silent before its turn holds the name where it is, and status says which', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  Object.assign(homelab.machine('w-1'), { version: 'v1.14.1' })
  homelab.machine('cp-1').up = false
  await it.run('stage-image')
  expect(await served(homelab)).toEqual([`${usualName} v1.13.9`])
  expect(remembered.imageNotes.recall(homelab.ports.journal)).toEqual({
    amd64: 'cp-1 may run an older release: no answer',
  })
})

test('several images are staged under their own names, and one that fails keeps no other back', async () => {
  const homelab = fakeHomelab(two, offered)
  const images = [
    { name: 'mini', file: 'mini.efi' },
    { name: 'board', architecture: 'arm64' },
  ]
  await using it = await begin(homelab, { images })
  expect(await served(homelab)).toEqual(['metal-arm64-uki.efi v1.13.9', 'mini.efi v1.13.9'])
  expect(await staged(homelab)).toEqual(['v1.13.9 amd64', 'v1.13.9 arm64', 'v1.14.1 amd64', 'v1.14.1 arm64'])

  const { warm } = homelab.ports.factory
  homelab.ports.factory.warm = async (image, signal) => {
    if (image.architecture === 'arm64') throw new AgentError('rejected', 'there is no such board')
    return warm(image, signal)
  }
  homelab.versions = ['v1.13.9', 'v1.14.2']
  await it.run('watch-releases')
  await expect(it.run('stage-image')).rejects.toThrow('stage v1.14.2 for arm64: there is no such board')
  expect((await staged(homelab)).filter((one) => one.startsWith('v1.14.2'))).toEqual(['v1.14.2 amd64'])
  expect(await it.next()).toBe('v1.14.2 for board is not staged on the share yet')
})

test('what a person takes back stays so, until another release is to be published', async () => {
  const homelab = fakeHomelab(two, { versions: ['v1.13.9', 'v1.14.1'] })
  await using it = await begin(homelab)
  await days(it)
  expect(await served(homelab)).toEqual([`${usualName} v1.14.1`])

  await it.control.takeBack()
  await it.runQueue()
  for (let day = 0; day < 2; day++) await it.run('stage-image')
  expect(await served(homelab)).toEqual([`${usualName} v1.13.9`])
  const { schematic } = (await homelab.share.staged())[0]!
  expect(remembered.holds.recall(homelab.ports.journal)).toEqual({
    amd64: { from: 'v1.14.1', fromSchematic: schematic, version: 'v1.13.9', schematic },
  })
  expect(texts(homelab, 'event')).toContain(`${usualName} goes back from v1.14.1 to v1.13.9; by admin@nas (unverified)`)

  homelab.versions = ['v1.13.9', 'v1.14.1', 'v1.14.2']
  await days(it)
  expect(await served(homelab)).toEqual([`${usualName} v1.14.2`])
  expect(remembered.holds.recall(homelab.ports.journal)).toBeUndefined()
})

test('what a person has taken back is published again where a person wants that', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  await days(it)
  await it.control.takeBack('amd64')
  await it.runQueue()
  await it.control.stage()
  await it.runQueue()
  expect(await served(homelab)).toEqual([`${usualName} v1.14.1`])
})

test('nothing is taken back where nothing was served before, and of several images one is named', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  await expect(it.control.takeBack()).rejects.toMatchObject({
    code: 'not-found',
    message: `the share has nothing that ${usualName} served before`,
  })
  await expect(it.control.takeBack('arm64')).rejects.toMatchObject({ code: 'not-found' })
  const several = fakeHomelab(two, offered)
  await using other = await begin(several, { images: [{ name: 'mini' }, { name: 'board', architecture: 'arm64' }] })
  await expect(other.control.takeBack()).rejects.toMatchObject({
    code: 'misconfigured',
    message: 'name the image that is to go back: mini, board',
  })
})

test('where the release that every node runs is withdrawn, machines boot the newest that is not', async () => {
  const homelab = fakeHomelab(two, { version: 'v1.13.9', versions: ['v1.13.8', 'v1.13.9'] })
  await using it = await begin(homelab)
  expect(await served(homelab)).toEqual([`${usualName} v1.13.9`])
  homelab.versions = ['v1.13.8']
  homelab.withdrawn = ['v1.13.9']
  await it.run('watch-releases')
  await it.run('stage-image')
  expect(await served(homelab)).toEqual([`${usualName} v1.13.8`])
})

test('where it is withdrawn and is to be kept, or is all that there is, the name is never empty', async () => {
  for (const share of [{ withdrawn: 'keep' }, {}]) {
    const homelab = fakeHomelab(two, { version: 'v1.13.9', versions: ['v1.13.9'] })
    await using it = await begin(homelab, { share })
    homelab.versions = share.withdrawn === 'keep' ? ['v1.13.8'] : []
    homelab.withdrawn = ['v1.13.9']
    await it.run('watch-releases')
    await it.run('stage-image')
    expect(await served(homelab)).toEqual([`${usualName} v1.13.9`])
  }
})

test('what something else has changed is published again', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  homelab.share.damage(usualName, 'is gone')
  await it.agent.emit({ type: 'share.changed', file: usualName })
  await it.runQueue()
  expect(await homelab.share.names()).toMatchObject([{ file: usualName, fault: undefined }])
})

test('what something else has changed is published again while nodes are down: they may wait for it', async () => {
  for (const down of [['cp-1'], ['cp-1', 'w-1']]) {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    Object.assign(homelab.machine('w-1'), { version: 'v1.14.1' })
    for (const name of down) homelab.machine(name).up = false
    homelab.share.damage(usualName, 'is gone')
    await it.agent.emit({ type: 'share.changed', file: usualName })
    await it.runQueue()
    expect(await homelab.share.names()).toMatchObject([{ version: 'v1.13.9', fault: undefined }])
  }
})

test('a schematic that the Factory refuses keeps no image of another one back, and takes nothing away', async () => {
  const homelab = fakeHomelab(two, offered)
  const schematics = new Map(['homelab', 'gpu'].map((name, at) => [name, { id: `${at}`.repeat(64), schematic: {} }]))
  const images = [{ name: 'mini' }, { name: 'gpu', schematic: 'gpu', architecture: 'arm64' }]
  await using it = await begin(homelab, { images, schematics })
  const before = await staged(homelab)
  const [own] = Object.entries(remembered.registrations.recall(homelab.ports.journal)!)
  remembered.registrations.remember(homelab.ports.journal, Object.fromEntries([own!]))
  homelab.ports.factory.register = async () => {
    throw new AgentError('rejected', 'no such extension')
  }
  homelab.share.damage(usualName, 'is gone')
  await expect(it.run('stage-image')).rejects.toThrow('no such extension')
  expect((await homelab.share.names()).map(({ fault }) => fault)).toEqual([undefined, undefined])
  expect(await staged(homelab)).toEqual(before)
})

test('a new share gets what the nodes ran when they were heard last, as they may wait for it', async () => {
  for (const down of [['cp-1'], ['cp-1', 'w-1']]) {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    Object.assign(homelab.machine('w-1'), { version: 'v1.14.1' })
    for (const name of down) homelab.machine(name).up = false
    homelab.share.empty()
    await it.control.stage()
    await it.runQueue()
    expect(await served(homelab)).toEqual([`${usualName} v1.13.9`])
  }
})

test('what something else has changed is left as it is by policy, until a person wants it back', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab, { share: { changed: 'report' } })
  homelab.share.damage(usualName, 'is gone')
  await it.run('stage-image')
  expect(await homelab.share.names()).toMatchObject([{ file: usualName, fault: 'is gone' }])
  await it.control.stage()
  await it.run('stage-image')
  expect(await homelab.share.names()).toMatchObject([{ file: usualName, fault: undefined }])
})

test('what nodes may go back to stays on the share, however few releases are to be kept', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab, { share: { keep: 1 } })
  expect(await days(it)).toBe('every node runs v1.14.1')
  expect(await staged(homelab)).toEqual(['v1.13.9 amd64', 'v1.14.1 amd64'])
  homelab.versions = ['v1.14.1', 'v1.14.2', 'v1.14.3']
  await days(it)
  homelab.versions = ['v1.14.3', 'v1.14.4']
  await days(it)
  // The last two rollouts were from v1.14.1 and from v1.14.3.
  expect(await staged(homelab)).toEqual(['v1.14.1 amd64', 'v1.14.3 amd64', 'v1.14.4 amd64'])
})

test('what a person takes back while an image comes is not published when it has come', async () => {
  const homelab = fakeHomelab(two, { versions: ['v1.13.9', 'v1.14.1'] })
  await using it = await begin(homelab, { share: { publish: 'when-staged' } })
  homelab.versions = ['v1.13.9', 'v1.14.1', 'v1.14.2']
  await it.run('watch-releases')
  homelab.before = async (entry) => {
    if (entry !== 'stage v1.14.2') return
    homelab.before = undefined
    // Back from what was published before, and not on to what comes.
    remembered.holds.remember(homelab.ports.journal, {
      amd64: { from: 'v1.14.2', version: 'v1.13.9', schematic: (await homelab.share.staged())[0]!.schematic },
    })
  }
  await it.run('stage-image')
  expect(await staged(homelab)).toContain('v1.14.2 amd64')
  expect(homelab.diary).not.toContain('publish v1.14.2')
  await it.run('stage-image')
  expect(await served(homelab)).toEqual([`${usualName} v1.13.9`])
})

test('a release that a person has gone back to, or that is kept apart, is an alert when it is withdrawn', async () => {
  const homelab = fakeHomelab(two, { versions: ['v1.13.9', 'v1.14.1'] })
  await using it = await begin(homelab)
  await days(it)
  await it.control.takeBack()
  await it.runQueue()
  const held = judgeBytes(
    judgeBytes(undefined, arrived('v1.14.0', 'a'), new Date()).known,
    arrived('v1.14.0', 'b'),
    new Date(),
  ).known
  homelab.ports.journal.records(knownBytesKind).save(held)
  homelab.versions = ['v1.14.1']
  homelab.withdrawn = ['v1.13.9', 'v1.14.0', 'v1.12.1']
  await it.run('watch-releases')
  const alert = it.agent.alerts.find('release.withdrawn')
  expect(alert?.text).toMatch(/^v1\.13\.9 was withdrawn .*; v1\.14\.0 was withdrawn /)
  expect(alert?.text).not.toContain('v1.12.1')
})

const arrived = (version: string, digest: string) => ({
  source: `https://factory.test/image/${version}`,
  version,
  bytes: 100,
  sha256: digest.repeat(64),
  proofs: { sha256: undefined, hasSignature: false },
})

test('nodes that nobody has ever heard find something to boot on an empty share, and it stays until they are heard', async () => {
  const homelab = fakeHomelab(two, offered)
  for (const machine of homelab.machines.values()) machine.up = false
  // Releases have been looked for since long ago, and no node has answered meanwhile.
  homelab.ports.journal.firstSeen(homelab.versions, 0)
  await using it = await begin(homelab)
  expect(await served(homelab)).toEqual([`${usualName} v1.14.1`])
  expect(remembered.news.recall(homelab.ports.journal)).toContain('no node has ever answered')
  homelab.versions = [...homelab.versions, 'v1.14.2']
  await it.run('watch-releases')
  await it.run('stage-image')
  expect(await served(homelab)).toEqual([`${usualName} v1.14.1`])
  for (const machine of homelab.machines.values()) machine.up = true
  await it.run('watch-releases')
  await it.run('stage-image')
  expect(await served(homelab)).toEqual([`${usualName} v1.13.9`])
})
