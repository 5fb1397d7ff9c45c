import { parseConfig } from '../../../src/config/config.ts'
import type { BootEvent } from '../../../src/core/netboot/dhcp-event.ts'
import { createBootKeeper } from '../../../src/operations/netboot/keeper.ts'
import { createDesk, type MachineDesk } from '../../../src/operations/provision/desk.ts'
import { aborts, asks, at, ends, mac, starts, takes } from '../../core/netboot/seen.ts'
import { asks as question, fakeRenderer, stranger, uuid } from '../../fakes/machines.ts'
import type { Condition } from './life.ts'

const config = parseConfig(
  `schematic: homelab
share: { directory: share }
nodes: [{ name: cp-1, role: controlplane, address: 192.168.0.2 }, { name: w-1, role: worker, address: 192.168.0.21, mac: '${mac}' }]`,
  'test.yaml',
)
const hour = 3_600

interface Boots {
  readonly events: readonly BootEvent[]
  /** Seconds after noon, when it is looked at. */
  readonly until: number
  readonly over: { readonly events?: readonly BootEvent[]; readonly until: number }
}

/** A condition of a machine that boots from the network. */
function boots({ events, until, over }: Boots): () => Condition {
  return () => {
    let due: readonly BootEvent[] = []
    let seconds = 0
    const now = () => new Date(at(seconds))
    return {
      name: 'w-1',
      begin: () => {
        due = events
        seconds = until
      },
      end: () => {
        due = over.events ?? []
        seconds = over.until
      },
      start: ({ journal, alerts }) => {
        const keeper = createBootKeeper({ journal, alerts, config: () => config, now, isOwn: () => false })
        return {
          look: () => {
            const last = seconds
            for (const event of due) {
              seconds = (Date.parse(event.at) - Date.parse(at(0))) / 1_000
              keeper.note(event)
            }
            due = []
            seconds = last
            keeper.look()
          },
        }
      },
    }
  }
}

const whole = (from: number) => [asks(from), takes(from + 4), starts(from + 5), ends(from + 9)]
const halted = (from: number) => [asks(from), takes(from + 4), starts(from + 5), aborts(from + 9)]

interface AtDesk {
  readonly name: string
  readonly begin: (desk: MachineDesk) => void
  readonly end: (desk: MachineDesk) => void
}

/** A condition of machines that ask for their configuration. */
function atDesk({ name, begin, end }: AtDesk): () => Condition {
  return () => {
    let due: ((desk: MachineDesk) => void) | undefined
    let isOver = false
    return {
      name,
      begin: () => void (due = begin),
      end: () => {
        isOver = true
        due = end
      },
      start: ({ journal, alerts }) => {
        // Who has asked asks again; a day later nobody does any more.
        const now = () => new Date(Date.parse('2026-11-27T08:00:00Z') + (isOver ? 48 * hour * 1_000 : 0))
        const desk = createDesk({
          journal,
          alerts,
          renderer: fakeRenderer(),
          way: () => 'plain',
          boots: () => [],
          nodes: () => [],
          cardAt: async () => undefined,
          now,
        })
        return {
          look: () => {
            due?.(desk)
            due = undefined
            desk.look()
          },
          die: () => desk[Symbol.dispose](),
        }
      },
    }
  }
}

const order = { name: 'worker-2', role: 'worker', labels: {}, patches: [] } as const

function approve(desk: MachineDesk): void {
  const answer = desk.ask(question())
  if (answer.kind === 'refuse') throw new Error(answer.text)
  desk.approve({ id: answer.id, code: answer.code, order, by: 'admin' })
}

export const machineConditions = {
  'netboot.changed': 'told of as the other kinds, by the same look: test/operations/netboot/keeper.test.ts',
  'netboot.loop': boots({
    events: [...whole(0), ...whole(900), ...whole(1_800)],
    until: 1_900,
    over: { until: 4 * hour },
  }),
  'netboot.stopped': boots({
    events: [...halted(0), ...halted(300)],
    until: 500,
    over: { events: whole(600), until: 900 },
  }),
  'netboot.unsure': 'it is about a daemon that ended: test/operations/netboot/keeper-ending.test.ts',
  'netboot.shared-port': 'who has a port is asked of the system: test/services/proxy-dhcp/sharing.test.ts',
  'provision.again': 'told of as the other kinds, by the same look: test/operations/provision/contract.test.ts',
  'provision.others': atDesk({
    name: 'all',
    begin: (desk) => {
      for (let n = 0; n < 9; n++) desk.ask(stranger(n))
    },
    end: () => {},
  }),
  'provision.pending': atDesk({ name: uuid, begin: (desk) => void desk.ask(question()), end: () => {} }),
  'provision.rival': atDesk({
    name: uuid,
    begin: (desk) => {
      approve(desk)
      desk.ask(question({ address: '192.168.0.99' }))
    },
    end: (desk) => desk.forget(uuid),
  }),
  'provision.trouble': atDesk({
    name: uuid,
    begin: (desk) => {
      approve(desk)
      desk.trouble(uuid, 'its disk is too small')
    },
    end: (desk) => desk.forget(uuid),
  }),
} as const
