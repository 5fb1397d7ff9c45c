import { chmod, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findFiles, freeSpaceAt, mendFile } from '../../src/main/doctor-files.ts'
import { parseServer } from '../../src/main/boot-server-address.ts'
import { loadSettings } from '../../src/main/settings.ts'
import { temporaryFolder } from '../lab/process.ts'

describe('share.server', () => {
  test.each([
    { text: '192.168.0.6', server: { host: '192.168.0.6' } },
    { text: 'nas.lan:1069', server: { host: 'nas.lan', port: 1_069 } },
    { text: 'fd00::6', server: { host: 'fd00::6' } },
    { text: '[fd00::6]:69', server: { host: 'fd00::6', port: 69 } },
    { text: '[fd00::6]', server: { host: 'fd00::6' } },
  ])('$text', ({ text, server }) => {
    expect(parseServer(text)).toEqual(server)
  })

  test('is needed', () => {
    expect(() => parseServer(undefined)).toThrow('share.server is not set')
  })
})

test('files whose modes matter are found wherever the configuration names them, and mended', async () => {
  await using folder = await temporaryFolder()
  const at = (name: string) => join(folder.path, name)
  const ssh = '{ user: root, key: key, knownHosts: hosts }'
  await mkdir(at('share'), { mode: 0o700 })
  await mkdir(at('state'))
  await chmod(at('state'), 0o755)
  for (const [name, mode] of [
    ['key', 0o644],
    ['password', 0o666],
    ['talosconfig', 0o600],
  ] as const) {
    await writeFile(at(name), 'x')
    await chmod(at(name), mode)
  }
  await writeFile(
    at('caretaker.yaml'),
    `schematic: homelab
share: { directory: share }
state: state
cluster: { talosconfig: talosconfig, kubeconfig: nowhere }
hosts: [{ name: nas, address: 127.0.0.6, shutdown: { ssh: ${ssh} } }]
upses: [{ host: 127.0.0.7, user: u, password: { file: password } }]
`,
  )
  const settings = await loadSettings(at('caretaker.yaml'), {})
  const files = await findFiles(settings, process.getuid!())
  const seen = Object.fromEntries(
    files.map(({ path, kind, found }) => [path.slice(folder.path.length + 1), [kind, found?.mode]]),
  )
  expect(seen).toEqual({
    talosconfig: ['secret', 0o600],
    key: ['private-key', 0o644],
    password: ['secret', 0o666],
    state: ['private-folder', 0o755],
    'state/snapshots': ['private-folder', undefined],
    share: ['served', 0o700],
  })
  for (const file of files) await mendFile(file)
  const modeOf = async (name: string) => (await stat(at(name))).mode & 0o777
  expect(
    await Promise.all(['talosconfig', 'key', 'password', 'state', 'state/snapshots', 'share'].map(modeOf)),
  ).toEqual([0o600, 0o600, 0o660, 0o700, 0o700, 0o705])
})

test('the space for what is not there yet is that of the folder above it', async () => {
  await using folder = await temporaryFolder()
  expect(await freeSpaceAt(join(folder.path, 'a', 'b'))).toBeGreaterThan(0)
})
