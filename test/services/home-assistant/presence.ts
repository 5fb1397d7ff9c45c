import { onTestFinished } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import { createMeter } from '../../../src/core/metrics/meter.ts'
import type { Operator } from '../../../src/core/operator.ts'
import type { ServiceContext } from '../../../src/operations/service.ts'
import { type HomeAssistantSection, section as schema } from '../../../src/services/home-assistant/section.ts'
import { type HomeAssistantLimits, startHomeAssistant } from '../../../src/services/home-assistant/work.ts'
import { type StartedAgent, startAgent } from '../../fakes/agent.ts'
import { type FakeHomelab, fakeHomelab } from '../../fakes/homelab.ts'
import { silentLog } from '../../fakes/log.ts'
import { operatorOf } from '../../fakes/person.ts'

export interface PresenceOptions {
  readonly settings: Readonly<Record<string, unknown>>
  readonly homelab?: FakeHomelab
  readonly it?: StartedAgent
  /** What each file of secrets says; undefined: it is not there. */
  readonly file?: (name: string) => string | undefined
  readonly limits?: Partial<HomeAssistantLimits>
  readonly operator?: (own: Operator) => Operator
}

/** In ms: short, and far from each other. */
const short: Partial<HomeAssistantLimits> = {
  retainedWithin: 100,
  birthSpread: 1,
  looksEvery: 50,
  looksOftenEvery: 50,
  retriesAfter: 20,
  retriesAtMost: 100,
}

let count = 0

/** The service on a fake homelab, until it is disposed of. */
export async function presence({
  settings,
  homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker' }),
  it = startAgent(homelab),
  file = () => undefined,
  limits = {},
  operator = (own) => own,
}: PresenceOptions) {
  const topicPrefix = (settings['topicPrefix'] as string | undefined) ?? `lab${(count += 1)}`
  const section = schema.parse({ topicPrefix, ...settings }) as HomeAssistantSection
  const own = operatorOf(homelab, it)
  // What was seen before anybody asks.
  await it.agent.observe(new AbortController().signal)
  const end = new AbortController()
  const context = {
    section,
    config: () => it.config,
    files: {
      readSecret: async (source: { readonly file: string }) => {
        const text = file(source.file)
        if (text === undefined) throw new AgentError('misconfigured', `${source.file} is not there`)
        return text
      },
    },
    ports: homelab.ports,
    alerts: it.agent.alerts,
    operator: operator(own),
    meter: createMeter(),
    publicUrl: () => undefined,
    log: silentLog,
    signal: end.signal,
    now: () => new Date(),
    monotonic: () => performance.now(),
  } as unknown as ServiceContext<HomeAssistantSection>
  const service = await startHomeAssistant(context, { ...short, ...limits })
  let isOver = false
  const stop = async () => {
    if (isOver) return
    isOver = true
    end.abort()
    await service[Symbol.asyncDispose]()
  }
  onTestFinished(stop)
  const at = (topic: string) => `${topicPrefix}/${topic}`
  return {
    homelab,
    it,
    at,
    topicPrefix,
    config: `homeassistant/device/${topicPrefix}/config`,
    status: () => service.status!()!,
    stop,
  }
}
