import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readMachinesFolder, watchMachinesFolder } from '../../../src/main/provision/machines-folder.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { waitFor } from '../../lab/daemon.ts'

async function configuration(files: Readonly<Record<string, string>>) {
  const folder = await temporaryFolder()
  const write = async (name: string, text: string) => {
    await mkdir(join(folder.path, 'machines'), { recursive: true })
    await writeFile(join(folder.path, name), text)
  }
  for (const [name, text] of Object.entries(files)) await write(name, text)
  const path = (relative: string) => join(folder.path, relative)
  return { path, write, settings: { file: path('caretaker.yaml'), path, environment: {} } }
}

const whole = {
  'machines/machines.yaml': 'patches: [nut.yaml]\nvalues: { nut-password: { file: nut-password } }\n',
  'machines/nut.yaml': 'machine: { env: { A: "{{ nut-password }}" } }\n',
  'machines/.hidden.yaml': ': : :',
  'machines/README.md': 'not a patch',
  'nut-password': 'hunter2\n',
}

test('a folder of machines is read with its patches, and its values from beside the configuration', async () => {
  const { settings } = await configuration(whole)
  const { value, files } = await readMachinesFolder(settings)
  expect([...value.patches.keys()]).toEqual(['nut.yaml'])
  expect([...value.values]).toEqual([['nut-password', 'hunter2']])
  expect(files.map((file) => file.split('/').at(-1))).toEqual(['machines', 'machines.yaml', 'nut.yaml', 'nut-password'])
})

test('without a folder nothing is written of any machine', async () => {
  const { settings } = await configuration({})
  expect((await readMachinesFolder(settings)).value).toMatchObject({ file: { patches: [], machines: [] } })
})

test('every fault of every file is told at once', async () => {
  const { settings } = await configuration({
    ...whole,
    'machines/machines.yaml': 'patches: [nut.yaml, gone.yaml]\nvalues: { nut-password: { file: not-there } }\n',
    'machines/other.yaml': 'machine: [',
  })
  const why = String(await readMachinesFolder(settings).catch((error: unknown) => error))
  expect(why).toMatch(/machines\.yaml:1:21: patches\.1: there is no gone\.yaml in /)
  expect(why).toMatch(/machines\.yaml:2:\d+: values\.nut-password: .*not-there does not exist/)
  expect(why).toMatch(/other\.yaml:1:11: it is not valid YAML/)
})

test('a bad edit changes nothing until it is mended, and a good one counts', async () => {
  const { settings, write, path } = await configuration(whole)
  const told: (string | undefined)[] = []
  using watched = await watchMachinesFolder(settings, (why) => told.push(why))
  expect(watched.kept.last?.patches.size).toBe(1)
  await write('machines/nut.yaml', 'machine: [')
  const current = watched.kept
  await waitFor('the bad edit to be told', 20_000, async () => {
    await current.current()
    return told.at(-1)?.includes('nut.yaml:1:11') === true
  })
  expect(current.last?.patches.size).toBe(1)
  await rm(path('machines/nut.yaml'))
  await write('machines/new.yaml', 'debug: true')
  await write('machines/machines.yaml', 'patches: [new.yaml]')
  await waitFor('the good edit to count', 20_000, async () => (await current.current()).patches.has('new.yaml'))
  expect(told).toEqual([undefined, expect.stringContaining('nut.yaml') as string, undefined])
})

test('the example is read as it stands, with a file for its secret', async () => {
  const example = new URL('../../../config/example/machines/', import.meta.url)
  const files = await Promise.all(
    ['machines.yaml', 'nut-client.yaml'].map(
      async (name) => [`machines/${name}`, await readFile(new URL(name, example), 'utf8')] as const,
    ),
  )
  const { settings } = await configuration({ ...Object.fromEntries(files), 'nut-password': 'hunter2' })
  const { value } = await readMachinesFolder(settings)
  expect(value.file.patches).toEqual([{ file: 'nut-client.yaml' }])
  // Also what is commented out is as it should be.
  const uncommented = files[0]![1].replaceAll(/^# {2}(?=- name| {2}\S)/gm, '  ').replace('machines: []', 'machines:')
  const whole = await configuration({
    ...Object.fromEntries(files),
    'machines/machines.yaml': uncommented,
    'machines/extra.yaml': 'debug: true',
    'nut-password': 'x',
  })
  expect((await readMachinesFolder(whole.settings)).value.file.machines).toEqual([
    expect.objectContaining({ name: 'worker-2', way: 'plain', labels: { gpu: 'nvidia' } }) as object,
  ])
})
