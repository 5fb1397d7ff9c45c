import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { StatusAnswer } from '../../src/core/operator.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import { endStore, runCli, startDaemon, waitFor } from '../lab/daemon.ts'
import { startHomelab } from '../lab/homelab.ts'
import { lacks } from '../lab/needs.ts'
import { fetchByTftp, startTftpd, whyNoTftpd } from '../lab/tftpd.ts'
import { buildRealUki, whyNoRealUki } from '../lab/uki/real-uki.ts'
import { isUpsdInstalled, startUpsd } from '../lab/upsd/upsd.ts'

const missing = whyNoRealUki() ?? whyNoTftpd() ?? (isUpsdInstalled() ? undefined : 'nut-server is not installed')

test.skipIf(lacks(missing))(
  'a real UKI is staged and read back over TFTP, five nodes go to its release with quorum held, and a power cut in the middle is survived',
  async () => {
    await using stack = new AsyncDisposableStack()
    const directory = await mkdtemp(join(tmpdir(), 'caretaker-e2e-'))
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    stack.defer(() => endStore(directory))
    await chmod(directory, 0o755)

    // A kernel, an initramfs and systemd's stub: what firmware would boot.
    const uki = join(directory, 'built-uki.efi')
    await buildRealUki(uki, { version: 'v1.14.1' })
    const upsd = stack.use(await startUpsd({ address: '127.0.61.93' }))
    const lab = stack.use(
      await startHomelab({ net: 61, versions: ['v1.13.9'], files: { 'v1.14.1': uki }, pace: { boot: 400 } }),
    )
    lab.kubernetes.addDeployment({ name: 'web', replicas: 3, labels: { app: 'web' } })
    lab.kubernetes.addPodDisruptionBudget({ name: 'web', matchLabels: { app: 'web' }, minAvailable: 2 })
    const config = await lab.writeConfig(directory, {
      // The image is to be read over TFTP before any node runs it.
      share: { publish: 'when-staged' },
      ups: { host: upsd.address, port: upsd.port, user: 'monuser', password: 'secret' },
    })
    const daemon = stack.use(await startDaemon({ config, directory }))
    const status = () => daemon.control.get<StatusAnswer>('/status')
    const staged = async (version: string) => (await status()).published?.version === version
    await waitFor('the first image to be staged', 20_000, () => staged('v1.13.9'))
    expect(await upsd.logins()).toBe(1)

    lab.factory.publish('v1.14.1')
    const released = await runCli(['run', 'watch-releases', '--wait', '-c', config])
    expect(released).toMatchObject({ code: 0, stdout: expect.stringContaining('v1.14.1 is the target release') })
    await waitFor('the real image to be staged', 30_000, () => staged('v1.14.1'))
    stack.use(await startTftpd(join(directory, 'share'), '127.0.61.69', 26_969))
    const copy = join(directory, 'over-tftp.efi')
    expect(await fetchByTftp('tftp://127.0.61.69:26969/metal-amd64-uki.efi', copy)).toBe(0)
    expect((await readFile(copy)).equals(await readFile(uki))).toBe(true)

    // The power fails when two nodes are done and a third is at work.
    const rolloutAt = lab.moments.length
    await waitFor(
      'two nodes to be upgraded',
      60_000,
      () => lab.nodes.filter(({ version, ready }) => version === 'v1.14.1' && ready).length >= 2,
    )
    const duringRollout = lab.moments.slice(rolloutAt)
    await upsd.status('OB DISCHRG')
    await waitFor(
      'the agent to be on battery',
      10_000,
      async () => (await status()).power.upses[0]?.state.mode === 'on-battery',
    )
    await upsd.set('battery.runtime', '600')
    await upsd.status('OB DISCHRG LB')
    await waitFor('every node to be off', 60_000, () => lab.nodes.every(({ power }) => power === 'off'))
    expect(lab.poweredOff.slice(0, 2).toSorted()).toEqual(['w-1', 'w-2'])
    expect(lab.poweredOff.slice(2).toSorted()).toEqual(['cp-1', 'cp-2', 'cp-3'])
    await waitFor('the agent to have logged out of upsd', 15_000, async () => (await upsd.logins()) === 0)

    await upsd.status('OL CHRG')
    await waitFor('every node to be back', 60_000, () => lab.nodes.every(({ ready }) => ready))
    expect(new Set(lab.woken)).toEqual(new Set(lab.nodes.map(({ mac }) => mac)))
    await waitFor(
      'the outage to be over',
      30_000,
      async () => (await daemon.control.list<Outage>('/outages'))[0]?.stage === 'over',
    )
    const resumedAt = lab.moments.length

    await waitFor('the rollout to be done', 60_000, async () => {
      const { cluster } = await status()
      return cluster.nodes.every(
        ({ talos, kubernetes }) =>
          talos.ok && talos.value.version === 'v1.14.1' && kubernetes.ok && !kubernetes.value.unschedulable,
      )
    })
    for (const { quorum, down } of [...duringRollout, ...lab.moments.slice(resumedAt)]) {
      expect(quorum).toBe(true)
      expect(down.length).toBeLessThanOrEqual(1)
    }
    // A node that had its release installed when the power failed came back with it, and needs no reboot.
    for (const { name, calls } of lab.nodes) {
      expect(
        calls.some(({ method }) => method === 'LifecycleService.Upgrade'),
        name,
      ).toBe(true)
    }
    const reboots = lab.nodes.map(
      ({ calls }) => calls.filter(({ method }) => method === 'MachineService.Reboot').length,
    )
    expect(Math.max(...reboots)).toBe(1)
    expect(reboots.filter((count) => count === 0).length).toBeLessThanOrEqual(1)
    expect(await daemon.stop()).toBe(0)
  },
)
