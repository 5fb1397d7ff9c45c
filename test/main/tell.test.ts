import { expect, test } from 'vitest'
import { tellAlerts } from '../../src/main/tell.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { silentLog } from '../fakes/log.ts'
import { parseWhole } from '../config/whole.ts'

const config = parseWhole(
  `
nodes: [{ name: cp-1, role: controlplane, address: 10.0.0.2 }]
schematic: homelab
share: { directory: /srv/tftp }
upses: [{ name: rack, host: 10.0.0.6 }]
`,
  'caretaker.yaml',
)

test('what a UPS server sends and can be meant in more than one way is an alert, until nothing is any more', () => {
  const alerts = createAlerts(memoryJournal(), () => new Date())
  const told = tellAlerts({ config }, alerts, silentLog)
  told.unclear?.('rack', 'upsd at nas:3493 sends what can be meant in more than one way: VAR rack ups.status "OB" LB')
  expect(alerts.all).toMatchObject([
    {
      id: 'ups.unreadable:rack',
      severity: 'warning',
      text: 'upsd at nas:3493 sends what can be meant in more than one way: VAR rack ups.status "OB" LB; rack is guarded without it',
    },
  ])
  told.unclear?.('rack', undefined)
  expect(alerts.all).toEqual([])
})
