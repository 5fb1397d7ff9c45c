import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { StatusAnswer } from '../../src/core/operator.ts'
import type { MachineDetails } from '../../src/core/provision/requests.ts'
import { endStore, runCli, startDaemon, waitFor } from '../lab/daemon.ts'
import { startHomelab } from '../lab/homelab.ts'
import { temporaryFolder } from '../lab/process.ts'
import { createJoining, joiningClaim as claim } from './joining-lab.ts'
import { journalOf } from './rollout-lab.ts'

const within = (what: string, isSo: () => boolean | Promise<boolean>) => waitFor(what, 40_000, isSo)

test('what is edited while a machine waits counts at once, and the machine keeps its code and its place', async () => {
  await using stack = new AsyncDisposableStack()
  const { path: directory } = stack.use(await temporaryFolder())
  stack.defer(() => endStore(directory))
  const lab = stack.use(await startHomelab({ net: 179, controlPlanes: 1, workers: 1, pace: { boot: 60, settle: 60 } }))
  const { config, machine, expected, door } = await createJoining(lab, directory, { way: 'plain' })
  stack.use(machine)
  const daemon = stack.use(await startDaemon({ config, directory }))
  const details = () => daemon.control.get<MachineDetails>(`/machines/${claim.uuid}`)
  const status = () => daemon.control.get<StatusAnswer>('/status')
  const render = (name: string) => runCli(['machine', 'render', name, '-c', config])
  const answers = async (url: string) =>
    fetch(`${url}/config`).then(
      ({ status: code }) => code,
      () => undefined,
    )
  await daemon.control.post('/machine-secrets', { text: await lab.secrets() })
  await within('an image to be staged', async () => (await status()).published?.version === 'v1.13.9')
  machine.powerOn()
  await within('the machine to wait', async () => (await details().catch(() => undefined))?.state === 'pending')
  const { code, since } = await details()

  // machines.yaml: another machine comes and goes, and the one that waits gets another label.
  const machines = join(directory, 'machines', 'machines.yaml')
  const written = await readFile(machines, 'utf8')
  await writeFile(machines, `${written}  - { name: w-8, match: { serial: SN-98 }, role: worker }\n`)
  await within('w-8 to be known', async () => (await render('w-8')).stdout.includes('w-8 as a worker'))
  const edited = written.replace('rack: attic', 'rack: cellar')
  await writeFile(machines, edited)
  await within('w-8 to be gone', async () => (await render('w-8')).code === 2)
  await within('the label to be the new one', async () => (await render('w-9')).stdout.includes('rack: cellar'))

  // The port, and back: who waits is sent away, and comes again.
  const text = await readFile(config, 'utf8')
  const elsewhere = door.replace('8424', '8434')
  await writeFile(config, text.replace('machineConfig:', 'machineConfig:\n  port: 8434'))
  await within('the other port to be open', async () => (await answers(elsewhere)) === 503)
  expect(await answers(door)).toBeUndefined()
  expect(await details()).toMatchObject({ state: 'pending', code, since })

  // Who may ask: the machine alone.
  await writeFile(config, text.replace('machineConfig:', `machineConfig:\n  allow: [${machine.address}]`))
  await within('the old port to be open again', async () =>
    (await status()).services.some(({ name, text: said }) => name === 'machine-config' && said?.includes(':8424')),
  )
  await within('strangers to be hung up on', async () => (await answers(door)) === undefined)
  const askedAt = (await details()).lastAt
  await within('the machine to ask again', async () => (await details()).lastAt !== askedAt)
  expect(await details()).toMatchObject({ state: 'pending', code })
  expect(await daemon.control.get<{ id: string }[]>('/alerts')).not.toContainEqual(
    expect.objectContaining({ id: 'config.restart' }),
  )

  const approval = await runCli(['machine', 'approve', code!, '--yes', '-c', config])
  expect(approval).toMatchObject({ code: 0, stdout: expect.stringContaining('as worker w-9') })
  await machine.becomes('installed')
  expect(machine.config).toBe((await expected()).replace('rack: attic', 'rack: cellar'))
  const texts = (await journalOf(daemon)).map((entry) => entry.text)
  expect(texts.filter((one) => one.startsWith('w-9 asks for its configuration: '))).toHaveLength(1)
  for (const what of ['machineConfig.port', 'machineConfig.allow'])
    expect(texts).toContainEqual(expect.stringMatching(`was edited; now in effect: .*${what}`))
})
