import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkMachines } from '../../src/cli/check-machines.ts'
import { faultLine } from '../../src/core/fault.ts'
import { temporaryFolder } from '../lab/process.ts'

async function check(files: Readonly<Record<string, string>>, modes: Readonly<Record<string, number>> = {}) {
  await using folder = await temporaryFolder()
  const path = (name: string) => join(folder.path, name)
  await mkdir(path('machines'))
  await mkdir(path('share'))
  await mkdir(path('state'))
  for (const [name, text] of Object.entries(files)) {
    await writeFile(path(name), text)
    await chmod(path(name), modes[name] ?? 0o600)
  }
  const config = { share: { directory: 'share' } }
  const found = await checkMachines({
    file: path('caretaker.yaml'),
    path,
    environment: {},
    state: path('state'),
    config,
  })
  const short = (all: typeof found.faults) => all.map((one) => faultLine(one).replaceAll(`${folder.path}/`, ''))
  const own = found.faults.filter(({ isOwn }) => isOwn).length
  return { faults: short(found.faults), warnings: short(found.warnings), own }
}

const machines = 'patches: [nut.yaml]\nvalues: { nut-password: { file: nut-password } }\n'
const nut = 'machine: { env: { A: "{{ nut-password }}" } }\n'

test('files of machines that are well have neither faults nor warnings', async () => {
  expect(await check({ 'machines/machines.yaml': machines, 'machines/nut.yaml': nut, 'nut-password': 'x' })).toEqual({
    faults: [],
    warnings: [],
    own: 0,
  })
})

test('what is wrong in any of them is told at once, also a setting that no release of Talos knows', async () => {
  const found = await check({
    'machines/machines.yaml': `${machines}machines: [{ name: w, match: { mac: x } }]\n`.replace(
      'nut-password }',
      'gone }',
    ),
    'machines/nut.yaml': nut,
  })
  expect(found.faults).toEqual([
    expect.stringMatching(/^machines\/machines\.yaml:3:\d+: machines\.0\.match\.mac: use a MAC address/) as string,
  ])
  const others = await check({
    'machines/machines.yaml': machines.replace('nut-password }', 'gone }'),
    'machines/nut.yaml': `${nut}---\nmachin: {}\n`,
    'machines/gpu.yaml': 'machine:\n  kernel: { modulse: [] }\n',
  })
  expect(others.faults).toEqual([
    expect.stringMatching(/^machines\/machines\.yaml:2:\d+: values\.nut-password: .*gone does not exist/) as string,
    'machines/gpu.yaml:2:13: machine.kernel.modulse: is not a setting that Talos knows; did you mean modules?',
    'machines/nut.yaml:3:1: has neither a kind nor `machine` or `cluster`',
  ])
})

test('a value that others can read is a warning, and one on the share a fault', async () => {
  const files = { 'machines/machines.yaml': machines, 'machines/nut.yaml': nut, 'nut-password': 'x' }
  expect((await check(files, { 'nut-password': 0o644 })).warnings).toEqual([
    'machines/machines.yaml: values.nut-password: others may read nut-password: run `chmod o= nut-password`',
  ])
  const shared = {
    ...files,
    'machines/machines.yaml': machines.replace('file: nut', 'file: share/nut'),
    'share/nut-password': 'x',
  }
  expect((await check(shared)).faults[0]).toContain('is in the share, which TFTP serves to everybody')
})

test.each([
  { what: 'zeros', text: '\0'.repeat(200) },
  { what: 'nothing', text: '' },
  { what: 'the file of something else', text: 'a: 1\n' },
  { what: 'half of them', text: 'cluster:\n  id: abc\n  secret: "aGVsbG8=\n' },
])(
  'kept secrets of the cluster that are damaged are a fault, with what to do and nothing of them: $what',
  async ({ text }) => {
    const { faults, own } = await check({ 'state/machine-secrets.yaml': text })
    expect(faults).toEqual([
      expect.stringMatching(
        /^state\/machine-secrets\.yaml: the secrets of the cluster are damaged: .*`caretaker machine secrets FILE --replace`/,
      ) as string,
    ])
    expect(own).toBe(1)
    expect(faults.join('')).not.toContain('aGVsbG8')
  },
)
