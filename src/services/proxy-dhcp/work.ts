import { networkInterfaces } from 'node:os'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { BootEvent } from '../../core/netboot/dhcp-event.ts'
import { choosePlaces, type Interfaces, type Place, type Places } from '../../core/netboot/places.ts'
import type { RunningService } from '../../core/service.ts'
import type { ServiceContext } from '../../operations/service.ts'
import { describeListenFault, type ListenFault } from './check.ts'
import { followPlaces } from '../../operations/netboot/followed-places.ts'
import { watchPresentNames } from '../../operations/netboot/present-names.ts'
import { createKnownCards } from './known-cards.ts'
import { createGate, type ProxyLimits, proxyLimits } from './limits.ts'
import { type Reply, respond, type ResponderMeans } from './responder.ts'
import type { ProxyDhcpSection } from './section.ts'
import { followSharing } from './sharing.ts'
import { type Heard, openSockets, type ProxyPorts, usualPorts } from './sockets.ts'

/** What differs in a test. */
export interface ProxyMeans {
  readonly ports?: ProxyPorts
  readonly limits?: ProxyLimits
  readonly interfaces?: () => Interfaces
  /** Between two looks at the addresses of this machine, and at who shares its port, in ms. */
  readonly looksEvery?: number
  readonly sharedEvery?: number
}

type Context = Pick<
  ServiceContext<ProxyDhcpSection>,
  | 'section'
  | 'config'
  | 'ports'
  | 'log'
  | 'signal'
  | 'notice'
  | 'now'
  | 'monotonic'
  | 'alerts'
  | 'meter'
  | 'onEvent'
  | 'restart'
>

/** In ms: one line of the log, however often a network refuses. */
const toldEvery = 60_000

/**
 * Answers machines that boot from the network until it is disposed of.
 *
 * @throws AgentError `misconfigured` where what is named is not there, or can't be listened on
 */
export async function startProxy(context: Context, means: ProxyMeans = {}): Promise<RunningService> {
  const { section, alerts, log, signal, meter } = context
  const { ports = usualPorts, limits = proxyLimits, interfaces = networkInterfaces } = means
  const { looksEvery, sharedEvery } = means
  const look = () => usablePlaces(section, interfaces())
  const { places, missing } = look()
  if (places.length === 0) throw new AgentError('misconfigured', `proxyDhcp.listen: ${missing.join('; ')}`)
  for (const why of missing) log.warn({ reason: why }, 'machines are not answered there')
  const names = watchPresentNames(context)
  const counts = { answered: 0, refused: undefined as string | undefined }
  const responder: ResponderMeans = {
    section,
    config: context.config,
    journal: context.ports.journal,
    places,
    names: () => names.all,
    ports,
    gate: createGate(limits, context.monotonic),
    now: context.now,
    cards: createKnownCards(context.config, context.ports.journal, context.monotonic),
    notice: (event) => {
      meterAsked(meter, event)
      context.notice.boot(event)
    },
    dropped: () => meter.count('caretaker_boot_requests_dropped_total', { door: 'dhcp' }),
  }
  const waiting = new Set<NodeJS.Timeout>()
  const tell = createTeller(context)

  const sockets = await openSockets(places, hear, (error) => tell(messageOf(error)), ports).catch(
    async (error: ListenFault) => {
      throw new AgentError('misconfigured', (await describeListenFault(error, ports)).why, error)
    },
  )

  function hear(heard: Heard): void {
    try {
      for (const reply of respond(heard, responder)) later(reply)
    } catch (error) {
      log.error({ err: error }, 'a message was not answered')
    }
  }

  function later(reply: Reply): void {
    if (reply.delay === 0) return void send(reply)
    const timer = setTimeout(() => {
      waiting.delete(timer)
      void send(reply)
    }, reply.delay)
    waiting.add(timer)
  }

  async function send({ packet, from, to }: Reply): Promise<void> {
    if (signal.aborted) return
    try {
      await sockets.send(packet, from, to)
      counts.answered += 1
      counts.refused = undefined
    } catch (error) {
      counts.refused = `${to.address} is not reached from ${from.place.address}: ${messageOf(error)}`
      tell(counts.refused)
    }
  }

  const sharing = await followSharing(alerts, ports.server, sharedEvery)
  const following = followPlaces(places, look, context.restart, looksEvery)
  return {
    status: () =>
      [describePlaces(places), ...following.missing, ...(counts.refused === undefined ? [] : [counts.refused])].join(
        '; ',
      ),
    [Symbol.asyncDispose]: async () => {
      following[Symbol.dispose]()
      sharing[Symbol.dispose]()
      for (const timer of waiting) clearTimeout(timer)
      names[Symbol.dispose]()
      await sockets[Symbol.asyncDispose]()
    },
  }
}

function meterAsked(meter: Context['meter'], event: BootEvent): void {
  if (event.type !== 'boot.asked') return
  const answer = event.file === undefined ? 'left-alone' : 'offered'
  meter.count('caretaker_boot_requests_total', { kind: event.machine.kind, answer })
}

/** The IPv4 addresses that are meant; what leads to none is told with the others. */
function usablePlaces({ listen }: ProxyDhcpSection, interfaces: Interfaces): Places {
  const { places, missing } = choosePlaces(listen, interfaces)
  const usable = places.filter(({ family }) => family === 'IPv4')
  const others = places.filter(({ family }) => family !== 'IPv4')
  return {
    places: usable,
    missing: [...missing, ...others.map(({ address }) => `${address} is no IPv4 address, and DHCP has no other`)],
  }
}

function describePlaces(places: readonly Place[]): string {
  return `answers machines on ${places.map(({ on, address }) => `${on} (${address})`).join(', ')}`
}

function createTeller({ log, monotonic }: Context): (why: string) => void {
  let toldAt = -Infinity
  return (why) => {
    if (monotonic() - toldAt < toldEvery) return
    toldAt = monotonic()
    log.warn({ reason: why }, 'a machine was not answered')
  }
}
