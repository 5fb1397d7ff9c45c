import { expect, test } from 'vitest'
import { builtVersion } from './release.ts'

const release = { version: '0.2.0', released: '2026-11-01' }

/** A checkout as git tells of it. */
function checkout(answers: Readonly<Record<string, string>>) {
  return (...[command = '']: readonly string[]): string | undefined => answers[command]
}
const commit = { 'rev-parse': '1a2b3c4d5e6f', 'rev-list': '57', status: '', tag: '' }

test.each([
  { name: 'the release itself', git: { ...commit, tag: 'v0.2.0\nlatest' }, tells: '0.2.0' },
  { name: 'another commit', git: commit, tells: '0.2.0+57.g1a2b3c4d5e6f' },
  { name: 'the tag of another release', git: { ...commit, tag: 'v0.1.0' }, tells: '0.2.0+57.g1a2b3c4d5e6f' },
  {
    name: 'the release with changes of somebody’s own',
    git: { ...commit, tag: 'v0.2.0', status: ' M src/cli.ts' },
    tells: '0.2.0+57.g1a2b3c4d5e6f.changed',
  },
  { name: 'a folder without git', git: {}, tells: '0.2.0+local' },
])('a package that was built from $name tells $tells', ({ git, tells }) => {
  expect(builtVersion(release, undefined, checkout(git))).toBe(tells)
})

test('where there is no git to ask, whoever builds says it', () => {
  const nobody = (): undefined => expect.unreachable()
  expect(builtVersion(release, '', nobody)).toBe('0.2.0')
  expect(builtVersion(release, 'local', nobody)).toBe('0.2.0+local')
})
