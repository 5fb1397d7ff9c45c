import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openToRead, openToWrite } from '../../../src/adapters/journal/database.ts'
import { openJournal } from '../../../src/adapters/journal/journal.ts'
import { temporaryFolder } from '../../lab/process.ts'

const hasStrace = () => {
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test('the journal asks of SQLite that a write is on the disk before it returns, at every start', async () => {
  await using folder = await temporaryFolder()
  for (const start of ['a new file', 'the same file again']) {
    using database = openToWrite(folder.path)
    // 2 is FULL (https://sqlite.org/pragma.html#pragma_synchronous): in WAL mode every commit is flushed.
    expect({ start, ...database.prepare('PRAGMA synchronous').get() }).toEqual({ start, synchronous: 2 })
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
  }
  using journal = openJournal(folder.path)
  journal.write({ kind: 'power', text: 'ups is critical' })
  using reader = openToRead(folder.path)
  expect(reader.prepare('SELECT count(*) AS count FROM records').get()).toEqual({ count: 1 })
})

test('what the journal says is written was flushed before it said so', async ({ skip }) => {
  skip(!hasStrace(), 'strace shows what is flushed, and is not there')
  await using folder = await temporaryFolder()
  const trace = join(folder.path, 'trace')
  const writer = fileURLToPath(new URL('flushing-process.ts', import.meta.url))
  const calls = 'trace=fsync,fdatasync,pwrite64,write'
  execFileSync('strace', ['-f', '-y', '-o', trace, '-e', calls, process.execPath, writer, folder.path])
  const lines = (await readFile(trace, 'utf8')).split('\n')
  const said = lines.flatMap((line, index) => (/write\(1<.*"saved \d/.test(line) ? [index] : []))
  expect(said).toHaveLength(3)
  for (const [number, at] of said.entries()) {
    const since = lines.slice(number === 0 ? 0 : said[number - 1]!, at)
    const written = since.findLastIndex((line) => line.includes('pwrite64') && line.includes('journal.db-wal'))
    const flushed = since.findLastIndex((line) => /f(data)?sync\(/.test(line) && line.includes('journal.db-wal'))
    expect(written).toBeGreaterThan(-1)
    expect(flushed).toBeGreaterThan(written)
  }
})
