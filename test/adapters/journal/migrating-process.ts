import process, { kill } from 'node:process'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { openJournal } from '../../../src/adapters/journal/journal.ts'

// Opens the journal in a directory, and kills itself right before the nth statement of a kind: `exec` changes the file
// as a whole and begins and ends transactions, `run` changes a row. Says how many there were where it lives.
const [directory = '', fatal = '', nth = 'Infinity'] = process.argv.slice(2)
const done = { exec: 0, run: 0 }

function before<This, Given extends unknown[], T>(kind: 'exec' | 'run', work: (this: This, ...given: Given) => T) {
  return function counted(this: This, ...given: Given): T {
    done[kind] += 1
    if (kind === fatal && done[kind] === Number(nth)) kill(process.pid, 'SIGKILL')
    return work.apply(this, given)
  }
}
DatabaseSync.prototype.exec = before('exec', DatabaseSync.prototype.exec)
StatementSync.prototype.run = before('run', StatementSync.prototype.run) as typeof StatementSync.prototype.run

openJournal(directory)[Symbol.dispose]()
process.stdout.write(`${JSON.stringify(done)}\n`)
