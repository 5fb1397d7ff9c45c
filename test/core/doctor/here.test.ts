import { describe, expect, test } from 'vitest'
import { areaOf, type Check, countVerdicts, isAmong, type Verdict } from '../../../src/core/doctor/check.ts'
import { judgeCredential } from '../../../src/core/doctor/credential.ts'
import { canMend, type FileAccess, judgeAccess, wantedMode } from '../../../src/core/doctor/files.ts'
import { doctorReport } from '../../../src/core/doctor/report-shape.ts'
import { judgeSpace } from '../../../src/core/doctor/space.ts'
import { judgeStore, type StoreFacts } from '../../../src/core/doctor/store.ts'

describe('which checks are asked for', () => {
  const check = { id: 'node.role:cp-1', subject: 'cp-1' }
  test.each([
    { only: 'node', is: true },
    { only: 'node.role', is: true },
    { only: 'node.role:cp-1', is: true },
    { only: 'cp-1', is: true },
    { only: 'nod', is: false },
    { only: 'node.ro', is: false },
    { only: 'cp', is: false },
    { only: 'node.role:cp-2', is: false },
  ])('$only: $is', ({ only, is }) => {
    expect(isAmong(check, ['host', only])).toBe(is)
  })

  test('areas and counts', () => {
    expect([areaOf(check), areaOf({ id: 'ups' })]).toEqual(['node', 'ups'])
    const of = (verdict: Verdict): Check => ({ id: 'a', subject: 'a', verdict, reason: '', tookMs: 0 })
    expect(countVerdicts([of('ok'), of('ok'), of('failed')])).toEqual({ ok: 2, warning: 0, failed: 1, skipped: 0 })
  })
})

describe('the mode of a file', () => {
  const file = (
    kind: FileAccess['kind'],
    mode: number,
    more: Partial<NonNullable<FileAccess['found']>> = {},
  ): FileAccess => ({
    path: '/etc/caretaker/x',
    what: 'x',
    kind,
    found: { mode, uid: 1000, isOurs: true, mayChange: true, ...more },
  })
  const strange = { uid: 1001, isOurs: false, mayChange: false }
  test.each<{ name: string; file: FileAccess; verdict: Verdict; wanted?: number; mends?: boolean }>([
    { name: 'a key of its own user', file: file('private-key', 0o600), verdict: 'ok' },
    {
      name: 'a key that its group can read',
      file: file('private-key', 0o640),
      verdict: 'failed',
      wanted: 0o600,
      mends: true,
    },
    {
      name: 'a key of another user that its group can read',
      file: file('private-key', 0o640, strange),
      verdict: 'ok',
      wanted: 0o600,
    },
    {
      name: 'a key of another user that all can read',
      file: file('private-key', 0o644, strange),
      verdict: 'warning',
      wanted: 0o600,
    },
    { name: 'a secret that its group can read', file: file('secret', 0o640), verdict: 'ok' },
    { name: 'a secret that all can read', file: file('secret', 0o644), verdict: 'warning', wanted: 0o640, mends: true },
    { name: 'a secret of another user', file: file('secret', 0o644, strange), verdict: 'warning', wanted: 0o640 },
    {
      name: 'a folder of ours that all can list',
      file: file('private-folder', 0o755),
      verdict: 'warning',
      wanted: 0o700,
      mends: true,
    },
    {
      name: "a volume of root's",
      file: file('private-folder', 0o755, { uid: 0, isOurs: false, mayChange: false }),
      verdict: 'ok',
      wanted: 0o700,
    },
    {
      name: "a volume of root's that all may write to",
      file: file('private-folder', 0o777, { uid: 0, isOurs: false, mayChange: false }),
      verdict: 'warning',
      wanted: 0o700,
    },
    { name: 'a share that a TFTP server can read', file: file('served', 0o755), verdict: 'ok' },
    { name: 'a share that it can not', file: file('served', 0o750), verdict: 'warning', wanted: 0o755, mends: true },
    {
      name: 'a folder that is not there yet',
      file: { ...file('private-folder', 0), found: undefined },
      verdict: 'skipped',
      mends: true,
    },
    { name: 'a secret that is not there', file: { ...file('secret', 0), found: undefined }, verdict: 'skipped' },
  ])('$name', ({ file: given, verdict, wanted, mends = false }) => {
    expect({ verdict: judgeAccess(given).verdict, wanted: wantedMode(given), mends: canMend(given) }).toEqual({
      verdict,
      wanted,
      mends,
    })
  })
})

describe("the queue's store", () => {
  const store: StoreFacts = {
    at: 'its socket',
    isOwn: true,
    server: 'valkey 8.1.1',
    policy: 'noeviction',
    memoryLimit: 0,
    appends: true,
    saves: false,
  }
  test.each<{ name: string; facts: Partial<StoreFacts>; verdict: Verdict; says: RegExp }>([
    { name: 'our own', facts: {}, verdict: 'ok', says: /throws nothing out, and appends/ },
    {
      name: 'one that saves now and then',
      facts: { appends: false, saves: true },
      verdict: 'ok',
      says: /saves now and then/,
    },
    { name: 'a cache', facts: { policy: 'allkeys-lru' }, verdict: 'failed', says: /throws jobs out.*allkeys-lru/ },
    {
      name: 'one without memory',
      facts: { appends: false, saves: false },
      verdict: 'warning',
      says: /nothing over a restart/,
    },
    {
      name: 'one that tells nothing',
      facts: { policy: undefined, appends: undefined, saves: undefined },
      verdict: 'warning',
      says: /CONFIG is refused/,
    },
    {
      name: 'one whose disk is full',
      facts: { trouble: 'its last write failed' },
      verdict: 'failed',
      says: /can't write/,
    },
  ])('$name', ({ facts, verdict, says }) => {
    expect(judgeStore({ ...store, ...facts })).toMatchObject({ verdict, reason: expect.stringMatching(says) })
  })
})

describe('a credential', () => {
  const [day, now] = [86_400_000, Date.parse('2026-11-26T00:00:00Z')]
  const ending = (days: number) => ({ from: now - 100 * day, to: now + days * day })
  test.each<{ name: string; left: number; isRenewed: boolean; verdict: Verdict }>([
    { name: 'fresh', left: 300, isRenewed: false, verdict: 'ok' },
    { name: 'a month, renewed by us', left: 20, isRenewed: true, verdict: 'ok' },
    { name: 'a month, renewed by nobody', left: 20, isRenewed: false, verdict: 'warning' },
    { name: 'a week, and not renewed yet', left: 5, isRenewed: true, verdict: 'warning' },
    { name: 'a week, renewed by nobody', left: 5, isRenewed: false, verdict: 'failed' },
    { name: 'over', left: -1, isRenewed: true, verdict: 'failed' },
  ])('$name', ({ left, isRenewed, verdict }) => {
    expect(judgeCredential({ what: 'it', life: ending(left), isRenewed }, now).verdict).toBe(verdict)
  })

  test('one that can not be used, one without an end, one that has not begun', () => {
    const it = { what: 'it', life: undefined, isRenewed: false }
    expect(judgeCredential({ ...it, fault: 'has no role' }, now)).toMatchObject({
      verdict: 'failed',
      reason: 'has no role',
    })
    expect(judgeCredential(it, now)).toMatchObject({ verdict: 'ok' })
    const later = { from: now + day, to: now + 9 * day }
    expect(judgeCredential({ ...it, life: later }, now)).toMatchObject({
      verdict: 'failed',
      next: expect.stringContaining('clock'),
    })
  })
})

test('a disk with twice what is needed is well, with less a warning, and with too little fails', () => {
  const mebibyte = 1_048_576
  expect(judgeSpace('the share', 200 * mebibyte, 100 * mebibyte)).toEqual({
    verdict: 'ok',
    reason: 'the share has 200 MiB left',
  })
  expect(judgeSpace('the share', 199 * mebibyte, 100 * mebibyte).verdict).toBe('warning')
  expect(judgeSpace('the share', 100 * mebibyte, 100 * mebibyte).verdict).toBe('warning')
  expect(judgeSpace('the share', undefined, 100 * mebibyte)).toEqual({
    verdict: 'ok',
    reason: 'the share does not tell its free space',
  })
  expect(judgeSpace('it', 10_239 * mebibyte, 1).reason).toBe('it has 10239 MiB left')
  expect(judgeSpace('it', 10_240 * mebibyte, 1).reason).toBe('it has 10.0 GiB left')
  expect(judgeSpace('the share', 99 * mebibyte, 100 * mebibyte)).toMatchObject({
    verdict: 'failed',
    reason: 'the share has 99 MiB left; 100 MiB are needed',
  })
})

test('a mode is told as it is, and with the command that mends it', () => {
  const found = { mode: 0o2644, uid: 1001, isOurs: false, mayChange: false }
  expect(judgeAccess({ path: '/x', what: 'a secret', kind: 'secret', found })).toEqual({
    verdict: 'warning',
    reason: 'others may read /x, a secret (its mode is 2644)',
    next: 'Run `chmod 2640 /x`, as the user 1001 that it belongs to',
  })
  const ours = { ...found, mode: 0o007, isOurs: true, mayChange: true }
  expect(judgeAccess({ path: '/x', what: 'a secret', kind: 'secret', found: ours })).toMatchObject({
    reason: expect.stringContaining('(its mode is 007)'),
    next: 'Run `chmod 000 /x`, or `caretaker doctor --fix`',
  })
  expect(judgeAccess({ path: '/x', what: 'the share', kind: 'served', found: { ...ours, mode: 0o700 } })).toMatchObject(
    {
      reason: '/x is not for others to read, and is the share: most TFTP servers run as a user of their own',
    },
  )
  expect(judgeAccess({ path: '/x', what: 'the share', kind: 'served', found: { ...ours, mode: 0o705 } }).reason).toBe(
    '/x is readable for the TFTP server',
  )
})

test('a report is kept as it was', () => {
  const verdicts: readonly Verdict[] = ['ok', 'warning', 'failed', 'skipped']
  const checks = verdicts.map((verdict): Check => ({
    id: 'a',
    subject: 'a',
    verdict,
    reason: 'r',
    next: 'n',
    tookMs: 1,
  }))
  const report = { at: '2026-11-26T10:00:00.000Z', tookMs: 1, checks, fixed: ['x'], only: ['a'] }
  expect(doctorReport(JSON.parse(JSON.stringify(report)))).toEqual(report)
  expect(() => doctorReport({ ...report, checks: [{ ...checks[0], verdict: 'fine' }] })).toThrow('one of ok, warning')
})

test('a store that hides a part of how it keeps data is as good as one that hides all', () => {
  const store: StoreFacts = {
    at: 'a:1',
    isOwn: false,
    server: 'redis 7',
    policy: 'noeviction',
    memoryLimit: 0,
    appends: true,
    saves: true,
  }
  expect(judgeStore(store).reason).toBe(
    "the queue's store (redis 7 at a:1) throws nothing out, and appends everything to a file",
  )
  expect(judgeStore({ ...store, policy: undefined }).verdict).toBe('warning')
  expect(judgeStore({ ...store, appends: undefined }).verdict).toBe('warning')
})

test('only a folder of root may be open to others, and only where root alone can write to it', () => {
  const found = { mode: 0o644, uid: 0, isOurs: false, mayChange: false }
  expect(judgeAccess({ path: '/x', what: 'x', kind: 'secret', found }).verdict).toBe('warning')
  const folder = { path: '/x', what: 'x', kind: 'private-folder', found: { ...found, mode: 0o755 } } as const
  expect(judgeAccess(folder).verdict).toBe('ok')
  expect(judgeAccess({ ...folder, found: { ...folder.found, uid: 1_001 } }).verdict).toBe('warning')
  expect(judgeAccess({ ...folder, found: { ...folder.found, isOurs: true } }).verdict).toBe('warning')
  expect(canMend({ ...folder, found: { ...folder.found, mayChange: true } })).toBe(false)
  expect(wantedMode({ ...folder, found: { ...folder.found, mode: 0o400 } })).toBe(0o700)
})

test('the words for a credential say whether it is renewed before', () => {
  const [now, day] = [Date.parse('2026-11-26T00:00:00Z'), 86_400_000]
  const life = (left: number) => ({ from: now - 100 * day, to: now + left * day })
  const reasonOf = (left: number, isRenewed: boolean) =>
    judgeCredential({ what: 'it', life: life(left), isRenewed }, now).reason
  expect(reasonOf(300, false)).toBe('it expires on 2027-09-22')
  expect(reasonOf(300, true)).toBe('it expires on 2027-09-22, and is renewed before')
  expect(judgeCredential({ what: 'it', life: life(0.5), isRenewed: false }, now).verdict).toBe('failed')
})
