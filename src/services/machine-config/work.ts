import { networkInterfaces } from 'node:os'
import { AgentError } from '../../core/errors.ts'
import { counted } from '../../core/count.ts'
import type { ConfigurationAnswer } from '../../core/netboot/boot-event.ts'
import { choosePlaces, type Place } from '../../core/netboot/places.ts'
import { deliveryUrl, hostIn } from '../../core/provision/delivery-url.ts'
import type { ConfigQuestion } from '../../core/provision/question.ts'
import type { RunningService } from '../../core/service.ts'
import { withoutEnd } from '../../core/text-end.ts'
import { createNetworks } from '../../http/addresses.ts'
import { connectionsWithin } from '../../http/open-files.ts'
import type { ServiceContext } from '../../operations/service.ts'
import { openCertificates, settleCertificate } from './certificates.ts'
import { createConfigRoute, type Introduce } from './config-route.ts'
import { createConnectionGate, type Unwanted } from './connections.ts'
import { createDeviceFlow, flowLasts } from './device-flow.ts'
import { type DoorParts, type OpenDoor, openDoor } from './door.ts'
import { createFlowCodes } from './flow-codes.ts'
import { type DoorLimits, doorLimits } from './limits.ts'
import { describeListenFault, placesFor } from './listening.ts'
import { networksOf } from './networks.ts'
import { createNotes, type Notes } from './notes.ts'
import type { MachineConfigSection } from './section.ts'
import { verifyPage } from './verify-page.ts'

export interface MachineConfigMeans {
  readonly limits?: Partial<DoorLimits>
  /** Between two looks at addresses, and at certificates, in ms. */
  readonly looksEvery?: number
  readonly renewsEvery?: number
  readonly introduce?: Introduce
}

type Context = ServiceContext<MachineConfigSection | undefined>

/**
 * Hands machines their configuration, until it is disposed of.
 *
 * It runs in the daemon's process: what a stranger makes it do is bounded before anything of theirs is read (see
 * `connections.ts`), a connection is one step of the loop, and so is a request, which reads no disk.
 *
 * @throws AgentError `misconfigured` where it can't listen, or has no certificate
 */
export async function startMachineConfig(context: Context, means: MachineConfigMeans = {}): Promise<RunningService> {
  const { section, log, now } = context
  if (!section?.tls) settleCertificate(context)
  if (section === undefined)
    return {
      status: () => 'off: set `machineConfig` to hand out configurations',
      [Symbol.asyncDispose]: async () => {},
    }
  const { places, missing } = placesFor(section.listen)
  for (const why of missing) log.warn({ reason: why }, 'not listened on')
  await using stack = new AsyncDisposableStack()
  const stop = new AbortController()
  const url = deliveryUrl(section, places[0]!.address)
  const tls = section.tls && (await openCertificates(context, section.tls, hostIn(url)))
  const notes = createNotes(
    (text) => context.ports.journal.write({ kind: 'event', subject: 'machine-config', text }),
    context.monotonic,
  )
  const parts = await partsOf({ context, section, places, url, notes, signal: stop.signal }, means)
  const doors: OpenDoor[] = []
  for (const { address } of places)
    doors.push(stack.use(await open({ address, port: section.port }, tls?.first, parts)))
  stack.defer(() => stop.abort())
  const before = addressesOf(places)
  const { looksEvery = 5_000, renewsEvery = 60_000 } = means
  every(stack, looksEvery, () => {
    if (addressesOf(choosePlaces(section.listen, networkInterfaces()).places) !== before) context.restart()
  })
  every(stack, renewsEvery, async () => {
    notes.sweep()
    const fresh = await tls?.certificates.renew()
    if (fresh) for (const door of doors) door.renew(fresh)
  })
  const shown = [...places.map(({ address }) => deliveryUrl({ ...section, url: undefined }, address)), ...missing].join(
    ', ',
  )
  log.info({ url, at: now().toISOString() }, 'machines can ask for their configuration')
  const opened = stack.move()
  return {
    status: () => (parts.config.held === 0 ? shown : `${shown}; ${counted(parts.config.held, 'machine')} waiting`),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

interface Opening {
  readonly context: Context
  readonly section: MachineConfigSection
  readonly places: readonly Place[]
  readonly url: string
  readonly notes: Notes
  readonly signal: AbortSignal
}

async function partsOf(
  { context, section, places, url, notes, signal }: Opening,
  { limits: given, introduce = () => undefined }: MachineConfigMeans,
): Promise<DoorParts> {
  const { provision: desk, log, now, monotonic, notice } = context
  const all = { ...doorLimits, ...given }
  const limits = { ...all, connections: connectionsWithin(all.connections, 1 / 4) }
  const told = ({ address: client, claim: { mac, uuid } }: ConfigQuestion, answer: ConfigurationAnswer) =>
    notice.boot({ type: 'boot.configuration', at: now().toISOString(), machine: { client, mac, uuid }, answer })
  return {
    config: createConfigRoute({ desk, limits, introduce, log, told, signal }),
    flow: createDeviceFlow({
      desk,
      codes: createFlowCodes(await context.key('machine-config'), flowLasts, now),
      verifyUrl: `${url}/verify`,
      notes,
      now: monotonic,
      begun: (question, answer) => told(question, answer.kind === 'refuse' ? 'refused' : 'pending'),
    }),
    gate: createConnectionGate({
      limits,
      isAllowed: createNetworks(section.allow ?? networksOf(places)),
      isNear: createNetworks(networksOf(places)),
      isExpected: (address) => desk.machines().some(({ approval }) => approval?.address === address),
      now: monotonic,
      unwanted: (why, address) => notes.note(why, address, `${address} ${unwantedWords[why]}`),
    }),
    missing: (address, variables) => notes.note('missing', address, `${address} ${missingWords(variables)}`),
    verify: (code) =>
      verifyPage({
        homelab: context.config().cluster.name,
        given: code,
        dashboard: withoutEnd(context.publicUrl() ?? '', '/') || undefined,
      }),
    limits,
    log,
  }
}

const unwantedWords: Readonly<Record<Unwanted, string>> = {
  stranger: 'wanted to ask for a configuration, is in no network of machineConfig.allow, and was hung up on',
  'too-many': 'opens more connections than a machine does that asks for its configuration: some are hung up on',
}

function missingWords(variables: readonly string[]): string {
  const names = variables.map((name) => `\${${name}}`).join(' and ')
  return `has no ${names}, and waits 90 s for that at every try: leave it out of its talos.config (caretaker schematic delivery)`
}

/** @throws AgentError `misconfigured` */
async function open(
  place: { address: string; port: number },
  material: Parameters<typeof openDoor>[1],
  parts: DoorParts,
) {
  try {
    return await openDoor(place, material, parts)
  } catch (error) {
    const { setting, why } = await describeListenFault(error, place.address, place.port)
    throw new AgentError('misconfigured', `${setting}: ${why}`)
  }
}

function every(stack: AsyncDisposableStack, ms: number, work: () => void | Promise<void>): void {
  const timer = setInterval(() => void work(), ms).unref()
  stack.defer(() => clearInterval(timer))
}

function addressesOf(places: readonly Place[]): string {
  return places.map(({ address }) => address).join(' ')
}
