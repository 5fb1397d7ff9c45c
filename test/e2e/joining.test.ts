import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { PlanAnswer, StatusAnswer } from '../../src/core/operator.ts'
import { secretsIn } from '../../src/core/provision/mask.ts'
import type { MachineDetails } from '../../src/core/provision/requests.ts'
import { endStore, type LabDaemon, runCli, startDaemon, waitFor } from '../lab/daemon.ts'
import { startHomelab } from '../lab/homelab.ts'
import { temporaryFolder } from '../lab/process.ts'
import { createJoining, joiningClaim as claim, joiningPassword } from './joining-lab.ts'
import { journalOf, watchReleases } from './rollout-lab.ts'

const net = 176
const within = (what: string, isSo: () => boolean | Promise<boolean>) => waitFor(what, 40_000, isSo)

/** Every answer that is asked for without a name, and those about the machine and its node. */
async function everyAnswer({ control }: LabDaemon): Promise<string> {
  const { paths } = await control.get<{ readonly paths: Readonly<Record<string, object>> }>('/openapi.json')
  const asked = Object.entries(paths)
    .flatMap(([path, methods]) => ('get' in methods && !path.endsWith('/live') ? [path] : []))
    .map((path) => path.replace('/api/v1', '').replace('{machine}', claim.uuid).replace('/nodes/{name}', '/nodes/w-9'))
  const answers = asked.map(async (path) => JSON.stringify(await control.get(path).catch(String)))
  return (await Promise.all(answers)).join('\n')
}

/** What lies on the disk, but for the files that hold what is secret, and is readable for their owner alone. */
async function everyRecord(directory: string): Promise<string> {
  const state = join(directory, 'state')
  const names = (await readdir(state)).filter((name) => name.startsWith('journal'))
  return (await Promise.all(names.map((name) => readFile(join(state, name), 'latin1')))).join('\n')
}

test('a machine joins once although the daemon is killed, is shut down and woken like the others, and gets nothing more after a reset', async () => {
  await using stack = new AsyncDisposableStack()
  const { path: directory } = stack.use(await temporaryFolder())
  stack.defer(() => endStore(directory))
  const lab = stack.use(await startHomelab({ net, controlPlanes: 1, workers: 1, pace: { boot: 60, settle: 60 } }))
  const { config, machine, expected, door } = await createJoining(lab, directory)
  stack.use(machine)
  const start = async () => stack.use(await startDaemon({ config, directory }))
  let daemon = await start()
  const details = () => daemon.control.get<MachineDetails>(`/machines/${claim.uuid}`)
  const isNow = (state: string) =>
    within(`it to be ${state}`, async () => (await details().catch(() => undefined))?.state === state)
  const status = () => daemon.control.get<StatusAnswer>('/status')
  const alerts = async () => (await daemon.control.get<{ text: string }[]>('/alerts')).map(({ text }) => text)
  const said: string[] = []
  await daemon.control.post('/machine-secrets', { text: await lab.secrets() })
  await within('an image to be staged', async () => (await status()).published?.version === 'v1.13.9')

  machine.powerOn()
  const code = await machine.codeOnScreen()
  await within('a person to be asked', async () =>
    (await alerts()).some((text) => text.startsWith('w-9 asks for its configuration: ') && text.includes(code)),
  )
  expect(await details()).toMatchObject({ state: 'pending', code, name: 'w-9' })
  expect(machine).toMatchObject({ state: 'searching', config: undefined })
  const approval = await runCli(['machine', 'approve', code, '--role', 'worker', '--yes', '-c', config])
  expect(approval).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('as worker w-9, once and within 30 min'),
  })
  said.push(approval.stdout, approval.stderr)

  await machine.becomes('installing')
  await daemon.kill()
  said.push(daemon.output)
  daemon = await start()
  await machine.becomes('installed')
  expect(sha256(machine.config!)).toBe(sha256(await expected()))
  await isNow('locked')
  expect(lab.node('w-9')).toMatchObject({ uuid: claim.uuid, role: 'worker' })

  lab.factory.publish('v1.13.10')
  await watchReleases(daemon)
  const plan = () => daemon.control.get<PlanAnswer>('/plan')
  await within('the release to wait for w-9 too', async () => (await plan()).toApprove.includes('w-9'))
  const { cluster } = await status()
  expect(cluster.nodes.find(({ name }) => name === 'w-9')).toMatchObject({ role: 'worker', talos: { ok: true } })
  expect(await daemon.control.get('/inventory')).toMatchObject([
    { name: 'w-9', address: machine.address, macs: [claim.mac], uuid: claim.uuid },
  ])

  await daemon.control.post('/power/shutdown')
  await within('everything to be off', () => lab.nodes.every(({ power }) => power === 'off'))
  expect(lab.poweredOff.toSorted()).toEqual(['cp-1', 'w-1', 'w-9'])
  expect(lab.poweredOff.at(-1)).toBe('cp-1')
  await within('the shutdown to have ended', async () =>
    daemon.control.post('/power/wake').then(
      () => true,
      () => false,
    ),
  )
  await within('all of them to be back', () => lab.nodes.every(({ ready }) => ready))
  expect(lab.woken).toContain(claim.mac)

  await machine.reset()
  const again = await machine.codeOnScreen()
  await within('the second request to be an alert', async () =>
    (await alerts()).some((text) => text.startsWith('w-9 has joined the cluster and asks for its configuration again')),
  )
  const elsewhere = await fetch(`${door}/config?uuid=${claim.uuid}&mac=${claim.mac}`)
  expect(elsewhere.status).toBe(503)
  expect(await elsewhere.text()).toMatch(/^pending: (?!null)\S+$/)
  expect(again).not.toBe(code)
  expect(machine).toMatchObject({ state: 'searching', config: undefined })

  const texts = (await journalOf(daemon)).map(({ text }) => text)
  const count = (what: RegExp) => texts.filter((text) => what.test(text)).length
  expect(count(/may have its configuration as/)).toBe(1)
  expect(count(/takes its configuration/)).toBe(1)
  expect(count(/^w-9 asks for its configuration: /)).toBe(1)
  const metrics = await fetch(`http://127.0.${net}.90:8420/metrics`)
  expect(metrics.status).toBe(200)
  said.push(daemon.output, await metrics.text(), await everyAnswer(daemon), await everyRecord(directory))
  expect(said.join('\n')).toContain(claim.uuid)
  const secrets = [...secretsIn(JSON.parse(await lab.secrets())), joiningPassword]
  expect(secrets.length).toBeGreaterThan(10)
  for (const secret of secrets) for (const text of said) expect(text.includes(secret)).toBe(false)
})

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
