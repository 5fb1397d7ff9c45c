// A service by itself, on its own ports: for a machine of a lab's network. Its first argument is JSON: the sections of the
// configuration, of which the first one that is a service's is started. It prints what it has seen, one event a line, after
// `ready`; that it is to be started anew; and for each line on its input its status, its memory in bytes, and how many events it has
// told in all.
import { tmpdir } from 'node:os'
import process from 'node:process'
import { parseConfig } from '../../../src/config/config.ts'
import { createMeter } from '../../../src/core/metrics/meter.ts'
import type { BootEvent } from '../../../src/core/netboot/dhcp-event.ts'
import type { RunningService } from '../../../src/core/service.ts'
import { createAlerts } from '../../../src/operations/alerts.ts'
import { section as bootFiles } from '../../../src/services/boot-files/section.ts'
import { startBootFiles } from '../../../src/services/boot-files/work.ts'
import { section as proxyDhcp } from '../../../src/services/proxy-dhcp/section.ts'
import { startProxy } from '../../../src/services/proxy-dhcp/work.ts'
import { memoryJournal } from '../../fakes/journal.ts'
import { silentLog } from '../../fakes/log.ts'

const given = JSON.parse(process.argv[2] ?? '{}') as Readonly<Record<string, unknown>>
const journal = memoryJournal()
const alerts = createAlerts(journal, () => new Date())
const say = (what: unknown) => void process.stdout.write(`${JSON.stringify(what)}\n`)
let told = 0
alerts.subscribe(({ id, text }) => say({ alert: id, text }))

function context() {
  const config = parseConfig('schematic: homelab\nshare: { directory: share }', 'lab.yaml')
  return {
    config: () => ({ ...config, ...given }),
    files: { path: (name: string) => name, state: tmpdir() } as never,
    ports: { journal, share: { names: async () => [] } } as never,
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
      bootEnding: () => {},
    } as never,
    now: () => new Date(),
    monotonic: () => performance.now(),
    meter: createMeter(),
    restart: () => say('restart'),
  }
}

function start(): Promise<RunningService> {
  const proxy = proxyDhcp.parse(given['proxyDhcp'])
  if (proxy) return startProxy({ ...context(), section: proxy })
  const program = new URL('../../../src/services/boot-files/child.ts', import.meta.url)
  const section = bootFiles.parse(given['bootFiles'])
  return startBootFiles({ ...context(), section } as never, { program, looksEvery: 50 })
}

try {
  const service = await start()
  process.stdin.on('data', () => say({ status: service.status?.(), memory: process.memoryUsage.rss(), told }))
  say('ready')
} catch (error) {
  say({ refused: error instanceof Error ? error.message : 'unknown' })
  process.exitCode = 1
}
