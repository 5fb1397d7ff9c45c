import { execFile, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { MetricSpec, Sample } from '../../../src/core/metrics/metric.ts'
import { allMetrics } from '../../../src/core/metrics/table.ts'
import { createWebDoor } from '../../../src/operations/web.ts'
import { createExposition } from '../../../src/services/metrics/exposition.ts'
import metrics from '../../../src/services/metrics/service.ts'
import { section } from '../../../src/services/metrics/section.ts'
import { fakeHomelab } from '../../fakes/homelab.ts'
import { lacks } from '../../lab/needs.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { withTables } from '../../metrics-page.ts'
import { linesOf, scraped } from './scraped.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8')

/** A homelab of which there is everything to tell. */
async function busy() {
  const it = scraped()
  await it.it.run('watch-releases')
  await it.it.reads({ status: ['OL', 'CHRG'], charge: 100, runtime: 3_480_000, load: 18 })
  await it.it.run('upgrade-node')
  await it.it.reads({ status: ['OB'], charge: 90, runtime: 900_000 })
  it.meter.observe('caretaker_factory_request_duration_seconds', { request: 'versions', outcome: 'ok' }, 0.2)
  it.meter.count('caretaker_api_requests_total', { method: 'GET', code: '200' })
  it.meter.count('caretaker_notifications_total', { channel: 'phone', outcome: 'sent' })
  it.meter.set('caretaker_credentials_expiry_timestamp_seconds', { credentials: 'kubeconfig' }, 1_800_000_000)
  return it
}

/** The family that a line belongs to. */
function familyOf(name: string): readonly [string, MetricSpec] {
  const whole = allMetrics.get(name)
  if (whole) return [name, whole]
  const family = name.replace(/_(bucket|sum|count)$/, '')
  return [family, allMetrics.get(family)!]
}

describe('what is scraped', () => {
  test('stands in the table, with just these labels, and once', async () => {
    const lines = linesOf(await (await busy()).text())
    expect(lines.length).toBeGreaterThan(150)
    const seen = new Set<string>()
    for (const { name, labels } of lines) {
      const [family, spec] = familyOf(name)
      const known = Object.keys(spec?.labels ?? {})
      const own = Object.keys(labels).filter((label) => label !== 'le')
      expect({ family, labels: own }).toEqual({ family, labels: known })
      const key = `${name} ${JSON.stringify(labels)}`
      expect(seen).not.toContain(key)
      seen.add(key)
    }
  })

  test('tells of nodes, releases, the power and what has run', async () => {
    const lines = linesOf(await (await busy()).text())
    const value = (name: string, labels: Record<string, string> = {}) =>
      lines.find(
        (line) => line.name === name && Object.entries(labels).every(([label, text]) => line.labels[label] === text),
      )?.value
    expect(value('caretaker_nodes', { role: 'worker' })).toBe(2)
    expect(value('caretaker_node_healthy', { node: 'cp-1' })).toBe(1)
    expect(value('caretaker_ups_state', { ups: 'ups', state: 'on-battery' })).toBe(1)
    expect(value('caretaker_ups_battery_charge_ratio')).toBe(0.9)
    expect(value('caretaker_shutdown_needed_seconds')).toBeGreaterThan(0)
    expect(value('caretaker_job_runs_total', { job: 'watch-releases' })).toBe(1)
    expect(value('caretaker_job_duration_seconds_count', { job: 'upgrade-node' })).toBe(1)
    expect(value('caretaker_events_total', { event: 'power.on-battery' })).toBe(1)
    expect(value('caretaker_rollout_state', { state: 'waiting' })).toBe(1)
    expect(value('caretaker_rollout_waiting', { gate: 'release' })).toBe(1)
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(1_000_000)
  })

  test('asks no node, no UPS, no Factory and no cluster', async () => {
    const homelab = fakeHomelab({ 'cp-1': 'controlplane' })
    const it = scraped(homelab)
    await it.it.agent.observe(new AbortController().signal)
    // Long ago.
    it.it.passes(3_600_000)
    const asked: string[] = []
    const watched = <T extends object>(name: string, port: T): T =>
      new Proxy(port, {
        get: (target, call) => {
          const found: unknown = Reflect.get(target, call)
          if (typeof found === 'function') asked.push(`${name}.${String(call)}`)
          return found
        },
      })
    const ports = it.context.ports as unknown as Record<string, object>
    for (const name of ['talos', 'kubernetes', 'factory']) ports[name] = watched(name, ports[name]!)
    for (const [label, ups] of homelab.ports.upses) {
      const upses = homelab.ports.upses as Map<string, typeof ups>
      upses.set(label, watched(`upses.${label}`, ups))
    }
    expect(linesOf(await it.text()).some(({ name }) => name === 'caretaker_node_info')).toBe(true)
    expect(asked.filter((call) => !call.endsWith('.driver'))).toEqual([])
  })

  test('has hostile names as text, in one line', async () => {
    const hostile = 'w"1\\\n} 7\n# EOF\ncaretaker_up 1'
    const sample = { family: 'caretaker_node_healthy', labels: { node: hostile }, value: 1 }
    for (const format of ['text', 'openMetrics'] as const) {
      const lines = linesOf((await createExposition()([sample], allMetrics, format)).text)
      expect(lines).toEqual([
        { name: 'caretaker_node_healthy', labels: { node: 'w\\"1\\\\\\n} 7\\n# EOF\\ncaretaker_up 1' }, value: 1 },
      ])
    }
  })

  test('is OpenMetrics where that is asked for, and text otherwise', async () => {
    const it = await busy()
    const open = await it.answer({ accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' })
    expect(open.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    const text = await open.text()
    expect(text.endsWith('\n# EOF\n')).toBe(true)
    expect(text).toContain('# TYPE caretaker_job_runs counter\n')
    expect(text).toContain('caretaker_job_runs_total{job="upgrade-node"')
    const plain = await it.answer()
    expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await plain.text()).toContain('# TYPE caretaker_job_runs_total counter\n')
  })

  test('is only read', async () => {
    const it = scraped()
    expect((await it.answer({}, 'POST')).status).toBe(405)
    expect(await (await it.answer({}, 'HEAD')).text()).toBe('')
  })
})

describe('the service', () => {
  const start = (settings: object) => {
    const web = createWebDoor()
    const context = { ...scraped().context, section: section.parse(settings), web, publicUrl: () => undefined }
    return { web, service: metrics.start(context as never) }
  }

  test('serves at /metrics to whoever may read, until it ends', async () => {
    const { web, service } = start({})
    const running = await service
    const part = web.at('/metrics')!
    expect(part.access).toBe('read')
    const answer = await part.answer({ request: new Request('http://127.0.0.1/metrics'), caller: undefined })
    expect(linesOf(await answer.text()).length).toBeGreaterThan(50)
    await running[Symbol.asyncDispose]()
    expect(web.at('/metrics')).toBeUndefined()
  })

  test('serves nothing where it is switched off', async () => {
    const { web, service } = start({ enabled: false })
    await using running = await service
    expect(running.status?.()).toBe('off')
    expect(web.at('/metrics')).toBeUndefined()
  })
})

describe('what is shipped beside it', () => {
  const files = ['config/observability/alerts.yml', 'config/observability/grafana-dashboard.json', 'docs/metrics.md']

  test('the page lists every metric as it is', () => {
    expect(read('docs/metrics.md')).toBe(withTables(read('docs/metrics.md')))
  })

  test.each(files)('%s names no metric that there is not', (file) => {
    const named = [...read(file).matchAll(/\b(?:caretaker|process|nodejs)_[a-z_]+\b/g)].map(([name]) => name)
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter((name) => familyOf(name)[1] === undefined)).toEqual([])
  })

  test('every alert is played by promtool', () => {
    const alerts = [...read(files[0]!).matchAll(/- alert: (\w+)/g)].map(([, name]) => name)
    const played = read('test/services/metrics/alerts.test.yml').split(/alertname: /)
    for (const alert of alerts)
      expect(played.some((part) => part.startsWith(`${alert}\n`) && part.includes('exp_alerts'))).toBe(true)
  })

  test('the dashboard is one that Grafana imports: a datasource of its own choice, no panel over another', () => {
    const { id, uid, schemaVersion, panels, templating } = JSON.parse(read(files[1]!)) as Dashboard
    expect({ id, uid, schemaVersion }).toEqual({ id: null, uid: 'caretaker', schemaVersion: 39 })
    expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'instance'])
    expect(new Set(panels.map((panel) => panel.id)).size).toBe(panels.length)
    const uids = [...read(files[1]!).matchAll(/"uid": "([^"]*)"/g)].map(([, own]) => own)
    expect(new Set(uids)).toEqual(new Set(['${datasource}', '-- Grafana --', 'caretaker']))
    const taken = new Set<string>()
    for (const { title, type, gridPos: at, datasource, targets = [] } of panels) {
      expect(at.x + at.w).toBeLessThanOrEqual(24)
      expect({ title, uid: datasource?.uid ?? type }).toEqual({ title, uid: type === 'row' ? 'row' : '${datasource}' })
      for (const target of targets) expect(target.datasource.uid).toBe('${datasource}')
      for (let x = at.x; x < at.x + at.w; x += 1)
        for (let y = at.y; y < at.y + at.h; y += 1) {
          expect(taken).not.toContain(`${x} ${y}`)
          taken.add(`${x} ${y}`)
        }
    }
  })
})

interface Dashboard {
  readonly id: number | null
  readonly uid: string
  readonly schemaVersion: number
  readonly templating: { readonly list: readonly { readonly name: string }[] }
  readonly panels: readonly {
    readonly id: number
    readonly type: string
    readonly title: string
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
    readonly datasource?: { readonly uid: string }
    readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
  }[]
}

const hasPromtool = spawnSync('promtool', ['--version']).status === 0

describe.skipIf(lacks(hasPromtool ? undefined : 'promtool is missing: apt-get install prometheus'))('promtool', () => {
  test('finds nothing to say against the metrics', async () => {
    const text = await (await busy()).text()
    expect(await promtool(['check', 'metrics'], text)).toEqual({ code: 0, said: '' })
    // It is one that says something.
    const bad = await promtool(['check', 'metrics'], '# TYPE a_total gauge\na_total 1\n')
    expect(bad.code).toBe(3)
  })

  test('takes the rules, and each alert fires when it should and not before', async () => {
    const rules = `${root}/config/observability/alerts.yml`
    expect((await promtool(['check', 'rules', '--lint-fatal', rules])).code).toBe(0)
    const played = read('test/services/metrics/alerts.test.yml').replace('ALERTS', rules)
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'alerts.test.yml')
    writeFileSync(file, played)
    const { code, said } = await promtool(['test', 'rules', file])
    expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('SUCCESS') })
  })
})

function promtool(args: readonly string[], input = ''): Promise<{ readonly code: number; readonly said: string }> {
  return new Promise((resolve) => {
    const child = execFile('promtool', args, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, said: stdout + stderr }),
    )
    child.stdin?.end(input)
  })
}

describe('what says the same as in the scrape before is not written anew', () => {
  const table = new Map<string, MetricSpec>([
    ['caretaker_up', { type: 'gauge', help: 'Up', labels: { node: 'Its name' } } as unknown as MetricSpec],
    ['caretaker_seen', { type: 'counter', help: 'Seen', labels: { node: 'Its name' } } as unknown as MetricSpec],
  ])
  const up = (node: string, value: number, more: Record<string, string> = {}): Sample => ({
    family: 'caretaker_up',
    labels: { node, ...more },
    value,
  })
  const seen: Sample = { family: 'caretaker_seen', labels: { node: 'w-1' }, value: 3 }

  test.each<{ name: string; samples: readonly Sample[] }>([
    { name: 'the same', samples: [up('w-1', 1), up('w-2', 0), seen] },
    { name: 'another value', samples: [up('w-1', 1), up('w-2', 1), seen] },
    { name: 'no number', samples: [up('w-1', 1), up('w-2', NaN), seen] },
    { name: 'another name', samples: [up('w-1', 1), up('w-3', 0), seen] },
    { name: 'a label more', samples: [up('w-1', 1), up('w-2', 0, { zone: 'a' }), seen] },
    { name: 'another label', samples: [up('w-1', 1), { ...up('w-2', 0), labels: { host: 'w-2' } }, seen] },
    { name: 'a sample more', samples: [up('w-1', 1), up('w-2', 0), up('w-3', 0), seen] },
    { name: 'a sample less', samples: [up('w-1', 1), seen] },
    { name: 'another order', samples: [up('w-2', 0), up('w-1', 1), seen] },
    { name: 'a series of its own', samples: [up('w-1', 1), { ...up('w-2', 0), series: '_sum' }, seen] },
    { name: 'a family less', samples: [seen] },
    { name: 'nothing', samples: [] },
  ])('and $name afterwards is written as by a first scrape', async ({ samples }) => {
    for (const format of ['text', 'openMetrics'] as const) {
      const expose = createExposition()
      await expose([up('w-1', 1), up('w-2', 0), seen], table, format)
      expect((await expose(samples, table, format)).text).toBe((await createExposition()(samples, table, format)).text)
    }
  })

  test('and each format has a text of its own', async () => {
    const expose = createExposition()
    const { text } = await expose([up('w-1', 1), seen], table, 'text')
    const { text: open } = await expose([up('w-1', 1), seen], table, 'openMetrics')
    expect(text).toBe(
      '# HELP caretaker_up Up\n# TYPE caretaker_up gauge\ncaretaker_up{node="w-1"} 1\n\n# HELP caretaker_seen Seen\n# TYPE caretaker_seen counter\ncaretaker_seen{node="w-1"} 3\n',
    )
    expect(open).toBe(
      '# HELP caretaker_up Up\n# TYPE caretaker_up gauge\ncaretaker_up{node="w-1"} 1\n# HELP caretaker_seen Seen\n# TYPE caretaker_seen counter\ncaretaker_seen_total{node="w-1"} 3\n# EOF\n',
    )
  })
})
