import { onTestFinished } from 'vitest'
import { createNotifierDoor } from '../../../src/operations/notification-requests.ts'
import type { Files, ServiceContext } from '../../../src/operations/service.ts'
import { type NotificationsSection, section as schema } from '../../../src/services/notifications/section.ts'
import { startNotifications } from '../../../src/services/notifications/work.ts'
import { type StartedAgent, startAgent } from '../../fakes/agent.ts'
import { type FakeHomelab, fakeHomelab } from '../../fakes/homelab.ts'
import { silentLog } from '../../fakes/log.ts'
import { createMeter } from '../../../src/core/metrics/meter.ts'
import { operatorOf } from '../../fakes/person.ts'

/** What buttons are signed with. */
export const key = new Uint8Array(32).fill(7)

export interface NotifierOptions {
  readonly homelab?: FakeHomelab
  readonly it?: StartedAgent
  readonly settings: object
  readonly publicUrl?: string
  /** What each file of secrets says. */
  readonly secret?: (file: string) => string
}

/** The service on a fake homelab, until it is disposed of. */
export async function notifier({
  homelab = fakeHomelab({ 'cp-1': 'controlplane' }),
  it = startAgent(homelab),
  settings,
  publicUrl,
  secret = () => 'the token',
}: NotifierOptions) {
  const section: NotificationsSection = schema.parse(settings)
  const end = new AbortController()
  const door = createNotifierDoor()
  const { agent, config } = it
  const context = {
    section,
    config: () => config,
    files: {
      readSecret: async (source) => secret('file' in source ? source.file : source.env),
    } satisfies Partial<Files>,
    ports: homelab.ports,
    alerts: agent.alerts,
    operator: operatorOf(homelab, it),
    key: async () => key,
    publicUrl: () => publicUrl,
    notifyThrough: door.open,
    log: silentLog,
    meter: createMeter(),
    signal: end.signal,
    now: () => new Date(),
    monotonic: () => performance.now(),
    onEvent: (listener: Parameters<typeof agent.onEvent>[0]) => {
      const subscription = agent.onEvent(listener)
      end.signal.addEventListener('abort', () => subscription[Symbol.dispose]())
    },
  } as unknown as ServiceContext<NotificationsSection>
  const service = await startNotifications(context)
  let isOver = false
  const stop = async () => {
    if (isOver) return
    isOver = true
    end.abort()
    await service[Symbol.asyncDispose]()
  }
  onTestFinished(stop)
  return { homelab, it, alerts: agent.alerts, journal: homelab.ports.journal, service, door, stop }
}
