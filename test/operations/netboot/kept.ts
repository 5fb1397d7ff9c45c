import { parseConfig } from '../../../src/config/config.ts'
import type { BootEvent } from '../../../src/core/netboot/dhcp-event.ts'
import { createAlerts } from '../../../src/operations/alerts.ts'
import { createBootKeeper } from '../../../src/operations/netboot/keeper.ts'
import { standingOf } from '../../../src/operations/netboot/standing.ts'
import { asks, at, ends, mac, probes, starts, takes } from '../../core/netboot/seen.ts'
import { memoryJournal } from '../../fakes/journal.ts'

const controlPlane = '{ name: cp-1, role: controlplane, address: 192.168.0.2 }'

/** What is kept of machines that boot, in a homelab of two nodes. `more`: what w-1 has beside its name. */
export function open(netboot = '{}', more = '') {
  const config = parseConfig(
    `schematic: homelab
share: { directory: share }
nodes: [${controlPlane}, { name: w-1, role: worker, address: 192.168.0.21, ${more} }]
netboot: ${netboot}`,
    'test.yaml',
  )
  let seconds = 0
  const now = () => new Date(at(seconds))
  const journal = memoryJournal(now)
  const alerts = createAlerts(journal, now)
  const start = () =>
    createBootKeeper({ journal, alerts, config: () => config, now, isOwn: (one) => one === '192.168.0.10' })
  let keeper = start()
  return {
    journal,
    alerts,
    get keeper() {
      return keeper
    },
    restart: () => void (keeper = start()),
    /** Each event at its time. */
    sees: (events: readonly BootEvent[]) => {
      for (const event of events) {
        seconds = (Date.parse(event.at) - Date.parse(at(0))) / 1_000
        keeper.note(event)
      }
    },
    passes: (until: number) => {
      seconds = until
      keeper.look()
    },
    tries: () => [...keeper.machines.values()].flat(),
    standing: () => standingOf(journal, config, { mac }, now().getTime()),
  }
}

/** A boot that comes through. */
export const whole = (from: number) => [asks(from), takes(from + 4), probes(from + 5), starts(from + 5), ends(from + 9)]
/** That w-1 is the machine that these events are of. */
export const card = `mac: '${mac}'`
