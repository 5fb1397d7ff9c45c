import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Talos } from '../../../src/core/cluster/ports.ts'
import type { TalosNode } from '../../lab/talos/node.ts'
import { refusal } from '../refusal.ts'
import { imageOf, startTalosLab, type TalosLab, type TalosLabNode } from './lab.ts'
import { patience, soon } from '../../patience.ts'

const labs: TalosLab[] = []
let talos: Talos
let node: TalosNode
let at: TalosLab

/** One worker. */
async function boot(options: Partial<TalosLabNode> = {}): Promise<void> {
  at = await startTalosLab({ name: 'w-1', address: '127.0.44.36', ...options })
  labs.push(at)
  talos = at.talos
  node = at.nodes[0]!
}
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab[Symbol.asyncDispose]()
})

async function installed(version: string): Promise<void> {
  await talos.pullImage('w-1', imageOf(version), soon())
  await talos.install('w-1', imageOf(version), soon())
}

describe('an installation', () => {
  test('writes the release that the next boot runs', async () => {
    await boot()
    await installed('v1.13.10')
    expect(node).toMatchObject({ version: 'v1.13.9', armed: true, installed: { version: 'v1.13.10' } })
    expect(node.calls.map(({ method }) => method)).toEqual(['ImageService.Pull', 'LifecycleService.Upgrade'])
  })

  test.each([
    { code: 1, kind: 'rejected', means: 'it gives no reason', said: 'Error: unknown error' },
    {
      code: 2,
      kind: 'misconfigured',
      means: "the node's configuration is not valid for this release: it will fail every time until you fix that",
      said: 'Error: config validation failed',
    },
    {
      code: 3,
      kind: 'misconfigured',
      means: 'this upgrade is not supported: it will fail every time until you fix that',
      said: 'Error: upgrade of this machine is not supported',
    },
    {
      code: 4,
      kind: 'rejected',
      means: 'a pre-installation check failed, which may be temporary',
      said: 'Error: pre-flight checks failed: environment is not suitable',
    },
    {
      code: 5,
      kind: 'rejected',
      means: 'a dependency is missing, which may be temporary',
      said: 'Error: grub-install not found',
    },
    {
      code: 6,
      kind: 'rejected',
      means: 'an I/O operation failed, which may be temporary',
      said: 'Error: write /dev/sda: input/output error',
    },
    { code: 7, kind: 'rejected', means: 'the installation failed', said: 'Error: failed to install bootloader' },
  ])(
    'that ends with code $code is $kind and says what that means, and what the installer said last',
    async ({ code, kind, means, said }) => {
      // Up to 1.13 the installer's words come in pieces that cut lines in two.
      for (const [index, version] of ['v1.13.9', 'v1.14.0'].entries()) {
        await boot({ version, address: `127.0.44.${36 + index}` })
        await talos.pullImage('w-1', imageOf('v1.14.0'), soon())
        node.faults.installerExit = code
        const error = await refusal(talos.install('w-1', imageOf('v1.14.0'), soon()))
        expect(error.code).toBe(kind)
        expect(error.message).toMatch(
          new RegExp(
            `^the installer on w-1 exited with code ${code}: ${means}; its last output: ` +
              `\\S+ \\S+ running Talos installer v1\\.14\\.0 / running pre-flight checks / ${said}`,
          ),
        )
        expect(node.armed).toBe(false)
      }
    },
  )

  test('of a release too far away is refused by the installer’s own checks', async () => {
    await boot({ version: 'v1.14.0' })
    await talos.pullImage('w-1', imageOf('v1.17.0'), soon())
    const error = await refusal(talos.install('w-1', imageOf('v1.17.0'), soon()))
    expect(error.message).toContain('host version 1.14.0 is too old to upgrade to Talos 1.17.0')
  })

  test('waits for one that runs already', async () => {
    await boot()
    await talos.pullImage('w-1', imageOf('v1.13.10'), soon())
    node.faults.upgradeInProgress = true
    await talos.install('w-1', imageOf('v1.13.10'), soon())
    expect(node.armed).toBe(true)
    expect(node.calls.filter(({ method }) => method === 'LifecycleService.Upgrade')).toHaveLength(2)
  })

  test('that waits for another one ends with its signal, and says what it waited for', async () => {
    await boot()
    await talos.pullImage('w-1', imageOf('v1.13.10'), soon())
    node.faults.upgradeInProgress = 'for good'
    const began = performance.now()
    expect(await refusal(talos.install('w-1', imageOf('v1.13.10'), soon(2_000)))).toMatchObject({
      code: 'timed-out',
      message: 'another installation is running on w-1',
    })
    expect(performance.now() - began).toBeLessThan(15_000)
  })

  test('of an image that was not pulled is rejected', async () => {
    await boot()
    const error = await refusal(talos.install('w-1', imageOf('v1.13.10'), soon()))
    expect(error.code).toBe('rejected')
    expect(error.message).toContain('not found in containerd store')
  })

  test('of a node that loses its power is unreachable at the latest with its signal', async () => {
    await boot({ pace: { boot: 20, settle: 20, install: 5_000 } })
    await talos.pullImage('w-1', imageOf('v1.13.10'), soon())
    const installing = refusal(talos.install('w-1', imageOf('v1.13.10'), soon(600)))
    await vi.waitFor(() => expect(node.calls).toHaveLength(2), patience)
    node.cutPower()
    expect(await installing).toMatchObject({ code: 'unreachable' })
  })

  test('pulls nothing where there is no such image', async () => {
    await boot()
    const error = await refusal(talos.pullImage('w-1', 'factory.lab/nothing:v1', soon()))
    expect(error.code).toBe('rejected')
    expect(error.message).toMatch(/^w-1 \(127\.0\.44\.36\): error pulling image: .*not found$/)
  })
})

describe('Talos 1.12', () => {
  test('is upgraded by one call that installs and reboots', async () => {
    await boot({ version: 'v1.12.11' })
    const { bootId } = node
    await talos.installAndReboot('w-1', { image: imageOf('v1.13.9'), mode: 'default' }, soon())
    await vi.waitFor(() => expect(node).toMatchObject({ ready: true, version: 'v1.13.9' }), patience)
    expect(node.bootId).not.toBe(bootId)
  })

  test('rejects an image that there is not, before anything happens', async () => {
    await boot({ version: 'v1.12.11' })
    const error = await refusal(
      talos.installAndReboot('w-1', { image: 'factory.lab/nothing:v1', mode: 'default' }, soon()),
    )
    expect(error.code).toBe('rejected')
    expect(error.message).toContain('error validating installer image "factory.lab/nothing:v1"')
    expect(node.stage).toBe('running')
  })

  test('does not know the newer calls', async () => {
    await boot({ version: 'v1.12.11' })
    const error = await refusal(talos.pullImage('w-1', imageOf('v1.13.9'), soon()))
    expect(error).toMatchObject({ code: 'rejected', message: expect.stringContaining('unknown service') })
  })
})

describe('a reboot', () => {
  beforeEach(() => boot())

  test('brings another boot', async () => {
    const before = await talos.observe('w-1', soon())
    await talos.reboot('w-1', 'default', soon())
    await vi.waitFor(async () => {
      const { bootId, ready, stage } = await talos.observe('w-1', soon())
      expect([bootId === before.bootId, stage, ready]).toEqual([false, 'running', true])
    }, patience)
  })

  test('that leaves the sockets half open does not keep the next look from its answer', async () => {
    const { bootId } = node
    node.faults.halfOpen = true
    const gone = new Promise<void>((resolve) => node.onChange(() => node.answering || resolve()))
    await talos.reboot('w-1', 'default', soon())
    await gone
    const began = performance.now()
    await refusal(talos.observe('w-1', soon(30)))
    expect(performance.now() - began).toBeLessThan(4_000)
    await vi.waitFor(async () => expect((await talos.observe('w-1', soon())).bootId).not.toBe(bootId), patience)
  })

  test('in the middle of an installation, with half-open sockets, hangs no longer than the signal', async () => {
    await boot({ address: '127.0.44.37', pace: { install: 60_000, stop: 40, boot: 40, settle: 40 } })
    await talos.pullImage('w-1', imageOf('v1.13.10'), soon())
    node.faults.halfOpen = true
    const began = performance.now()
    const installing = refusal(talos.install('w-1', imageOf('v1.13.10'), soon(1_000)))
    await vi.waitFor(() => expect(node.calls).toHaveLength(2), patience)
    await talos.reboot('w-1', 'default', soon())
    expect((await installing).retryable).toBe(true)
    expect(performance.now() - began).toBeLessThan(15_000)
  })

  test.each(['locked', 'rebootIgnored'] as const)(
    'that Talos answers and does not do (%s) is accepted',
    async (fault) => {
      const { bootId } = node
      node.faults[fault] = true
      await talos.reboot('w-1', 'default', soon())
      expect((await talos.observe('w-1', soon())).bootId).toBe(bootId)
    },
  )
})

describe('a shutdown', () => {
  test.each([true, false])('with force %s takes the node down', async (force) => {
    await boot()
    await talos.shutDown('w-1', { force }, soon())
    await vi.waitFor(() => expect(node.power).toBe('off'), patience)
    expect(await refusal(talos.observe('w-1', soon()))).toMatchObject({ code: 'unreachable' })
  })

  test('leaves Talos’ own drain out where it is forced', async () => {
    const drained: string[] = []
    await boot({ cordonAndDrain: async (name) => void drained.push(name) })
    await talos.shutDown('w-1', { force: true }, soon())
    await vi.waitFor(() => expect(node.power).toBe('off'), patience)
    expect(drained).toEqual([])
    node.wake()
    await vi.waitFor(() => expect(node.ready).toBe(true), patience)
    await talos.shutDown('w-1', { force: false }, soon())
    await vi.waitFor(() => expect(node.power).toBe('off'), patience)
    expect(drained).toEqual(['w-1'])
  })
})
