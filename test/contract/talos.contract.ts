import { expect, test, vi } from 'vitest'
import type { Talos } from '../../src/core/cluster/ports.ts'
import { refusal } from '../adapters/refusal.ts'
import { patience, soon } from '../patience.ts'

/** A cluster of cp-1 and w-1, both running v1.13.9 and ready. */
export interface TalosUnderTest extends AsyncDisposable {
  readonly talos: Talos
  /** The schematic that both run. */
  readonly schematic: string
}

const imageOf = (schematic: string, version: string) => `factory.lab/metal-installer/${schematic}:${version}`

/** What the agent relies on in Talos' machine API. */
export function talosContract(open: () => Promise<TalosUnderTest>): void {
  const becomes = ({ talos }: TalosUnderTest, node: string, facts: object) =>
    vi.waitFor(async () => expect(await talos.observe(node, soon())).toMatchObject(facts), patience)
  const running = { stage: 'running', ready: true, unmet: [] }

  test('tells what a node runs, and that it is well', async () => {
    await using at = await open()
    for (const node of ['cp-1', 'w-1']) {
      const facts = await at.talos.observe(node, soon())
      expect(facts).toMatchObject({ version: 'v1.13.9', schematic: at.schematic, platform: 'metal', ...running })
      expect(facts).toMatchObject({ extensions: [], fallbackPending: false, secureBoot: false })
      expect(await at.talos.version(node, soon())).toBe('v1.13.9')
    }
  })

  test('tells of etcd on control planes, and of nothing like it on workers', async () => {
    await using at = await open()
    const { etcd } = await at.talos.observe('cp-1', soon())
    expect(etcd?.ok && etcd.value).toMatchObject({
      learner: false,
      errors: [],
      members: [{ name: 'cp-1', learner: false }],
    })
    expect(etcd?.ok && etcd.value.members[0]?.id).toBe(etcd?.ok && etcd.value.id)
    expect(etcd?.ok && etcd.value.leader).toBe(etcd?.ok && etcd.value.id)
    expect(await at.talos.observe('w-1', soon())).not.toHaveProperty('etcd')
  })

  test('runs an installed release after the next boot, and shows until then what that starts', async () => {
    await using at = await open()
    const image = imageOf(at.schematic, 'v1.13.10')
    const before = await at.talos.observe('w-1', soon())
    await at.talos.pullImage('w-1', image, soon())
    await at.talos.install('w-1', image, soon())
    expect(before).toMatchObject({
      bootedEntry: 'Talos-v1.13.9.efi',
      defaultEntry: 'Talos-v1.13.9.efi',
      hasOtherEntry: false,
    })
    expect(await at.talos.observe('w-1', soon())).toEqual({ ...before, defaultEntry: 'Talos-v1.13.10.efi' })
    await at.talos.reboot('w-1', 'default', soon())
    const entries = { bootedEntry: 'Talos-v1.13.10.efi', defaultEntry: 'Talos-v1.13.10.efi', hasOtherEntry: true }
    await becomes(at, 'w-1', { version: 'v1.13.10', fallbackPending: false, ...entries, ...running })
    expect((await at.talos.observe('w-1', soon())).bootId).not.toBe(before.bootId)
  })

  test('installs and reboots in one call', async () => {
    await using at = await open()
    await at.talos.installAndReboot('w-1', { image: imageOf('e'.repeat(64), 'v1.13.9'), mode: 'default' }, soon())
    await becomes(at, 'w-1', { schematic: 'e'.repeat(64), fallbackPending: false, ...running })
    expect(await at.talos.version('w-1', soon())).toBe('v1.13.9')
  })

  test.each([
    {
      name: 'another machine',
      expected: { machineId: 'f'.repeat(32), role: 'worker' },
      reason: /^w-1 is left alone: another machine answers/,
    },
    {
      name: 'a control plane',
      expected: { role: 'controlplane' },
      reason: /^w-1 is left alone: it runs as a worker, not as a controlplane$/,
    },
  ] as const)(
    'does nothing to a node that is not the one that an order is for: $name',
    async ({ expected, reason }) => {
      await using at = await open()
      const { talos } = at
      const image = imageOf(at.schematic, 'v1.13.10')
      // So that there is something to go back to.
      await talos.installAndReboot('w-1', { image, mode: 'default' }, soon())
      await becomes(at, 'w-1', { version: 'v1.13.10', ...running })
      const before = await talos.observe('w-1', soon())
      const orders = [
        () => talos.install('w-1', image, soon(), expected),
        () => talos.installAndReboot('w-1', { image, mode: 'default' }, soon(), expected),
        () => talos.reboot('w-1', 'default', soon(), expected),
        () => talos.rollback('w-1', soon(), expected),
      ]
      for (const order of orders) {
        const { code, message } = await refusal(order())
        expect([code, message]).toEqual(['not-now', expect.stringMatching(reason)])
      }
      expect(await talos.observe('w-1', soon())).toEqual(before)
      const { machineId } = before
      await talos.reboot('w-1', 'default', soon(), {
        role: 'worker',
        ...(machineId === undefined ? {} : { machineId }),
      })
      await vi.waitFor(
        async () => expect((await talos.observe('w-1', soon())).bootId).not.toBe(before.bootId),
        patience,
      )
    },
  )

  test('boots anew at every reboot', async () => {
    await using at = await open()
    const seen = new Set<string>()
    for (let round = 0; round < 3; round++) {
      const { bootId } = await at.talos.observe('w-1', soon())
      seen.add(bootId)
      if (round === 2) break
      await at.talos.reboot('w-1', 'default', soon())
      await vi.waitFor(async () => {
        const facts = await at.talos.observe('w-1', soon())
        expect(facts).toMatchObject(running)
        expect(facts.bootId).not.toBe(bootId)
      }, patience)
    }
    expect(seen.size).toBe(3)
  })

  test.each([true, false])('does not answer any more after a shutdown with force %s', async (force) => {
    await using at = await open()
    await at.talos.shutDown('w-1', { force }, soon())
    await vi.waitFor(async () => {
      expect(await refusal(at.talos.version('w-1', soon()))).toMatchObject({ code: 'unreachable' })
    }, patience)
    for (const call of [at.talos.observe('w-1', soon()), at.talos.reboot('w-1', 'default', soon())])
      expect((await refusal(call)).code).toBe('unreachable')
    expect(await at.talos.version('cp-1', soon())).toBe('v1.13.9')
  })

  test('tells the stage of a node, also while it goes down', async () => {
    await using at = await open()
    expect(await at.talos.activity('w-1', soon())).toEqual({ stage: 'running', phase: undefined })
    await at.talos.shutDown('w-1', { force: true }, soon())
    await vi.waitFor(async () => {
      const error = await refusal(at.talos.activity('w-1', soon()))
      expect(error).toMatchObject({ code: 'unreachable' })
    }, patience)
  })

  test('says of a node that nobody configured that the configuration is wrong', async () => {
    await using at = await open()
    expect(await refusal(at.talos.observe('w-9', soon()))).toMatchObject({ code: 'misconfigured' })
    expect(await refusal(at.talos.reboot('w-9', 'default', soon()))).toMatchObject({ code: 'misconfigured' })
  })

  test('does nothing any more for who has called it off', async () => {
    await using at = await open()
    const off = AbortSignal.abort()
    const { talos } = at
    const image = imageOf(at.schematic, 'v1.13.10')
    for (const call of [
      talos.observe('w-1', off),
      talos.version('w-1', off),
      talos.pullImage('w-1', image, off),
      talos.install('w-1', image, off),
      talos.installAndReboot('w-1', { image, mode: 'default' }, off),
      talos.reboot('w-1', 'default', off),
      talos.shutDown('w-1', { force: true }, off),
    ])
      expect((await refusal(call)).retryable).toBe(true)
    expect(await talos.observe('w-1', soon())).toMatchObject({ fallbackPending: false, ...running })
  })

  test.each(['powercycle', 'force'] as const)('boots anew by %s', async (mode) => {
    await using at = await open()
    const { bootId } = await at.talos.observe('w-1', soon())
    await at.talos.reboot('w-1', mode, soon())
    await vi.waitFor(async () => {
      const facts = await at.talos.observe('w-1', soon())
      expect(facts).toMatchObject(running)
      expect(facts.bootId).not.toBe(bootId)
    }, patience)
  })

  test('tells the machine, what started it, and that nothing ails it', async () => {
    await using at = await open()
    const before = await at.talos.observe('w-1', soon())
    expect(before).toMatchObject({ staged: false, ailing: [], bootedEntry: 'Talos-v1.13.9.efi' })
    expect(before.uuid).toMatch(/./)
    expect(before).toMatchObject({ machineType: 'worker', nodename: 'w-1' })
    expect(before.machineId).toMatch(/^[0-9a-f]{32}$/)
    expect(before.kernelArguments).toContain('talos.platform=metal')
    const other = await at.talos.observe('cp-1', soon())
    expect(other.uuid).not.toBe(before.uuid)
    expect(other.machineType).toBe('controlplane')
    expect(other.machineId).not.toBe(before.machineId)
    expect(other.etcd?.ok && other.etcd.value).toMatchObject({ alarms: [], storageVersion: '3.6.0' })
    const etcd = other.etcd?.ok ? other.etcd.value : undefined
    expect(etcd?.raftApplied).toBe(etcd?.raftIndex)
    expect(etcd?.dbSize).toBeGreaterThan(0)
    await at.talos.reboot('w-1', 'default', soon())
    await vi.waitFor(async () => {
      const facts = await at.talos.observe('w-1', soon())
      expect([facts.uuid, facts.stage, facts.bootId === before.bootId]).toEqual([before.uuid, 'running', false])
    }, patience)
  })

  test('goes back to the release of before, which is rejected where there was none', async () => {
    await using at = await open()
    expect((await refusal(at.talos.rollback('w-1', soon()))).code).toBe('rejected')
    expect(await at.talos.observe('w-1', soon())).toMatchObject(running)
    const image = imageOf(at.schematic, 'v1.13.10')
    await at.talos.pullImage('w-1', image, soon())
    await at.talos.install('w-1', image, soon())
    await at.talos.reboot('w-1', 'default', soon())
    await becomes(at, 'w-1', { version: 'v1.13.10', ...running })
    await at.talos.rollback('w-1', soon())
    await becomes(at, 'w-1', { version: 'v1.13.9', fallbackPending: false, ...running })
  })

  test('does not take the leadership of etcd from its only member, nor from a worker', async () => {
    await using at = await open()
    for (const node of ['cp-1', 'w-1'])
      expect((await refusal(at.talos.forfeitLeadership(node, soon()))).code).toBe('rejected')
  })

  test('streams a snapshot of etcd', async () => {
    await using at = await open()
    expect(Buffer.concat(await Array.fromAsync(at.talos.snapshotEtcd('cp-1', soon()))).length).toBeGreaterThan(0)
    for await (const bytes of at.talos.snapshotEtcd('cp-1', soon())) {
      expect(bytes.length).toBeGreaterThan(0)
      break
    }
    await at.talos.shutDown('cp-1', { force: true }, soon())
    await vi.waitFor(async () => {
      const error = await refusal(Array.fromAsync(at.talos.snapshotEtcd('cp-1', soon())))
      expect(error.code).toBe('unreachable')
    }, patience)
  })

  test('says what a node does, beginning with its stage', async () => {
    await using at = await open()
    for await (const sentence of at.talos.follow('w-1', soon())) {
      expect(sentence).toMatch(/^stage running/)
      break
    }
    const nobody = refusal(Array.fromAsync(at.talos.follow('w-9', soon())))
    expect((await nobody).code).toBe('misconfigured')
  })

  test('streams nothing for who has called it off', async () => {
    await using at = await open()
    const off = AbortSignal.abort()
    for (const stream of [at.talos.snapshotEtcd('cp-1', off), at.talos.follow('w-1', off)])
      expect((await refusal(Array.fromAsync<unknown>(stream))).retryable).toBe(true)
    for (const call of [at.talos.rollback('w-1', off), at.talos.forfeitLeadership('cp-1', off)])
      expect((await refusal(call)).retryable).toBe(true)
  })
}
