import { kill } from 'node:process'
import { openJournal } from '../../../src/adapters/journal/journal.ts'
import { address, asks, uuid } from '../../fakes/machines.ts'
import { openDesk } from './at-desk.ts'

/** Reaches each state of a machine, each on a journal of its own, and is killed without a word. */
const [folder] = process.argv.slice(2)

/** What brings a machine there; `taken` has its configuration in hand, and has sent nothing of it. */
const deeds: Readonly<Record<string, (it: ReturnType<typeof openDesk>) => unknown>> = {
  pending: (it) => it.desk.ask(asks()),
  approved: (it) => it.approves(),
  rendering: (it) => {
    it.approves()
    it.renderer.held = new Promise(() => {})
    void it.desk.take(asks())
  },
  taken: async (it) => {
    it.approves()
    await it.desk.take(asks())
  },
  sent: async (it) => {
    it.approves()
    ;(await it.desk.take(asks())).sent()
  },
  verified: async (it) => {
    it.approves()
    ;(await it.desk.take(asks())).sent()
    it.desk.verified(uuid, { address, uuid })
  },
  rejected: (it) => {
    it.desk.ask(asks())
    it.desk.reject({ id: uuid, reason: undefined })
  },
  forgotten: (it) => {
    it.approves()
    it.desk.forget(uuid)
  },
}

for (const [name, deed] of Object.entries(deeds)) {
  const it = openDesk({ journal: (now) => openJournal(`${folder}/${name}`, { now }) })
  await deed(it)
  // Alerts are told of before it is killed: a person has been asked.
  await it.told()
}
kill(process.pid, 'SIGKILL')
