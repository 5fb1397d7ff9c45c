import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.ts'
import { remembered } from '../../src/operations/facts.ts'
import { pauseIn, pausing, rememberPause } from '../../src/operations/pause.ts'
import { pauseOf } from '../../src/operations/upgrade-circumstances.ts'
import { memoryJournal } from '../fakes/journal.ts'

function configWith(upgrade: object) {
  const nodes = [{ name: 'cp-1', role: 'controlplane', address: '10.0.0.1' }]
  const text = { cluster: { talosconfig: 'talosconfig' }, nodes, schematic: 'homelab', share: { directory: 'share' } }
  return parseConfig(JSON.stringify({ ...text, upgrade: { timeZone: 'UTC', ...upgrade } }), 'test.yaml')
}

test.each<{ name: string; upgrade?: object; paused?: string; reason: string | undefined }>([
  { name: 'are not paused', reason: undefined },
  { name: 'are paused by a person', paused: 'paused by me', reason: 'paused by me' },
  { name: 'are paused by the configuration', upgrade: { enabled: false }, reason: 'upgrade.enabled is false' },
  {
    name: 'are paused by both, and the person is named',
    upgrade: { enabled: false },
    paused: 'paused by me',
    reason: 'paused by me',
  },
])('rollouts $name', ({ upgrade = {}, paused, reason }) => {
  const journal = memoryJournal()
  remembered.paused.remember(journal, paused)
  expect(pauseOf(configWith(upgrade), journal)).toBe(reason)
})

test('what waits for the end of a pause says since when it lasts and who asked for it', () => {
  const journal = memoryJournal()
  rememberPause(journal, pausing('$& guests'), { by: 'admin@nas (unverified)', at: '2026-03-07T10:00:00Z' })
  const paused = pauseOf(configWith({}), journal)
  expect(paused).toMatch(/^rollouts are paused since 2026-03-07 \S+ \S+ by admin@nas \(unverified\): \$& guests$/)
  expect(pauseIn(journal)).toEqual({
    reason: '$& guests',
    by: 'admin@nas (unverified)',
    since: '2026-03-07T10:00:00Z',
  })
})
