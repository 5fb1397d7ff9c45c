import { readdir } from 'node:fs/promises'
import type { Sample } from '../../core/metrics/metric.ts'
import { readProcess } from '../../core/metrics/process-metrics.ts'
import { readFacts } from '../../core/metrics/table.ts'
import { gatherFacts } from '../../operations/known-facts.ts'
import type { ServiceContext } from '../../operations/service.ts'

export type GatherContext = Pick<ServiceContext<unknown>, 'operator' | 'ports' | 'alerts' | 'config' | 'meter' | 'now'>

/** Everything that is known and was counted. Asks no node, no UPS and no Factory. */
export async function gatherSamples(context: GatherContext): Promise<readonly Sample[]> {
  const facts = await gatherFacts(context)
  return [...readFacts(facts), ...context.meter.read(), ...readProcess(await processFacts())]
}

async function processFacts() {
  const { rss, heapUsed, heapTotal } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  const openFiles = await readdir('/proc/self/fd').then(
    ({ length }) => length,
    () => undefined,
  )
  const cpu = (user + system) / 1_000_000
  return { startedAt: performance.timeOrigin / 1_000, cpu, resident: rss, heapUsed, heapTotal, openFiles }
}
