import { createMeter } from '../../../src/core/metrics/meter.ts'
import { createScraping } from '../../../src/services/metrics/scrape.ts'
import type { GatherContext } from '../../../src/services/metrics/gather.ts'
import { type StartOptions, startAgent } from '../../fakes/agent.ts'
import { type FakeHomelab, fakeHomelab } from '../../fakes/homelab.ts'
import { operatorOf } from '../../fakes/person.ts'

/** The metrics of an agent on a fake homelab. */
export function scraped(homelab: FakeHomelab = usual(), options: StartOptions = {}) {
  const meter = createMeter()
  const it = startAgent(homelab, { ...options, meter })
  const context: GatherContext = {
    operator: operatorOf(homelab, it),
    ports: homelab.ports,
    alerts: it.agent.alerts,
    config: () => it.config,
    meter,
    now: options.now ?? (() => new Date()),
  }
  const scrape = createScraping(context)
  const answer = (headers: Record<string, string> = {}, method = 'GET') =>
    scrape(new Request('http://127.0.0.1/metrics', { method, headers }))
  return {
    homelab,
    it,
    meter,
    context,
    answer,
    text: async (headers?: Record<string, string>) => (await answer(headers)).text(),
  }
}

function usual(): FakeHomelab {
  return fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker', 'w-2': 'worker' })
}

/** One line of the format, in its parts. */
export interface Line {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export function linesOf(text: string): readonly Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', inner = '', value = ''] = /^([a-z_:0-9]+)(?:\{(.*)\})? (\S+)$/i.exec(line) ?? []
      if (name === '') throw new Error(`not a line of Prometheus' format: ${line}`)
      const labels = [...inner.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label!, text!])
      return { name, labels: Object.fromEntries(labels), value: value === '+Inf' ? Infinity : Number(value) }
    })
}
