import { describe, expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { remembered } from '../../src/operations/facts.ts'
import { type StartOptions, startAgent } from '../fakes/agent.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { sentence } from '../fakes/rollout.ts'
import { two } from '../fakes/stories.ts'

// One run of the job that stages: in which order images come, what is published of them, and what it says.

const name = 'metal-amd64-uki.efi'
const [older, newer] = ['v1.13.9', 'v1.14.1']

interface Staging {
  readonly roles?: Parameters<typeof fakeHomelab>[0]
  /** What nodes run, by name; `silent` for one that does not answer. */
  readonly runs?: Readonly<Record<string, string>>
  readonly target?: string | undefined
  readonly offered?: readonly string[]
  readonly options?: StartOptions
  readonly remembers?: (homelab: FakeHomelab) => void | Promise<void>
  readonly times?: number
  /** What happens before the last of several runs. */
  readonly between?: (homelab: FakeHomelab) => void
}

/** By default a node of each role runs v1.13.9, and v1.14.1 is the target release. */
async function stages(staging: Staging = {}) {
  const { roles = two, runs = {}, offered = [older, newer], options = {}, remembers, times = 1, between } = staging
  const target = 'target' in staging ? staging.target : newer
  const homelab = fakeHomelab(roles, { version: older, versions: offered })
  const { journal } = homelab.ports
  remembered.versions.remember(journal, offered)
  remembered.target.remember(journal, target)
  for (const [node, version] of Object.entries(runs))
    Object.assign(homelab.machine(node), version === 'silent' ? { up: false } : { version })
  const now = () => new Date('2026-11-22T10:00:00Z')
  await using it = startAgent(homelab, { now, ...options, share: { downloads: 1, ...options.share } })
  await remembers?.(homelab)
  for (let before = 1; before < times; before += 1) await it.run('stage-image')
  between?.(homelab)
  homelab.diary.splice(0, times > 1 ? Infinity : 0)
  const ended = it.run('stage-image')
  const outcome = await ended.catch((error: unknown) => error as Error)
  return {
    homelab,
    journal,
    outcome,
    said: outcome instanceof Error ? outcome.message : sentence(outcome),
    diary: homelab.diary,
    serves: homelab.share.serves(name)?.version,
    staged: (await homelab.share.staged()).map(({ version }) => version).toSorted(),
  }
}

describe('images come', () => {
  test('in the order in which machines need them: what they boot now is published before the next is fetched', async () => {
    const { diary, said } = await stages()
    expect(diary).toEqual([`stage ${older}`, `publish ${older}`, `stage ${newer}`])
    expect(said).toBe(`${older}, ${newer} staged; machines boot ${older}: every node runs it`)
  })

  test('once', async () => {
    const { diary, said } = await stages({ times: 2 })
    expect(diary).toEqual([])
    expect(said).toBe(`already staged: ${older}, ${newer}; machines boot ${older}: every node runs it`)
  })

  test('where there is no target release, and what nodes run is all that is said', async () => {
    const { diary, said } = await stages({ target: undefined })
    expect([diary, said]).toEqual([[`stage ${older}`, `publish ${older}`], `${older} staged`])
  })

  test('and one that all nodes run is published', async () => {
    const { serves, said } = await stages({ runs: { 'cp-1': newer, 'w-1': newer } })
    expect([serves, said]).toEqual([newer, `${newer} staged`])
  })

  test('where only the next is new, and nothing is said of what was there', async () => {
    const { diary, said } = await stages({
      remembers: ({ ports: { journal } }) => remembered.stagingRequests.remember(journal, ['v1.13.8']),
      runs: { 'cp-1': newer, 'w-1': newer },
    })
    expect(diary).toEqual([`stage ${newer}`, `publish ${newer}`, 'stage v1.13.8'])
    expect(said).toBe(`${newer}, v1.13.8 staged`)
  })

  test('for each image of the configuration by its name', async () => {
    const images = [
      { name: 'mini', file: name },
      { name: 'board', architecture: 'arm64' },
    ]
    const { said } = await stages({ options: { images } })
    expect(said).toMatch(
      `${older} for mini, ${older} for board, ${newer} for mini, ${newer} for board staged; machines boot ${older}: `,
    )
  })
})

describe('a name that something else has changed', () => {
  const damage = ({ share }: FakeHomelab) => share.damage(name, 'is gone')
  const report = { options: { share: { changed: 'report' } }, times: 2 } as const
  const after = async (change: (homelab: FakeHomelab) => void, staging: Staging) => {
    const { homelab } = await stages({ ...staging, between: change })
    return (await homelab.share.names())[0]?.fault
  }

  test('serves what it is to serve again', async () => {
    expect(await after(damage, { times: 2 })).toBeUndefined()
  })

  test('is left as it is where that is the policy, and put right when a person wants that', async () => {
    expect(await after(damage, report)).toBe('is gone')
    const accept = (homelab: FakeHomelab) => {
      damage(homelab)
      remembered.shareAccepted.remember(homelab.ports.journal, true)
    }
    expect(await after(accept, report)).toBeUndefined()
  })
})

test('a share that was in use and is empty is told also where there is nothing to stage', async () => {
  const { said } = await stages({
    times: 2,
    between: ({ share, machines, ports: { journal } }) => {
      share.empty()
      for (const machine of machines.values()) machine.up = false
      remembered.target.remember(journal, undefined)
      remembered.ran.remember(journal, undefined)
    },
  })
  expect(said).toMatch(/share is empty, where an image was published: is the share mounted\?/)
})

describe('there is nothing to stage', () => {
  const soon = new Date('2026-11-22T10:02:00Z')
  test.each<{ name: string; staging: Staging; is: object }>([
    {
      name: 'while no node answers, which is looked at again soon',
      staging: { runs: { 'cp-1': 'silent', 'w-1': 'silent' } },
      is: { kind: 'later', reason: 'there is no target release, and no node reports its version', at: soon },
    },
    {
      name: 'where there is no node',
      staging: { roles: {} },
      is: { kind: 'done', summary: 'there is no target release, and no node reports its version' },
    },
    {
      name: 'where what every node runs was withdrawn, and nothing comes in its place',
      staging: {
        runs: { 'cp-1': 'v1.13.10' },
        remembers: ({ ports: { journal } }) => remembered.withdrawn.remember(journal, [older, 'v1.13.10']),
      },
      is: { kind: 'done', summary: 'there is no target release, and v1.13.10 was withdrawn by the Image Factory' },
    },
    {
      name: 'where the newest official release was withdrawn, and a node runs another one',
      staging: {
        runs: { 'w-1': 'v1.15.0-3-gabc-dirty' },
        remembers: ({ ports: { journal } }) => remembered.withdrawn.remember(journal, [older]),
      },
      is: { kind: 'done', summary: `there is no target release, and ${older} was withdrawn by the Image Factory` },
    },
    {
      name: 'where no official release runs',
      staging: { runs: { 'cp-1': 'v1.15.0-3-gabc-dirty', 'w-1': 'v1.15.0-3-gabc-dirty' } },
      is: { kind: 'done', summary: 'there is no target release' },
    },
  ])('$name', async ({ staging, is }) => {
    const { outcome, diary } = await stages({ target: undefined, offered: [], ...staging })
    expect(outcome).toEqual(is)
    expect(diary).toEqual([])
  })
})

describe('a schematic that the Factory does not know', () => {
  const refuse = ({ ports: { factory } }: FakeHomelab) => {
    factory.register = async () => {
      throw new AgentError('rejected', 'no such extension')
    }
  }

  test('is why nothing can be staged', async () => {
    const { said, diary } = await stages({ remembers: refuse })
    expect([said, diary]).toEqual(['no such extension', []])
  })
})

describe('what a person has taken back', () => {
  const schematic = 'a'.repeat(64)
  const hold = { from: newer, fromSchematic: schematic, version: older, schematic }
  const images = [
    { name: 'mini', file: name },
    { name: 'board', architecture: 'arm64' },
  ]
  const all = { 'cp-1': newer, 'w-1': newer }

  test('stays back, and the run says so', async () => {
    const { serves, said, journal } = await stages({
      runs: all,
      remembers: ({ ports }) => remembered.holds.remember(ports.journal, { amd64: hold }),
    })
    expect(serves).toBe(older)
    expect(said).toBe(`${older}, ${newer} staged; machines boot ${older}: ${newer} was taken back by a person`)
    expect(remembered.holds.recall(journal)).toEqual({ amd64: hold })
  })

  test('counts for nothing any more where something else is to be published, and for each image by itself', async () => {
    const { journal } = await stages({
      runs: all,
      options: { images },
      remembers: ({ ports }) =>
        remembered.holds.remember(ports.journal, { mini: hold, board: { ...hold, from: 'v1.14.0' } }),
    })
    expect(remembered.holds.recall(journal)).toEqual({ mini: hold })
  })

  test('and is gone with the last of them', async () => {
    const { journal, serves } = await stages({
      runs: all,
      remembers: ({ ports }) => remembered.holds.remember(ports.journal, { amd64: { ...hold, from: 'v1.14.0' } }),
    })
    expect([remembered.holds.recall(journal), serves]).toEqual([undefined, newer])
  })
})

test('a run ends when every download has ended, also where one of them is ended by a bug', async () => {
  const images = [
    { name: 'mini', file: name },
    { name: 'board', architecture: 'arm64' },
  ]
  const order: string[] = []
  const { outcome } = await stages({
    target: older,
    options: { images, share: { downloads: 2 } },
    remembers: ({ ports: { share } }) => {
      const { names } = share
      const other = Promise.withResolvers<void>()
      let asked = 0
      share.names = async () => {
        asked += 1
        // Whether the share is still the one that it was is asked before each download.
        if (asked === 2) {
          order.push('one ends')
          setImmediate(() => setImmediate(other.resolve))
          throw new TypeError('a bug')
        }
        if (asked === 3) {
          await other.promise
          order.push('the other ends')
        }
        return names()
      }
    },
  })
  order.push('the run ends')
  expect(outcome).toMatchObject({ message: 'a bug' })
  expect(order).toEqual(['one ends', 'the other ends', 'the run ends'])
})
