import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import type { Alert } from '../../src/core/alert.ts'
import type { StatusAnswer } from '../../src/core/operator.ts'
import { endStore, startDaemon, waitFor } from '../lab/daemon.ts'
import { startHomelab } from '../lab/homelab.ts'
import { startUpsdStandIn } from '../lab/upsd/stand-in.ts'

const year = 365 * 86_400_000

async function setScene(stack: AsyncDisposableStack, net: number) {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-clock-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  stack.defer(() => endStore(directory))
  const upsd = stack.use(await startUpsdStandIn({ address: `127.0.${net}.93` }))
  const lab = stack.use(
    await startHomelab({ net, controlPlanes: 1, workers: 1, versions: ['v1.13.9', 'v1.14.1'], pace: { stop: 200 } }),
  )
  const config = await lab.writeConfig(directory, {
    ups: { host: upsd.address, port: upsd.port },
    upgrade: { soak: '7d' },
  })
  const clock = join(directory, 'clock')
  const preload = pathToFileURL(join(import.meta.dirname, '..', 'lab', 'wrong-clock.mjs')).href
  const environment = { WRONG_CLOCK: clock, NODE_OPTIONS: `--import ${preload}` }
  return {
    lab,
    upsd,
    setClock: (off: number) => writeFile(clock, String(off)),
    start: async () => stack.use(await startDaemon({ config, directory, environment })),
  }
}

test('a board that starts fifty years behind upgrades nothing by that clock, says so, and guards the power', async () => {
  await using stack = new AsyncDisposableStack()
  const { lab, upsd, setClock, start } = await setScene(stack, 123)
  await setClock(-50 * year)
  const daemon = await start()
  const alertOfClock = async () =>
    (await daemon.control.get<Alert[]>('/alerts')).find(({ id }) => id === 'clock.untrusted')?.text
  await waitFor('the alert', 20_000, async () => /, but by the/.test((await alertOfClock()) ?? ''))
  expect(await alertOfClock()).toMatch(
    /^the clock of this machine says 19\d\d-\d\d-\d\d \d\d:\d\d UTC, but by the (Image Factory|Kubernetes API) it is 20\d\d-/,
  )
  expect((await daemon.control.get<Alert[]>('/alerts')).filter(({ id }) => id.startsWith('credentials.end'))).toEqual(
    [],
  )
  await setClock(0)
  await waitFor('the clock to be trusted', 20_000, async () => (await alertOfClock()) === undefined)
  const news = async () => (await daemon.control.get<StatusAnswer>('/status')).news ?? ''
  await waitFor('the release to soak', 20_000, async () => /v1\.14\.1 .*it soaks for 7 d/.test(await news()))
  // Back in 1976, and the power fails: it asks for no clock.
  await setClock(-50 * year)
  await upsd.set('battery.runtime', '600')
  await upsd.status('OB DISCHRG LB')
  await waitFor('every node to be off', 40_000, () => lab.nodes.every(({ power }) => power === 'off'))
  expect(lab.nodes.flatMap(({ calls }) => calls.filter(({ method }) => method.endsWith('.Upgrade')))).toEqual([])
  expect(await daemon.stop()).toBe(0)
})
