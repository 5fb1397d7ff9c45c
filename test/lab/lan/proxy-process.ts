// The service proxy-dhcp by itself, on the ports of DHCP: for a machine of a lab's network. Its first argument is JSON: the
// sections of the configuration. It prints what it has seen, one event a line, after `ready`; that it is to be started anew; and for
// each line on its input its status, its memory in bytes, and how many events it has told in all.
import process from 'node:process'
import { parseConfig } from '../../../src/config/config.ts'
import { createMeter } from '../../../src/core/metrics/meter.ts'
import type { BootEvent } from '../../../src/core/netboot/dhcp-event.ts'
import { createAlerts } from '../../../src/operations/alerts.ts'
import { section } from '../../../src/services/proxy-dhcp/section.ts'
import { startProxy } from '../../../src/services/proxy-dhcp/work.ts'
import { memoryJournal } from '../../fakes/journal.ts'
import { silentLog } from '../../fakes/log.ts'

const given = JSON.parse(process.argv[2] ?? '{}') as Readonly<Record<string, unknown>>
const own = section.parse(given['proxyDhcp'])!
const journal = memoryJournal()
const alerts = createAlerts(journal, () => new Date())
const say = (what: unknown) => void process.stdout.write(`${JSON.stringify(what)}\n`)
let told = 0
alerts.subscribe(({ id, text }) => say({ alert: id, text }))
try {
  const config = parseConfig('schematic: homelab\nshare: { directory: share }', 'lab.yaml')
  const proxy = await startProxy({
    section: own,
    config: () => ({ ...config, ...given }),
    ports: { journal } as never,
    onEvent: () => {},
    alerts,
    log: silentLog,
    signal: new AbortController().signal,
    notice: {
      boot: (event: BootEvent) => {
        told += 1
        // A flood is counted and not printed.
        if (told <= 200) say(event)
      },
    } as never,
    now: () => new Date(),
    monotonic: () => performance.now(),
    meter: createMeter(),
    restart: () => say('restart'),
  })
  process.stdin.on('data', () => say({ status: proxy.status?.(), memory: process.memoryUsage.rss(), told }))
  say('ready')
} catch (error) {
  say({ refused: error instanceof Error ? error.message : 'unknown' })
  process.exitCode = 1
}
