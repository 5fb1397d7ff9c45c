import { expect, test } from 'vitest'
import { withKernelArguments } from '../../src/config/schematic-text.ts'

const added = [
  'talos.config=http://nas.lan:8424/config?uuid=${uuid}&mac=${mac}',
  'talos.config.oauth.client_id=caretaker',
]
const isKept = (argument: string) => !argument.startsWith('talos.config')
const edit = (text: string) => withKernelArguments(text, isKept, added)
const lines = (indent: string) => added.map((one) => `${indent}- ${one}\n`).join('')

test.each([
  { name: 'nothing', text: '', edited: `customization:\n  extraKernelArgs:\n${lines('    ')}` },
  { name: 'a comment', text: '# ours\n', edited: `# ours\ncustomization:\n  extraKernelArgs:\n${lines('    ')}` },
  {
    name: 'an empty customization',
    text: 'owner: me\ncustomization: {}\n',
    edited: `owner: me\ncustomization:\n  extraKernelArgs:\n${lines('    ')}`,
  },
  {
    name: 'a customization of nothing',
    text: 'customization:\n',
    edited: `customization:\n  extraKernelArgs:\n${lines('    ')}`,
  },
  {
    name: 'extensions alone',
    text: 'customization:\n    # what it needs\n    systemExtensions:\n        officialExtensions: [siderolabs/i915]\n',
    edited: `customization:\n    # what it needs\n    extraKernelArgs:\n${lines('      ')}    systemExtensions:\n        officialExtensions: [siderolabs/i915]\n`,
  },
  {
    name: 'an empty list',
    text: 'customization:\n  extraKernelArgs: []\n  bootloader: sd-boot\n',
    edited: `customization:\n  extraKernelArgs:\n${lines('    ')}  bootloader: sd-boot\n`,
  },
  {
    name: 'arguments of others',
    text: 'customization:\n  extraKernelArgs:\n  - console=ttyS0 # the serial port\n  - net.ifnames=0\n  bootloader: sd-boot\n',
    edited: `customization:\n  extraKernelArgs:\n  - console=ttyS0 # the serial port\n  - net.ifnames=0\n${lines('  ')}  bootloader: sd-boot\n`,
  },
  {
    name: 'older ones of ours',
    text: "customization:\n  extraKernelArgs:\n    - console=tty0\n    # how machines ask\n    - 'talos.config=http://old/config'\n    - talos.config.oauth.client_id=x\n    - net.ifnames=0\n",
    edited: `customization:\n  extraKernelArgs:\n    - console=tty0\n    # how machines ask\n${lines('    ')}    - net.ifnames=0\n`,
  },
  {
    name: 'several in one entry',
    text: 'customization:\n  extraKernelArgs:\n    - console=tty0 talos.config=none quiet\n',
    edited: `customization:\n  extraKernelArgs:\n    - console=tty0 quiet\n${lines('    ')}`,
  },
  {
    name: 'no line break at the end',
    text: 'customization:\n  extraKernelArgs:\n    - console=tty0',
    edited: `customization:\n  extraKernelArgs:\n    - console=tty0\n${lines('    ')}`,
  },
])('a schematic with $name gets them, and keeps everything else', ({ text, edited }) => {
  expect(edit(text)).toBe(edited)
  // What is there is replaced by the same.
  expect(edit(edited)).toBe(edited)
})

test('a list in brackets stays one', () => {
  const text = edit('customization:\n  extraKernelArgs: [console=tty0, talos.config=none]\n')
  expect(text).toBe(`customization:\n  extraKernelArgs: [console=tty0, '${added[0]}', ${added[1]}]\n`)
})

test.each([
  '{customization: {extraKernelArgs: [a=b]}}',
  'customization: {bootloader: grub}',
  'customization: [',
  '- a',
])('%s is not edited', (text) => {
  expect(edit(text)).toBeUndefined()
})
