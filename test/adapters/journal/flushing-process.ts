import { writeSync } from 'node:fs'
import { openJournal } from '../../../src/adapters/journal/journal.ts'

// Writes three sentences into the journal, and says after each that it is written: strace looks on.
const [directory = ''] = process.argv.slice(2)
using journal = openJournal(directory)
for (const number of [1, 2, 3]) {
  journal.write({ kind: 'power', text: `sentence ${number}` })
  writeSync(1, `saved ${number}\n`)
}
