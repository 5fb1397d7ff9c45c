import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { StatusAnswer } from '../../src/core/operator.ts'
import { type CliResult, runCli, startDaemon, waitFor } from '../lab/daemon.ts'
import { temporaryFolder } from '../lab/process.ts'

const secret = 'S3cr3tK3y'

const good = `schematic: homelab
share: { directory: share }
cluster: { talosconfig: talosconfig, kubeconfig: kubeconfig }
queue: { url: redis://127.0.0.1:9, password: { file: queue-password } }
upgrade: { calendar: holidays.ics }
state: state
`

/** Each is broken beside a secret, as a person does who writes at night. */
const broken: Readonly<Record<string, string>> = {
  talosconfig: `context: lab\ncontexts:\n  lab:\n    key: "${secret}\n`,
  kubeconfig: `users:\n  - user: { token: ${secret}\n`,
  'schematics/homelab.yaml': `customization:\n  embeddedMachineConfiguration: "token: ${secret}\n`,
  'caretaker.yaml': `${good}hosts:\n  - name: nas\n    password: { ${secret}: "${secret} }\n`,
  'holidays.ics': `${secret}\n`,
  'queue-password': `${secret}\n${secret}\n`,
}

test('what is secret beside a mistake is in no output, log, alert, journal or answer', async () => {
  await using folder = await temporaryFolder()
  const at = (name: string) => join(folder.path, name)
  for (const name of ['share', 'schematics']) await mkdir(at(name))
  await writeFile(at('schematics/homelab.yaml'), 'customization: {}\n')
  await writeFile(at('queue-password'), 'good\n')
  await writeFile(at('caretaker.yaml'), good)
  const config = at('caretaker.yaml')
  await using daemon = await startDaemon({ config, directory: folder.path })
  const answers: CliResult[] = []
  const ask = async (...commands: readonly string[]) => {
    for (const command of commands) answers.push(await runCli([...command.split(' '), '-c', config]))
  }
  const isAlert = (id: string) =>
    waitFor(`${id} to be an alert`, 20_000, async () => (await runCli(['alerts', '-c', config])).stdout.includes(id))
  const spoil = async (name: string, text: string) => {
    await writeFile(at(name), text)
    await chmod(at(name), 0o600)
  }
  // One that is bad before it was ever good is another alert.
  await waitFor('the schematics to be watched', 20_000, async () =>
    (await daemon.control.get<StatusAnswer>('/status')).services.some(
      ({ name, state }) => name === 'schematics-watch' && state === 'running',
    ),
  )
  for (const [name, text] of Object.entries(broken)) if (name !== 'caretaker.yaml') await spoil(name, text)
  await isAlert('schematic.refused')
  await ask('config check', 'config check --json', 'plan', 'ups')
  // The configuration last: as long as it is good the files that it names are looked at.
  await spoil('caretaker.yaml', broken['caretaker.yaml']!)
  await isAlert('config.invalid')
  await ask('alerts --all --json', 'journal --json', 'status --json', 'status', 'plan', 'config check', 'ups', 'start')
  const said = answers.map(({ stdout, stderr }) => stdout + stderr).join('\n')
  expect(said).toContain('is not valid YAML')
  expect(daemon.output).toContain('caretaker.yaml')
  const names = await readdir(at('state'))
  const files = names.filter((name) => /^(journal|last-good)/.test(name))
  const kept = await Promise.all(files.map((name) => readFile(join(at('state'), name), 'latin1')))
  for (const text of [said, daemon.output, ...kept]) expect(text).not.toContain(secret.slice(0, 6))
})
