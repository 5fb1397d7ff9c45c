import { openJournal } from '../../../src/adapters/journal/journal.ts'
import { withNodeState } from '../../../src/core/power/outage.ts'
import { beginRollout, withNodeStarted } from '../../../src/core/upgrade/record.ts'
import { outageOf } from '../../core/power/outages.ts'
import { remember } from './facts.ts'

// Writes what must outlive it, says so at once, and stays until it is killed.
const [directory = ''] = process.argv.slice(2)
const journal = openJournal(directory)
journal.beginRun('shut-down-cluster')
journal.firstSeen(['v1.13.9'], 7)
remember(journal, 'wishes', ['v1.14.0'])
journal.write({ kind: 'power', subject: 'ups', text: 'ups is critical' })
const outage = outageOf(new Date('2026-11-22T10:00:00Z'), ['cp-1', 'w-1'], new Set(['cp-1', 'w-1']))
journal.saveOutage(outage)
journal.saveOutage(withNodeState(outage, 'w-1', 'shutdown-sent'))
const rollout = beginRollout('v1.13.9', new Date('2026-11-22T09:00:00Z'))
journal.saveRollout(rollout)
journal.saveRollout(withNodeStarted(rollout, { name: 'w-1', role: 'worker', from: 'v1.13.8' }, new Date(0)))
process.stdout.write('saved\n')
setInterval(() => {}, 60_000)
