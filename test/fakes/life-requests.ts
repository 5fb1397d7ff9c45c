import { isAborted } from '../../src/operations/aborts.ts'
import { remembered } from '../../src/operations/facts.ts'
import type { Random } from '../core/random.ts'
import type { Life } from './life.ts'
import { personAt } from './person.ts'

const requests = ['shutDown', 'cancel', 'wake', 'pause', 'resume', 'abort', 'start'] as const

/** A person asks for something, and the answer is held against what is so afterwards. */
export async function askSomething(life: Life, random: Random): Promise<void> {
  const person = personAt(life.homelab, life.agent)
  const what = random.pick(requests)
  life.note(`a person: ${what}`)
  const { guard } = life.agent.agent
  const { journal } = life.homelab.ports
  const says = (text: string) => life.judge.breaches.push(`${life.clock.second}: ${text}`)
  switch (what) {
    case 'shutDown':
      await person.shutDown()
      life.circumstances.isOrdered = true
      life.circumstances.hasLost = false
      if (guard.power.ordered === undefined) says('a shutdown was requested, and is not on record')
      return
    case 'cancel':
    case 'wake': {
      const wasOrdered = guard.power.ordered !== undefined
      // What is sent at once, while the UPS is silent, is sent because the person sees that mains power is there.
      const names = what === 'wake' ? [...life.homelab.machines.keys(), ...life.homelab.hosts.keys()] : []
      for (const name of names) life.circumstances.wokenByName.add(name)
      const { changed } = await (what === 'cancel' ? person.cancel() : person.wake().catch(() => ({ changed: true })))
      for (const name of names) life.circumstances.wokenByName.delete(name)
      if (wasOrdered && !changed) says(`${what} says that it changes nothing, and withdraws an order`)
      if (guard.power.ordered !== undefined) says(`an order outlives ${what}`)
      life.circumstances.isOrdered = false
      life.isPersons = true
      return
    }
    case 'pause':
      await person.pause('guests')
      if (remembered.paused.recall(journal) === undefined) says('rollouts were paused, and are not')
      return
    case 'resume':
      await person.resume()
      if (remembered.paused.recall(journal) !== undefined) says('rollouts were resumed, and are paused')
      life.letGo()
      return
    case 'abort': {
      const answer = await person.abort().catch(() => undefined)
      if (answer?.changed && !isAborted(journal, 'v1.14.1')) says('a rollout was aborted, and is not')
      return
    }
    case 'start': {
      const answer = await person.start()
      if (answer.changed && isAborted(journal, 'v1.14.1')) says('a rollout was started again, and is aborted')
      life.letGo()
      return
    }
    default:
      return what satisfies never
  }
}
