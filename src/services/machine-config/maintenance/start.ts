import { messageOf } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import { isAsking } from '../../../core/provision/claimants.ts'
import { deliveryUrl, hostIn } from '../../../core/provision/delivery-url.ts'
import { introductionText } from '../../../core/provision/introduction.ts'
import type { ServiceContext } from '../../../operations/service.ts'
import type { Introduce } from '../config-route.ts'
import { placesFor } from '../listening.ts'
import type { MachineConfigSection } from '../section.ts'
import { watchArrivals } from './arrivals.ts'
import { receiveLogs } from './log-receiver.ts'
import { watchMaintenance } from './watch.ts'

/** Above the port where machines ask: where their console and their events arrive. */
const above = { log: 1, events: 2 }

export interface MaintenanceService extends AsyncDisposable {
  readonly introduce: Introduce
}

export interface MaintenanceMeans {
  /** Between two looks at machines that wait, and at those that have their configuration, in ms. */
  readonly looksEvery?: number
}

type Context = ServiceContext<MachineConfigSection | undefined>

/**
 * Looks after machines that wait in maintenance, and after those that have their configuration until they have joined.
 *
 * @throws AgentError `misconfigured` where nothing that the section names is there to listen on
 */
export async function startMaintenance(
  context: Context,
  section: MachineConfigSection,
  { looksEvery }: MaintenanceMeans = {},
): Promise<MaintenanceService> {
  const { provision: desk, ports, notice, log, now } = context
  await using stack = new AsyncDisposableStack()
  const { provision } = ports
  const { places } = placesFor(section.listen)
  const host = hostIn(deliveryUrl(section, places[0]!.address))
  const wanted = (address: string) =>
    desk
      .machines()
      .some(({ claimants }) =>
        claimants.some((one) => one.address === address && one.way === 'maintenance' && isAsking(one, now().getTime())),
      )
  const listening = { log: true, events: provision !== undefined }
  for (const { address } of places) {
    const place = { address, isWanted: wanted }
    const receive = () => receiveLogs({ ...place, port: section.port + above.log, line: notice.machines.line })
    if (!(await opened(stack, receive, log))) listening.log = false
    const heard = (from: string, sentence: string) => notice.machines.line(from, `event: ${sentence}`)
    const listen = () => provision!.events.listen({ ...place, port: section.port + above.events, heard })
    if (listening.events && !(await opened(stack, listen, log))) listening.events = false
  }
  if (provision) {
    const stop = new AbortController()
    const { signal } = stop
    const every = looksEvery === undefined ? {} : { every: looksEvery }
    const common = { desk, api: provision.maintenance, log, now, signal, ...every }
    const over = [
      watchMaintenance({ ...common, store: ports.journal, seen: notice.machines.seen }),
      watchArrivals({ ...common, members: provision.members, joined: notice.machines.joined }),
    ]
    stack.defer(async () => {
      stop.abort()
      await Promise.all(over)
    })
  }
  const running = stack.move()
  const at = (port: number) => `${host.includes(':') ? `[${host}]` : host}:${port}`
  return {
    introduce: ({ code, hostname }) =>
      introductionText({
        code,
        hostname,
        log: listening.log ? at(section.port + above.log) : undefined,
        events: listening.events ? at(section.port + above.events) : undefined,
      }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Without a receiver machines get their configuration all the same, and nobody sees their console. */
async function opened(
  stack: AsyncDisposableStack,
  open: () => Promise<AsyncDisposable>,
  log: Logger,
): Promise<boolean> {
  try {
    stack.use(await open())
    return true
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'consoles of machines in maintenance are not received')
    return false
  }
}
