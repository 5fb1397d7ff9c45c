import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { planDelivery } from '../../src/cli/delivery-answers.ts'
import { renderDelivery } from '../../src/cli/render-schematic.ts'
import { readEarlyValue, trustDocument } from '../../src/main/early-config.ts'
import { keepAuthority } from '../../src/main/machine-authority.ts'
import { loadSettings } from '../../src/main/settings.ts'
import { worker } from '../core/cluster/nodes.ts'
import { temporaryFolder } from '../lab/process.ts'

const url = 'http://caretaker.home.arpa:8424'
let stack: AsyncDisposableStack
let folder: string
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  folder = stack.use(await temporaryFolder()).path
})
afterEach(() => stack.disposeAsync())

interface Homelab {
  /** The section `machineConfig`. */
  readonly section?: object | undefined
  /** The file of the schematic. */
  readonly text?: string
}

const own = '# what every machine boots\ncustomization:\n  extraKernelArgs:\n    - console=ttyS0 # the serial port\n'

async function plan({ section = { listen: ['192.168.0.10'], url }, text = own }: Homelab = {}, way?: 'plain') {
  const file = join(folder, 'caretaker.yaml')
  const node = { name: 'w-1', role: 'worker', address: '10.0.0.3' }
  const nodes = [{ ...node, name: 'cp-1', role: 'controlplane', address: '10.0.0.2' }, node]
  const share = { directory: 'share' }
  await writeFile(file, stringify({ nodes, schematic: 'homelab', share, state: 'state', machineConfig: section }))
  await mkdir(join(folder, 'schematics'), { recursive: true })
  await writeFile(join(folder, 'schematics', 'homelab.yaml'), text)
  const settings = await loadSettings(file, {})
  return planDelivery({
    settings,
    name: 'homelab',
    nodes: [worker('w-1', { talos: { version: 'v1.13.9' } })],
    way,
    variables: ['uuid', 'mac'],
  })
}

describe('a schematic is told where machines ask for their configuration', () => {
  test('with what changes in its file, and what that leads to', async () => {
    const { answer, text, edited } = await plan()
    expect(edited).toBe(
      `${own}    - talos.config=${url}/config?uuid=\${uuid}&mac=\${mac}\n    - talos.config.oauth.client_id=caretaker\n    - talos.config.oauth.extra_variable=uuid\n    - talos.config.oauth.extra_variable=mac\n`,
    )
    expect(text).toBe(await readFile(answer.file, 'utf8'))
    const shown = renderDelivery(answer)
    expect(shown).toContain(`+    - talos.config=${url}/config?uuid=\${uuid}&mac=\${mac}`)
    expect(shown).toContain(`Machines that boot it would ask at ${url} (device-flow)`)
    expect(shown).toContain('it is plain HTTP: everybody on the way can read the configuration')
    expect(shown).toContain('Rebuilt and published: metal-amd64-uki.efi')
    expect(shown).toContain('Upgraded to it one after another, each with a reboot: w-1')
  })

  test('and once it is, there is nothing to change', async () => {
    const { edited } = await plan()
    const { answer } = await plan({ text: edited })
    expect(answer).toMatchObject({ diff: '', errors: [] })
    expect(answer.after).toBe(answer.before)
    expect(renderDelivery(answer)).toContain('nothing to change')
  })

  test('in whatever order it stands', async () => {
    const { edited } = await plan()
    const lines = edited.split('\n')
    const text = [...lines.slice(0, 4), ...lines.slice(4, -1).toReversed(), ''].join('\n')
    const { answer } = await plan({ text })
    expect(answer.diff).toBe('')
  })

  test('and what it was told before is taken out', async () => {
    const { edited } = await plan()
    const { answer, edited: plain } = await plan({ text: edited }, 'plain')
    expect(answer.diff).toContain('-    - talos.config.oauth.client_id=caretaker')
    expect(plain).toBe(`${own}    - talos.config=${url}/config?uuid=\${uuid}&mac=\${mac}\n`)
  })
})

describe('our own authority comes along', () => {
  const section = { listen: ['192.168.0.10'], url: 'https://caretaker.home.arpa:8424', tls: { ca: 'own' } }

  test('as what makes Talos trust it, and the bytes of it stay', async () => {
    const { certificate } = await keepAuthority(join(folder, 'state'), 'caretaker.home.arpa')
    const { answer, edited } = await plan({ section })
    const value = /talos\.config\.early=(\S+)/.exec(edited)![1]!
    expect(readEarlyValue(value)).toBe(trustDocument(certificate))
    expect(answer).toMatchObject({ errors: [], warnings: [] })
    // As another version of zstd would write it.
    const { zstdCompressSync, constants } = await import('node:zlib')
    const params = { [constants.ZSTD_c_compressionLevel]: 19, [constants.ZSTD_c_checksumFlag]: 1 }
    const other = zstdCompressSync(trustDocument(certificate), { params }).toString('base64')
    expect(other).not.toBe(value)
    const again = await plan({ section, text: edited.replace(value, other) })
    expect(again.answer.diff).toBe('')
  })

  test('once Caretaker has made it', async () => {
    await expect(plan({ section })).rejects.toThrow(/there is no authority for caretaker\.home\.arpa yet/)
  })

  test('unless the place is taken', async () => {
    await keepAuthority(join(folder, 'state'), 'caretaker.home.arpa')
    const text = 'customization:\n  extraKernelArgs: [talos.config.early=KLUv]\n'
    await expect(plan({ section, text })).rejects.toThrow(/has a talos\.config\.early already/)
  })
})

test('a secret that stands there already keeps it from being written, and is not shown', async () => {
  const text = 'customization:\n  extraKernelArgs:\n    - talos.config.inline=canary-7f3a\n'
  const { answer } = await plan({ text })
  expect(answer.errors).toHaveLength(1)
  expect(answer.errors[0]).not.toContain('canary-7f3a')
})

test('without the section there is nothing to be told', async () => {
  await expect(plan({ section: undefined })).resolves.toBeDefined()
  const file = join(folder, 'caretaker.yaml')
  await writeFile(file, stringify({ schematic: 'homelab', share: { directory: 'share' }, state: 'state' }))
  const settings = await loadSettings(file, {})
  const question = { settings, name: 'homelab', nodes: [], way: undefined, variables: [] }
  await expect(planDelivery(question)).rejects.toThrow(/set `machineConfig` first/)
})

test('a file that is written in a way of its own is left alone, and what is missing is said', async () => {
  const text = '{customization: {extraKernelArgs: [console=tty0]}}\n'
  await expect(plan({ text })).rejects.toThrow(
    /add these to customization\.extraKernelArgs yourself:\n- talos\.config=http/,
  )
})
