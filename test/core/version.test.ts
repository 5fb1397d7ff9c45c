import { expect, test } from 'vitest'
import { compareVersions, hasLifecycleService, isNewer, minorOf, parseVersion } from '../../src/core/version.ts'

test.each([
  ['v1.13.9', { major: 1, minor: 13, patch: 9 }],
  ['1.13.9', { major: 1, minor: 13, patch: 9 }],
  ['v1.14.0-rc.1', { major: 1, minor: 14, patch: 0, prerelease: { stage: 'rc', number: 1 } }],
  ['v1.14.0-alpha.0', { major: 1, minor: 14, patch: 0, prerelease: { stage: 'alpha', number: 0 } }],
])('%s is a release', (text, version) => {
  expect(parseVersion(text)).toEqual(version)
})

test.each([
  '',
  'latest',
  'v1.13',
  'v1.13.9.1',
  'v1.13.9-dirty',
  'v1.13.9-rc',
  'v1.13.9 ',
  'V1.13.9',
  'v1.13.9+k3s1',
  'v1.14.0-rc.1+dirty',
  'v1.13.9-5-gab12cd3',
  'v01.13.9',
  'v1.14.0-rc.01',
  'v1.13.99999999999999999999',
])('"%s" is no release', (text) => {
  expect(parseVersion(text)).toBeUndefined()
})

test('releases are in the order of semantic versioning, with what is no release first', () => {
  const inOrder = [
    'nightly',
    'v0.14.3',
    'v1.9.10',
    'v1.13.2',
    'v1.13.10',
    'v1.14.0-alpha.0',
    'v1.14.0-alpha.2',
    'v1.14.0-alpha.10',
    'v1.14.0-beta.0',
    'v1.14.0-rc.1',
    'v1.14.0',
    'v2.0.0',
  ]
  for (const [index, version] of inOrder.entries()) {
    for (const later of inOrder.slice(index + 1)) {
      expect(compareVersions(version, later), `${version} ${later}`).toBeLessThan(0)
      expect(compareVersions(later, version), `${later} ${version}`).toBeGreaterThan(0)
    }
  }
})

test.each([
  { version: 'v1.13.9', than: 'v1.13.9', newer: false },
  { version: '1.13.9', than: 'v1.13.9', newer: false },
  { version: 'v1.13.10', than: 'v1.13.9', newer: true },
  { version: 'v1.13.9', than: 'v1.13.10', newer: false },
  { version: 'v1.14.0', than: 'v1.14.0-rc.1', newer: true },
  { version: 'nightly', than: 'v1.13.9', newer: false },
  { version: 'nightly', than: 'weekly', newer: false },
])('whether $version is newer than $than: $newer', ({ version, than, newer }) => {
  expect(isNewer(version, than)).toBe(newer)
})

test.each([
  ['v1.13.9', '1.13'],
  ['v1.14.0-rc.1', '1.14'],
  ['nightly', 'nightly'],
  ['v1.13.9-k7.1.9', '1.13'],
  ['v1.11.5-1-gab12cd3', '1.11'],
])('%s belongs to the line %s', (version, minor) => {
  expect(minorOf(version)).toBe(minor)
})

test.each([
  ['v1.12.11', false],
  ['v1.13.0', true],
  ['v1.14.0-rc.1', true],
  ['v2.0.0', true],
  ['v0.14.3', false],
  ['nightly', false],
])('%s can install and reboot in two calls: %s', (version, can) => {
  expect(hasLifecycleService(version)).toBe(can)
})
