import { describe, expect, test } from 'vitest'
import { parseMachines } from '../../src/config/machines.ts'
import { readPatchFile } from '../../src/config/patch-file.ts'
import { FaultsError } from '../../src/core/fault.ts'

const file = 'machines.yaml'

/** `2:3 patches.0: …`. */
function faults(work: () => unknown): readonly string[] {
  try {
    work()
  } catch (error) {
    if (!(error instanceof FaultsError)) throw error
    return error.faults.map(({ line, column, setting = '', message }) => `${line}:${column} ${setting}: ${message}`)
  }
  return []
}

describe('machines.yaml', () => {
  test('says what machines become, in one way of writing', () => {
    const read = parseMachines(
      `install: { diskSelector: { serial: S64* } }
patches: [nut-client.yaml, { file: gpu.yaml, for: { labels: { gpu: nvidia } } }]
values: { nut-password: { file: nut-password } }
machines:
  - { name: worker-2, match: { mac: 00-1B-21-3A-4F-5C, serial: [SN1, SN2] }, role: worker, patches: [extra.yaml], way: plain }
`,
      file,
    )
    expect(read).toEqual({
      install: { diskSelector: { serial: 'S64*' }, wipe: false },
      patches: [{ file: 'nut-client.yaml' }, { file: 'gpu.yaml', for: { labels: { gpu: 'nvidia' } } }],
      values: { 'nut-password': { file: 'nut-password' } },
      machines: [
        {
          name: 'worker-2',
          match: { mac: ['00:1b:21:3a:4f:5c'], serial: ['SN1', 'SN2'] },
          role: 'worker',
          labels: {},
          patches: ['extra.yaml'],
          way: 'plain',
        },
      ],
    })
  })

  test.each(['', '# nothing yet\n', '---\n# nothing\n'])('may say nothing: %j', (text) => {
    expect(parseMachines(text, file)).toEqual({ patches: [], values: {}, machines: [] })
  })

  test.each([
    [
      'install: { disk: nvme0n1 }',
      '1:18 install.disk: use the path of a device, such as /dev/disk/by-id/nvme-Samsung_SSD_980_S64DNX0R; did you mean',
    ],
    ['install: { disk: /dev/a, diskSelector: { serial: x } }', '1:1 install: name a disk, or a diskSelector'],
    ['install: { wipe: true }', '1:1 install: name a disk, or a diskSelector'],
    ['install: { diskSelector: {} }', 'say by what the disk is found'],
    ['install: { diskSelector: { size: big } }', "use a size such as '>= 100GB'"],
    ['patches: [../caretaker.yaml]', '1:11 patches.0: name a file, or use'],
    ['patches: [{ file: machines.yaml }]', 'is this file itself, and no patch'],
    ['patches: [{ file: a.yaml, for: {} }]', 'say which machines: role, mac, uuid, serial or labels'],
    [
      'values: { a: hunter2 }',
      '1:14 values.a: refer to the secret as {file: PATH} or {env: NAME}; never write it here',
    ],
    ['machines: [{ name: w, match: {} }]', 'say by what it is known: mac, uuid or serial'],
    ['machines: [{ name: w, match: { mac: x } }]', 'use a MAC address such as 00:1b:21:3a:4f:5c, or a list of them'],
    ['machines: [{ name: w, match: { serial: a }, labels: { "a b": c } }]', 'a b is not the name of a label'],
    [
      'machines: [{ name: w, match: { serial: a }, rol: worker }]',
      '1:45 machines.0.rol: is not a setting; did you mean role?',
    ],
    ['machines: [{ name: w, match: { serial: a } }, { name: v, match: { serial: a } }]', 'w has it already'],
    ['machines: [{ name: w, match: { serial: a } }, { name: w, match: { serial: b } }]', 'another machine is called w'],
  ])('%s is a fault in its place', (text, told) => {
    const found = faults(() => parseMachines(text, file))
    expect(found.join('\n')).toContain(told.replace(/; did you mean$/, ''))
    expect(found.join('\n')).not.toContain('hunter2')
  })
})

describe('a file of patches', () => {
  test('names a value that machines.yaml has', () => {
    expect(
      faults(() => readPatchFile('machine: { env: { A: "{{ nut-password }}" } }', 'a.yaml', ['nut-password'])),
    ).toEqual([])
    // Without quotes braces would begin a map.
    expect(faults(() => readPatchFile('a: {{ nut-password }}', 'a.yaml', ['nut-password']))).toEqual([])
  })

  test.each([
    [
      'machine:\n  env:\n    A: "x {{ nut-pasword }}"',
      '3:5 machine.env.A: there is no value nut-pasword; did you mean nut-password?; values are named in machines.yaml',
    ],
    [
      'machine: { "{{ nut-password }}": 1 }',
      '1:1 machine: a value can stand where a setting has a text, and not in its name',
    ],
    ['machine: [', '1:11 : it is not valid YAML: '],
    ['a: *b', 'it is not valid YAML: it has an alias (*name) without an anchor'],
    ['a: 1\n<<: {}', 'it merges maps with <<, which Talos does not'],
  ])('%j is a fault in its place', (text, told) => {
    expect(faults(() => readPatchFile(text, 'a.yaml', ['nut-password'])).join('\n')).toContain(told)
  })

  test('keeps what looks like a template and is none of ours', () => {
    const { documents } = readPatchFile('a: "{{ .Values.x }} {{ $labels.y }} {{x y}}"', 'a.yaml', [])
    expect(documents[0]!.tree).toEqual({ a: '{{ .Values.x }} {{ $labels.y }} {{x y}}' })
  })
})
