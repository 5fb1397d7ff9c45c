import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { endStore, runCli, startDaemon, waitFor } from '../lab/daemon.ts'
import { type Homelab, startHomelab } from '../lab/homelab.ts'

const day = 86_400_000
const inDays = (days: number) => new Date(Date.now() + days * day)
let lab: Homelab
let stack: AsyncDisposableStack
let directory: string
beforeAll(async () => {
  lab = await startHomelab({ net: 66, controlPlanes: 1, workers: 1, versions: ['v1.13.9'] })
})
afterAll(() => lab[Symbol.asyncDispose]())
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  directory = await mkdtemp(join(tmpdir(), 'caretaker-credentials-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  return () => stack.disposeAsync()
})

test('a daemon renews what ends soon, and after a restart goes on with it', async () => {
  const life = { from: inDays(-300), to: inDays(20) }
  const file = await lab.writeConfig(directory, { life })
  const [talosconfig, kubeconfig] = [join(directory, 'talosconfig'), join(directory, 'kubeconfig')]
  await writeFile(kubeconfig, await lab.kubernetes.kubeconfig({ user: 'caretaker', ...life }))
  await chmod(talosconfig, 0o444)
  const before = [await readFile(talosconfig, 'utf8'), await readFile(kubeconfig, 'utf8')]
  stack.defer(() => endStore(directory))
  const daemon = stack.use(await startDaemon({ config: file, directory }))
  const journal = async () => (await runCli(['journal', '-c', file])).stdout
  await waitFor('both to be renewed', 20_000, async () => {
    const text = await journal()
    return text.includes('the talosconfig was renewed') && text.includes('the kubeconfig was renewed')
  })
  expect(await readFile(talosconfig, 'utf8')).toBe(before[0])
  expect(await readFile(kubeconfig, 'utf8')).not.toBe(before[1])
  const copy = join(directory, 'state', 'credentials', 'talosconfig')
  expect((await stat(copy)).mode & 0o777).toBe(0o600)
  expect(await journal()).toContain(
    `written to ${copy}, which is used instead of ${talosconfig}: that can't be rewritten`,
  )
  const { stderr } = await runCli(['config', 'check', '-c', file])
  expect(stderr).toContain(`the client certificate in ${copy} (os:admin) expires on `)
  expect(daemon.output).not.toMatch(/BEGIN|LS0tLS1/)
  await daemon.stop()
  const again = stack.use(await startDaemon({ config: file, directory }))
  expect(again.output).toContain(`${copy} is used instead of ${talosconfig}`)
  expect((await runCli(['plan', '-c', file])).code).not.toBe(2)
})

test('a talosconfig that has ended is one message that says what really helps', async () => {
  const file = await lab.writeConfig(directory, { life: { from: inDays(-300), to: inDays(-1) } })
  const { code, stderr } = await runCli(['start', '-c', file])
  expect(code).toBe(2)
  expect(stderr).toBe(
    `caretaker: ${join(directory, 'talosconfig')}: its certificate expired on ${inDays(-1).toISOString().slice(0, 10)}: ` +
      "make a new one from the cluster's secrets with `talosctl gen config --with-secrets secrets.yaml --output-types talosconfig " +
      '-o talosconfig CLUSTER https://CONTROL-PLANE:6443`, or with `talosctl config new` where another talosconfig still works ' +
      '(`talosctl gen secrets --from-controlplane-config controlplane.yaml` makes a secrets.yaml)\n',
  )
})

test('config check says what to do about a kubeconfig that has ended', async () => {
  const life = { from: inDays(-300), to: inDays(-1) }
  const file = await lab.writeConfig(directory)
  const kubeconfig = join(directory, 'kubeconfig')
  await writeFile(kubeconfig, await lab.kubernetes.kubeconfig({ user: 'caretaker', ...life }))
  const { stderr } = await runCli(['config', 'check', '-c', file])
  expect(stderr).toContain(
    `the client certificate in ${kubeconfig} expired on ${inDays(-1).toISOString().slice(0, 10)}: get a new one with \`talosctl kubeconfig --merge=false --force ${kubeconfig}\`\n`,
  )
})
