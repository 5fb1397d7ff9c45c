import { expect, test } from 'vitest'
import type { AlertChange } from '../../../src/core/alert.ts'
import type { Machine } from '../../../src/core/provision/machine.ts'
import { createRandom } from '../../core/random.ts'
import { address, asks, uuid } from '../../fakes/machines.ts'
import { openDesk } from './at-desk.ts'

/** What the daemon had done when it was killed. */
const states: readonly { name: Machine['state']; reach: (it: ReturnType<typeof openDesk>) => Promise<void> }[] = [
  { name: 'pending', reach: async (it) => void it.desk.ask(asks()) },
  { name: 'approved', reach: async (it) => void it.approves() },
  {
    name: 'delivering',
    reach: async (it) => {
      it.approves()
      await it.desk.take(asks())
    },
  },
  {
    name: 'delivered',
    reach: async (it) => {
      it.approves()
      ;(await it.desk.take(asks())).sent()
    },
  },
  {
    name: 'verified',
    reach: async (it) => {
      it.approves()
      ;(await it.desk.take(asks())).sent()
      it.desk.verified(uuid, { address, uuid })
    },
  },
  {
    name: 'locked',
    reach: async (it) => {
      it.approves()
      ;(await it.desk.take(asks())).sent()
      it.desk.verified(uuid, { address, uuid })
      it.desk.joined(uuid)
    },
  },
  {
    name: 'rejected',
    reach: async (it) => {
      it.desk.ask(asks())
      it.desk.reject({ id: uuid, reason: undefined })
    },
  },
]

test.for(states)(
  'a daemon that is killed where a machine is $name gives nothing twice and asks nobody twice',
  async ({ name, reach }) => {
    const it = openDesk()
    const opened: string[] = []
    it.alerts.subscribe(({ id }, change: AlertChange) => void (change === 'opened' ? opened.push(id) : undefined))
    await reach(it)
    await it.told()
    const before = { machines: JSON.parse(JSON.stringify(it.desk.machines())) as Machine[], opened: [...opened] }
    it.restart()
    await it.told()
    const [machine] = it.desk.machines()
    expect(machine).toMatchObject({ state: name, claimants: before.machines[0]!.claimants })
    // What was on its way when it was killed is told of; nothing is asked again.
    expect(opened.filter((id) => !before.opened.includes(id))).toEqual(
      name === 'delivering' ? [`provision.trouble:${uuid}`] : [],
    )
    const after = it.desk.ask(asks())
    expect(after.kind).toBe({ approved: 'deliver', rejected: 'refuse' }[name as string] ?? 'wait')
    const taken = await Promise.allSettled([it.desk.take(asks()), it.desk.take(asks())])
    expect(taken.filter(({ status }) => status === 'fulfilled').length).toBe(name === 'approved' ? 1 : 0)
  },
)

const seeds = Math.max(1, Number(process.env['SEEDS'] ?? 1)) * 60

/** What a person has approved, as the test keeps it. */
interface Given {
  readonly question: number
  readonly id: string
  readonly until: number
  isOver: boolean
}

test('whatever machines, people and crashes do, what is approved once is delivered once and to nobody else', async () => {
  const strays: string[] = []
  let delivered = 0
  for (let seed = 1; seed <= seeds; seed += 1) {
    const { below: random } = createRandom(seed)
    const it = openDesk()
    const questions = [
      asks(),
      asks({ address: '192.168.0.99' }),
      asks({ claim: { uuid: undefined } }),
      asks({ way: 'device-flow' }),
      asks({ claim: { mac: '52:54:00:99:99:99' } }),
    ]
    const given: Given[] = []
    const withdraw = (id: string) => given.filter((one) => one.id === id).forEach((one) => void (one.isOver = true))
    const take = async (which: number) => {
      const all = Array.from({ length: 1 + random(2) }, () => it.desk.take(questions[which]!))
      for (const one of await Promise.allSettled(all)) {
        if (one.status === 'rejected') continue
        const own = given.findLast(({ question }) => question === which)
        if (!own || own.isOver || it.now().getTime() >= own.until) strays.push(`seed ${seed}: ${which}`)
        else own.isOver = true
        delivered += 1
        const end = random(3)
        if (end === 0) one.value.sent()
        if (end === 1) one.value.cut('it hung up')
      }
    }
    const approve = (which: number) => {
      const answer = it.desk.ask(questions[which]!)
      if (answer.kind !== 'wait' || it.desk.get(answer.id)?.state === 'approved') return
      withdraw(answer.id)
      it.desk.approve({ ...answer, order: { name: 'w', role: 'worker', labels: {}, patches: [] }, by: 'admin' })
      given.push({ question: which, id: answer.id, until: it.now().getTime() + 30 * 60_000, isOver: false })
    }
    for (let step = 0; step < 60; step += 1) {
      const which = random(questions.length)
      const known = it.desk.machines()[random(2)]
      const deeds: readonly (() => unknown)[] = [
        () => it.desk.ask(questions[which]!),
        () => approve(which),
        () => take(which),
        () => take(which),
        () => it.restart(),
        () => it.passes(random(15) * 60_000),
        () => {
          if (!known || random(2) > 0) return
          it.desk.reject({ id: known.id, reason: undefined })
          withdraw(known.id)
        },
        () => {
          if (!known) return
          if (random(4) === 0) {
            it.desk.forget(known.id)
            withdraw(known.id)
          }
          it.desk.verified(known.id, { address, uuid })
          if (random(2) === 0) it.desk.joined(known.id)
        },
      ]
      await deeds[random(deeds.length)]!()
    }
    it.desk[Symbol.dispose]()
  }
  expect(strays).toEqual([])
  expect(delivered).toBeGreaterThan(seeds)
})
