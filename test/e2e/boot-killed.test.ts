import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { expect, test } from 'vitest'
import type { NetbootMachineDetails } from '../../src/core/netboot/requests.ts'
import { createRandom } from '../core/random.ts'
import { endStore, type LabDaemon, runCli, startDaemon, waitFor } from '../lab/daemon.ts'
import { startHomelab } from '../lab/homelab.ts'
import { fetchFile } from '../lab/tftp-client.ts'

const net = 126
const server = `127.0.${net}.240`
const [tftp, http] = [6_973, 8_423]
/** `SEEDS=5` kills it fifteen times. */
const kills = 3 * Number(env['SEEDS'] ?? 1)
const block = 1_468
const image = randomBytes(2_000_000)
const url = `http://${server}:${http}/boot.efi`

const tried = (daemon: LabDaemon) => daemon.control.get<NetbootMachineDetails>('/netboot/machines/w-1')
const fetchAs = (from: string, beforeAnswer?: (answered: number) => Promise<void> | undefined) =>
  fetchFile('boot.efi', {
    address: server,
    port: tftp,
    from,
    options: { blksize: String(block), windowsize: '4' },
    ...(beforeAnswer ? { beforeAnswer: (answered: number) => beforeAnswer(answered) } : {}),
  })

test('killed in transfers, again and again, it serves at once again, and a machine that is to boot once boots once', async () => {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-boot-killed-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  stack.defer(() => endStore(directory))
  const lab = stack.use(await startHomelab({ net, controlPlanes: 1, workers: 1 }))
  const config = await lab.writeConfig(directory, {
    upgrade: { enabled: false },
    bootFiles: { listen: [server], tftp: { port: tftp }, http: { port: http } },
    netboot: { machines: [{ machine: 'w-1', boot: 'once' }] },
  })
  await writeFile(join(directory, 'share', 'boot.efi'), image)
  const machine = lab.nodes.find(({ name }) => name === 'w-1')!.address
  const serves = async () => {
    const daemon = stack.use(await startDaemon({ config, directory }))
    await waitFor('the share to be served', 10_000, () =>
      fetch(url, { method: 'HEAD' }).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
    return daemon
  }
  /** It does not outlive the daemon, and gives its ports back. */
  const kill = async (daemon: LabDaemon) => {
    await daemon.kill()
    await waitFor('what serves to end', 5_000, () =>
      fetch(url, { method: 'HEAD' }).then(
        () => false,
        () => true,
      ),
    )
  }
  const random = createRandom(17)
  let daemon = await serves()
  for (let round = 0; round < kills; round += 1) {
    const at = random.below(Math.floor(image.length / block) - 100)
    let killed: Promise<void> | undefined
    const part = fetchAs(machine, (answered) => {
      if (answered < at) return undefined
      // Nothing is answered meanwhile, or the rest could be on its way.
      return (killed ??= kill(daemon))
    })
    const other = fetch(url).then((answer) => answer.arrayBuffer())
    const [loaded] = await Promise.allSettled([part, other])
    // The machine is told.
    expect(loaded).toMatchObject({ status: 'fulfilled', value: { error: { code: 0 } } })
    daemon = await serves()
    expect(await tried(daemon)).toMatchObject({ boots: true, why: 'netboot.machines says once, and it has not yet' })
  }
  // It has the whole image, and says so to nobody.
  const end = Math.floor(image.length / block) + 1
  let killed: Promise<void> | undefined
  const whole = fetchAs(machine, (answered) => (answered < end ? undefined : (killed ??= kill(daemon))))
  expect((await whole).bytes.equals(image)).toBe(true)
  daemon = await serves()
  expect(await tried(daemon)).toMatchObject({
    boots: false,
    why: expect.stringContaining('nobody saw whether it has booted it'),
  })
  expect((await runCli(['netboot', 'once', 'w-1', '-c', config])).code).toBe(0)
  expect(await tried(daemon)).toMatchObject({ boots: true })

  expect((await fetchAs(machine)).bytes.equals(image)).toBe(true)
  const hasBooted = async () => !(await tried(daemon)).boots
  await waitFor('its boot to be counted', 10_000, hasBooted)
  const before = await tried(daemon)
  await daemon.kill()
  daemon = await serves()
  const after = await tried(daemon)
  expect(after).toMatchObject({ boots: false, why: 'it has booted from the network once' })
  expect(after.tries.length).toBeLessThanOrEqual(before.tries.length)
  expect(after.tries.filter(({ phase }) => phase === 'loaded').length).toBeLessThanOrEqual(1)
})
