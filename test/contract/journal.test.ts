import { describe } from 'vitest'
import { openJournal } from '../../src/adapters/journal/journal.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { temporaryFolder } from '../lab/process.ts'
import { journalContract } from './journal.contract.ts'

describe('the journal in memory', () => {
  journalContract(async (now) => ({ journal: memoryJournal(now), [Symbol.asyncDispose]: async () => {} }))
})

describe('the journal in SQLite', () => {
  journalContract(async (now) => {
    const folder = await temporaryFolder()
    const journal = openJournal(folder.path, { now })
    return {
      journal,
      [Symbol.asyncDispose]: async () => {
        journal[Symbol.dispose]()
        await folder[Symbol.asyncDispose]()
      },
    }
  })
})
