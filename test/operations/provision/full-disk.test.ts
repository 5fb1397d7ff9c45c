import { expect, test } from 'vitest'
import { createJournal } from '../../../src/core/journal.ts'
import { memoryStore } from '../../fakes/journal.ts'
import { address, asks, mac, uuid } from '../../fakes/machines.ts'
import { asked } from '../../fakes/person.ts'
import { openRequests } from './at-requests.ts'

/** A desk on a disk that can be filled. */
function openOnDisk() {
  const { records } = memoryStore()
  const disk = { degraded: undefined as string | undefined, records }
  return { ...openRequests({ journal: (now) => createJournal(disk, now) }), disk }
}

test('what can not be written down is not delivered, and what was approved stands', async () => {
  const it = openOnDisk()
  it.approves()
  it.disk.degraded = 'the disk is full'
  await expect(it.desk.take(asks())).rejects.toMatchObject({ code: 'not-now' })
  it.disk.degraded = undefined
  expect((await it.desk.take(asks())).id).toBe(uuid)
})

test('what can not be written down is not approved, and the machine that is held meanwhile goes on waiting', async () => {
  const it = openOnDisk()
  it.desk.ask(asks())
  const changes: unknown[] = []
  const over = new AbortController()
  void it.desk.changed(uuid, over.signal).then(() => changes.push(it.desk.ask(asks({ isHeld: true })).kind))
  it.disk.degraded = 'the disk is full'
  await expect(it.approve()).rejects.toMatchObject({
    code: 'not-now',
    message:
      "it can't be written down that it was approved (the disk is full): mend the disk of the state directory first",
  })
  expect(it.desk.machines()).toMatchObject([{ state: 'pending' }])
  expect(it.desk.machines()[0]!.approval).toBeUndefined()
  await expect.poll(() => changes).toEqual(['wait'])
  expect(it.texts().join()).not.toContain('may have its configuration')
  it.disk.degraded = undefined
  await it.approve()
  expect((await it.desk.take(asks())).id).toBe(uuid)
})

test('whoever rejects a machine meanwhile hears that a restart may forget it', async () => {
  const it = openOnDisk()
  it.approves()
  it.disk.degraded = 'the disk is full'
  expect(await it.requests.reject({ machine: mac }, asked())).toEqual({
    said: 'worker-2 does not get its configuration; the disk does not take it (the disk is full): a restart before it does forgets it',
    changed: true,
  })
  expect(it.desk.ask(asks({ address })).kind).toBe('refuse')
})
