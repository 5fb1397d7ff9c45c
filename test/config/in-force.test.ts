import { expect, test } from 'vitest'
import { settingsInForce } from '../../src/config/in-force.ts'
import { maskedText } from '../../src/config/masked.ts'
import { loadRegistry, sectionsOf } from '../../src/main/registry.ts'

const sections = sectionsOf(await loadRegistry())
const text = `schematic: homelab
share: { directory: share }
nodes:
  - { name: cp-1, role: controlplane, address: 10.0.0.1 }
power:
  # what we keep for the shutdown
  reserve: 90s
api:
  tokens:
    - { name: desk, scope: read, token: { file: desk-token } }
`
const found = settingsInForce(text, sections)
const of = (path: string) => found.find((one) => one.path === path)

test('what is written has its line, as it is written', () => {
  expect(of('power.reserve')).toMatchObject({ value: '90s', line: 7 })
  expect(of('nodes.0.address')).toMatchObject({ value: '10.0.0.1', line: 4 })
})

test('what is not written has the default, also below what is written and in each of a list', () => {
  expect(of('share.keep')).toMatchObject({ value: '2', line: undefined })
  expect(of('nodes.0.storage')).toMatchObject({ value: 'false', line: undefined })
  expect(of('dashboard.enabled')).toMatchObject({ value: 'true', line: undefined })
  expect(of('upgrade.windows')).toMatchObject({ value: 'none' })
})

test('what is neither written nor has a default is left out, and so is a section that is off without it', () => {
  expect(of('nodes.0.mac')).toBeUndefined()
  expect(
    settingsInForce('schematic: homelab\nshare: { directory: share }\n', sections).map(({ path }) => path),
  ).not.toContain('api.port')
})

test('every setting stands once, section by section, with what it is for', () => {
  const paths = found.map(({ path }) => path)
  expect(paths).toEqual([...new Set(paths)])
  expect(of('power.reserve')?.about).toMatch(/\w/)
  expect(paths.indexOf('nodes.0.name')).toBeLessThan(paths.indexOf('power.reserve'))
})

test('of a secret only the place is told', () => {
  expect(of('api.tokens.0.token')).toMatchObject({ value: 'from the file desk-token', line: 10 })
})

test.each([
  { path: ['queue', 'password'], value: { env: 'QUEUE' }, shown: 'from the environment variable QUEUE' },
  { path: ['hosts', 0, 'shutdown', 'http', 'headers', 'X-Key'], value: 'hunter2', shown: 'not shown' },
  { path: ['hosts', 0, 'shutdown', 'http', 'body'], value: '{"pin": 1234}', shown: 'not shown' },
  { path: ['made', 'up', 'apiToken'], value: 'hunter2', shown: 'not shown' },
  {
    path: ['share', 'schematic', 'extraKernelArgs'],
    value: ['console=ttyS0', 'talos.config=https://me:hunter2@nas/w.yaml?key=hunter2'],
    shown: 'console=ttyS0, talos.config=https://nas/w.yaml?…',
  },
  { path: ['queue', 'url'], value: 'redis://me:hunter2@nas:6379/1', shown: 'redis://nas:6379/1' },
  {
    path: ['upgrade', 'calendar'],
    value: 'https://cal.example/x.ics?key=hunter2',
    shown: 'https://cal.example/x.ics?…',
  },
  { path: ['upgrade', 'skip'], value: ['v1.14.0', 'v1.14.1'], shown: 'v1.14.0, v1.14.1' },
  { path: ['factory', 'url'], value: 'https://factory.talos.dev', shown: 'https://factory.talos.dev' },
])('$path is shown as $shown', ({ path, value, shown }) => {
  expect(maskedText(path, value)).toBe(shown)
})
