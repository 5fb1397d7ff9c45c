import { setTimeout as sleep } from 'node:timers/promises'
import type { Boot } from '../../../src/core/netboot/boots.ts'
import type { Journal } from '../../../src/core/journal.ts'
import type { KnownNode } from '../../../src/core/provision/evidence.ts'
import type { MachineOrder } from '../../../src/core/provision/machine.ts'
import type { ConfigQuestion, Way } from '../../../src/core/provision/question.ts'
import { createAlerts } from '../../../src/operations/alerts.ts'
import { createDesk, type MachineDesk } from '../../../src/operations/provision/desk.ts'
import { memoryJournal } from '../../fakes/journal.ts'
import { asks, fakeRenderer } from '../../fakes/machines.ts'

export const start = Date.parse('2026-11-27T08:00:00Z')
export const worker: MachineOrder = { name: 'worker-2', role: 'worker', labels: {}, patches: [] }

/** A desk whose world is set by the test. */
export function openDesk({ journal: given }: { journal?: (now: () => Date) => Journal } = {}) {
  let ms = start
  const now = () => new Date(ms)
  const journal = given?.(now) ?? memoryJournal(now)
  const alerts = createAlerts(journal, now)
  const renderer = fakeRenderer()
  const world = { boots: [] as Boot[], nodes: [] as KnownNode[], cards: new Map<string, string>(), way: 'plain' as Way }
  const open = (): MachineDesk =>
    createDesk({
      journal,
      alerts,
      renderer,
      way: () => world.way,
      boots: () => world.boots,
      nodes: () => world.nodes,
      cardAt: async (address) => world.cards.get(address),
      now,
    })
  let desk = open()
  return {
    journal,
    alerts,
    renderer,
    world,
    now,
    get desk() {
      return desk
    },
    /** The daemon ends without a word, and starts again with what is on record. */
    restart: () => {
      desk[Symbol.dispose]()
      desk = open()
    },
    passes: (duration: number) => void (ms += duration),
    /** Alerts, once the cards of those who ask are looked up. */
    told: async () => {
      await sleep(0)
      desk.look()
      return alerts.all.map(({ id, text }) => `${id} ${text}`)
    },
    /** It asks, and a person approves what asked. */
    approves: (question: ConfigQuestion = asks(), order: MachineOrder = worker) => {
      const answer = desk.ask(question)
      if (answer.kind === 'refuse') throw new Error(answer.text)
      desk.approve({ id: answer.id, code: answer.code, order, by: 'admin' })
      return answer
    },
    texts: () =>
      journal
        .entries(1_000)
        .map(({ text }) => text)
        .toReversed(),
  }
}
