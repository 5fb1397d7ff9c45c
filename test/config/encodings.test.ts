import { expect, test } from 'vitest'
import { inspectConfig } from '../../src/config/config.ts'
import { faultLine } from '../../src/core/fault.ts'
import { parseWhole } from './whole.ts'

const text = 'schematic: homelab\nshare: { directory: /srv }\n'

test.each([
  { name: 'a mark of UTF-8 at its begin', written: `\uFEFF${text}` },
  { name: 'line ends of Windows', written: text.replaceAll('\n', '\r\n') },
  { name: 'no line end at its end', written: text.trimEnd() },
  { name: 'a line that begins the document', written: `---\n${text}` },
  { name: 'a line that ends the document', written: `${text}...\n` },
  { name: 'a version of YAML', written: `%YAML 1.2\n---\n${text}` },
  { name: 'an anchor that nothing refers to', written: text.replace('homelab', '&it homelab') },
])('a file with $name is read', ({ written }) => {
  expect(parseWhole(written, 'c.yaml').share.directory).toBe('/srv')
})

test.each([
  {
    name: 'a number with a 0 at its front',
    add: 'api: { port: 08420 }',
    doubt: 'api.port: is read as 8420, and as an octal',
  },
  { name: 'an octal number', add: 'api: { port: 0o20344 }', doubt: 'api.port: is read as 8420: write it as a decimal' },
  {
    name: 'a hexadecimal number',
    add: 'upses: [{ host: nas, port: 0xDA5 }]',
    doubt: 'upses.0.port: is read as 3493: write',
  },
  {
    name: 'a character of another encoding',
    add: `cluster: { talosconfig: ${Buffer.from('k\u00FCche', 'latin1').toString('utf8')} }`,
    doubt: 'cluster.talosconfig: has a character that is lost',
  },
])('$name is taken, with a warning', ({ add, doubt }) => {
  const { faults, doubts } = inspectConfig(`${text}${add}\n`, 'c.yaml')
  expect(faults.filter(({ setting }) => !setting?.startsWith('api')).map(faultLine)).toEqual([])
  expect(doubts.map(({ path, text: said }) => `${path.join('.')}: ${said}`)).toEqual([expect.stringContaining(doubt)])
})

test.each(['port: 8420', 'keep: 0', "name: '007'"])('nothing is doubtful about %s', (line) => {
  expect(inspectConfig(`${text}x: { ${line} }\n`, 'c.yaml').doubts).toEqual([])
})
