import { expect, test } from 'vitest'
import { type FileAccess, judgeAccess } from '../../../src/core/doctor/files.ts'

test.each<{ name: string; mode: number; uid?: number; gid?: number; verdict: string }>([
  { name: 'that is root’s alone', mode: 0o600, verdict: 'failed' },
  { name: 'of its own', mode: 0o600, uid: 996, verdict: 'ok' },
  { name: 'of its group', mode: 0o640, gid: 995, verdict: 'ok' },
  { name: 'of another group', mode: 0o640, gid: 7, verdict: 'failed' },
  { name: 'of its own that it may not read', mode: 0o200, uid: 996, verdict: 'failed' },
  { name: 'that everybody may read', mode: 0o604, verdict: 'warning' },
])(
  'root sees that the user of the daemon can or can not read a secret $name',
  ({ mode, uid = 0, gid = 0, verdict }) => {
    const found = { mode, uid, gid, isOurs: uid === 0, mayChange: true }
    const finding = judgeAccess({
      path: '/t',
      what: 'the talosconfig',
      kind: 'secret',
      found,
      reader: { uid: 996, gid: 995 },
    })
    const told = { verdict, reason: expect.stringContaining('user 996') as string, next: 'Run `chown 996 /t`' }
    expect(finding).toMatchObject(verdict === 'failed' ? told : { verdict })
  },
)

test('the volume of the container, open to all and sticky, is as it should be', () => {
  const found = { mode: 0o1777, uid: 0, isOurs: false, mayChange: false }
  const judge = (mode: number) =>
    judgeAccess({ path: '/s', what: 'the state directory', kind: 'private-folder', found: { ...found, mode } }).verdict
  expect([judge(0o1777), judge(0o777)]).toEqual(['ok', 'warning'])
})

test('what the user of the daemon need not read is not asked for', () => {
  const found = { mode: 0o700, uid: 0, gid: 0, isOurs: true, mayChange: true }
  const judge = (kind: FileAccess['kind'], mode = found.mode) =>
    judgeAccess({ path: '/x', what: 'x', kind, found: { ...found, mode }, reader: { uid: 996, gid: 995 } }).verdict
  expect([judge('private-folder'), judge('served', 0o755)]).toEqual(['ok', 'ok'])
  expect(
    judgeAccess({ path: '/x', what: 'x', kind: 'secret', found: undefined, reader: { uid: 996, gid: 995 } }),
  ).toMatchObject({
    verdict: 'skipped',
  })
})

test('a private key of another user may be read by its group, and by nobody else', () => {
  const found = { uid: 4_711, isOurs: false, mayChange: true }
  const judge = (mode: number, kind: FileAccess['kind'] = 'private-key') =>
    judgeAccess({ path: '/k', what: 'the private key of nas', kind, found: { ...found, mode } }).verdict
  expect([judge(0o640), judge(0o644), judge(0o641), judge(0o750, 'private-folder')]).toEqual([
    'ok',
    'warning',
    'warning',
    'warning',
  ])
})
