import { expect, test } from 'vitest'
import { stripVTControlCharacters } from 'node:util'
import type { Check, DoctorReport } from '../../src/core/doctor/check.ts'
import { renderReport } from '../../src/cli/render-doctor.ts'

const check = (id: string, verdict: Check['verdict'], reason: string, more: Partial<Check> = {}): Check => ({
  id,
  subject: id.split(':')[1] ?? id.split('.')[0]!,
  verdict,
  reason,
  tookMs: 12,
  ...more,
})

const report: DoctorReport = {
  at: '2026-11-26T10:00:00.000Z',
  tookMs: 2_400,
  checks: [
    check('factory.reach', 'ok', 'offers 2 releases'),
    check('node.role:cp-1', 'failed', 'runs as a worker and is configured as a controlplane', {
      next: 'Set role: worker for cp-1 in caretaker.yaml, or install the node with the right machine type',
      tookMs: 1_200,
    }),
    check('share.image', 'skipped', 'no image is staged yet', { next: 'Stage one: `caretaker stage`' }),
    check('ups.server:ups', 'skipped', 'its upsd runs on this machine: see machine.supply'),
    check('node.api:cp-1', 'ok', 'its API answers'),
  ],
  fixed: ['/etc/key, the private key for nas, has the mode 600 now, and had 644'],
}

test('what is wrong comes with its cure, what is well in one line, and what was fixed first', () => {
  expect(stripVTControlCharacters(renderReport(report, { all: false, width: 70 }))).toBe(`\
fixed    /etc/key, the private key for nas, has the mode 600 now, and
         had 644

failed   cp-1: runs as a worker and is configured as a controlplane
         1 s
         → Set role: worker for cp-1 in caretaker.yaml, or install the
         node with the right machine type
         node.role:cp-1
skipped  share: no image is staged yet
         → Stage one: \`caretaker stage\`
         share.image

ok       factory 1, node 1

5 checks: 2 ok, 0 warnings, 1 failed, 2 skipped, in 2 s`)
})

test('with --all each is shown by itself', () => {
  const all = stripVTControlCharacters(renderReport(report, { all: true }))
  expect(all).toContain('ok       factory: offers 2 releases\n         factory.reach')
  expect(all).toContain('ups.server:ups')
  expect(all).not.toContain('factory 1, node 1')
})
