import { createSupervisor, type Supervisor, type SupervisorLimits } from '../engine/supervisor.ts'
import type { QueueDoor } from '../engine/queue-door.ts'
import type { Agent } from '../agent.ts'
import { type Alerts, settleGone } from '../core/alert.ts'
import { settingsInForce } from '../config/in-force.ts'
import { findMistakes } from '../config/mistakes.ts'
import { AgentError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { BootKeeper } from '../operations/netboot/keeper.ts'
import type { Meter } from '../core/metrics/meter.ts'
import type { Operator } from '../core/operator.ts'
import type { Ports } from '../core/ports.ts'
import type { ProvisionDesk } from '../core/provision/desk.ts'
import type { RegisteredSchematic } from '../core/release/schematic.ts'
import { remembered } from '../operations/facts.ts'
import type { NotifierDoor } from '../operations/notification-requests.ts'
import type { PageSpec } from '../operations/pages.ts'
import type { AnyService, CheckContext, ServiceContext } from '../operations/service.ts'
import { createWebDoor, type WebDoor } from '../operations/web.ts'
import { sectionsOf } from './registry.ts'
import { type LiveSettings, sectionIn } from './live-settings.ts'
import { keepAuthority } from './machine-authority.ts'
import type { Settings } from './settings.ts'

/** The schematics as they are now, by whoever watches them. */
export interface KnownSchematics {
  current: ReadonlyMap<string, RegisteredSchematic>
}

/** Until they are read, those that were in force last. */
export function recallSchematics({ journal }: Pick<Ports, 'journal'>): KnownSchematics {
  return { current: new Map(Object.entries(remembered.schematics.recall(journal) ?? {})) }
}

export interface ServicesOptions {
  readonly settings: LiveSettings
  readonly ports: Ports
  readonly agent: Agent
  readonly queue: QueueDoor
  readonly schematics: KnownSchematics
  readonly alerts: Alerts
  readonly operator: Operator
  readonly desk: ProvisionDesk
  readonly notifier: NotifierDoor
  /** Keys of our own, by name. */
  readonly key: (name: string) => Promise<Uint8Array>
  readonly log: Logger
  /** Who keeps what machines do that boot from the network. */
  readonly boots?: Pick<BootKeeper, 'note' | 'noteEnding'>
  readonly machines: ServiceContext['notice']['machines']
  readonly meter: Meter
  readonly limits?: Partial<SupervisorLimits>
}

/** Every service of src/services, each with what it may use, kept running. */
export function createServices(options: ServicesOptions): Supervisor {
  const { settings, agent, alerts, log } = options
  const { services } = settings
  const web = createWebDoor()
  const supervisor: Supervisor = createSupervisor<AnyService>({
    services,
    start: (service, signal) =>
      service.start({
        ...contextOf(service, { ...options, web }, signal),
        restart: () => supervisor.restart(service.name),
      }),
    alerts,
    log,
    now: agent.now,
    stopBeside: agent.stop,
    stillRunning: () => agent.running,
    ...(options.limits ? { limits: options.limits } : {}),
  })
  // Services that are gone have no alerts.
  settleGone(alerts, { service: services.map(({ name }) => name) })
  settings.onSections((names) => {
    for (const name of names) supervisor.restart(name)
  })
  return supervisor
}

/**
 * On a first start, faults are reported before anything is started.
 *
 * @throws AgentError `misconfigured`, with every fault
 */
export async function checkServices(settings: Settings): Promise<void> {
  if (settings.hasRun) return
  const mistakes = findMistakes(settings.config, new Date()).filter(({ severity }) => severity === 'error')
  const faults = (await faultsOfServices(settings)).filter(({ severity }) => severity !== 'warning')
  const texts = [...mistakes.map(({ path, text }) => `${path.join('.')}: ${text}`), ...faults.map(({ why }) => why)]
  if (texts.length > 0) throw new AgentError('misconfigured', texts.join('\n'))
}

/** What services find wrong with the configuration and what it names. */
export async function faultsOfServices(settings: Settings) {
  const checks = settings.services.map(
    async (service) => (await service.check?.(checkContextOf(service, settings))) ?? [],
  )
  return (await Promise.all(checks)).flat()
}

function checkContextOf(service: AnyService, settings: Settings): CheckContext<unknown> {
  return { section: sectionIn(settings.config, service), config: () => settings.config, files: settings }
}

function contextOf(
  service: AnyService,
  {
    settings,
    ports,
    agent,
    queue,
    schematics,
    alerts,
    operator,
    desk,
    notifier,
    web,
    key,
    log,
    boots = { note: () => {}, noteEnding: () => {} },
    machines,
    meter,
  }: ServicesOptions & { readonly web: WebDoor },
  signal: AbortSignal,
): Omit<ServiceContext<unknown>, 'restart'> {
  return {
    ...checkContextOf(service, settings),
    ports,
    alerts,
    log: log.child({ service: service.name }),
    signal,
    power: agent.guard.power,
    operator,
    provision: desk,
    key,
    authority: (host) => keepAuthority(settings.state, host),
    publicUrl: () => publicUrlIn(settings.config),
    notifyThrough: notifier.open,
    web,
    pages: pagesOf(settings.services),
    settings: () => ({
      file: settings.file,
      settings: settingsInForce(settings.text, sectionsOf(settings.services)),
    }),
    meter,
    jobs: { all: agent.jobs, run: agent.runJob, queueThrough: queue.open },
    notice: {
      ups: agent.guard.notice,
      node: agent.noticeNode,
      boot: boots.note,
      bootEnding: boots.noteEnding,
      machines,
      schematics: async (all, changed = []) => {
        schematics.current = new Map(all)
        for (const schematic of changed) await agent.emit({ type: 'schematic.changed', schematic })
      },
    },
    now: agent.now,
    monotonic: agent.monotonic,
    emit: agent.emit,
    onEvent: (listener) => {
      const subscription = agent.onEvent(listener)
      if (signal.aborted) subscription[Symbol.dispose]()
      signal.addEventListener('abort', () => subscription[Symbol.dispose](), { once: true })
    },
  }
}

/** The pages of services, in their order. */
function pagesOf(services: readonly AnyService[]): readonly PageSpec[] {
  return services.flatMap(({ pages = [] }) => pages).toSorted((one, other) => one.order - other.order)
}

/** The API's own section says where people reach it: buttons of messages lead there. */
function publicUrlIn(config: Settings['config']): string | undefined {
  const { api } = config as { readonly api?: { readonly url?: string } }
  return api?.url
}
