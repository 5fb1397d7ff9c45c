import process, { kill } from 'node:process'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { openJournal } from '../../../src/adapters/journal/journal.ts'

// Opens the journal in a directory, and kills itself right before the nth thing that it would do to the file. Says how
// many there were where it lives.
const [directory = '', nth = 'Infinity'] = process.argv.slice(2)
let done = 0

function before<This, Given extends unknown[], T>(work: (this: This, ...given: Given) => T) {
  return function counted(this: This, ...given: Given): T {
    done += 1
    if (done === Number(nth)) kill(process.pid, 'SIGKILL')
    return work.apply(this, given)
  }
}
DatabaseSync.prototype.exec = before(DatabaseSync.prototype.exec)
StatementSync.prototype.run = before(StatementSync.prototype.run) as typeof StatementSync.prototype.run

openJournal(directory)[Symbol.dispose]()
process.stdout.write(`opened after ${done}\n`)
