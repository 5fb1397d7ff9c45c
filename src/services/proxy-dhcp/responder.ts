import type { Config } from '../../config/config.ts'
import type { Journal } from '../../core/journal.ts'
import { type BootEvent, askingMachine } from '../../core/netboot/dhcp-event.ts'
import { cardIn, type DhcpClient, messageTypes, readClient } from '../../core/netboot/dhcp/client.ts'
import { acknowledgementTo, destinationOf, type OfferForm, offerTo } from '../../core/netboot/dhcp/offer.ts'
import { type DhcpMessage, formatDhcp, parseDhcp } from '../../core/netboot/dhcp/packet.ts'
import { isRelay, sharesNetwork } from '../../core/netboot/network.ts'
import type { Place } from '../../core/netboot/places.ts'
import { type BootDecision, decideBoot } from '../../core/netboot/rule.ts'
import type { PublishedName } from '../../core/release/published.ts'
import { bootFilesOf, httpServerOf, isServedHere, tftpServerOf } from '../../operations/netboot/boot-files.ts'
import { type MachineStanding, standingOf } from '../../operations/netboot/standing.ts'
import type { KnownCards } from './known-cards.ts'
import type { Gate } from './limits.ts'
import type { ProxyDhcpSection } from './section.ts'
import type { Heard, ProxyPorts } from './sockets.ts'

export interface ResponderMeans {
  readonly section: Pick<ProxyDhcpSection, 'offer' | 'delay'>
  readonly config: () => Config
  readonly journal: Journal
  readonly places: readonly Place[]
  /** What is published, as it is known. */
  readonly names: () => readonly PublishedName[]
  readonly ports: ProxyPorts
  readonly gate: Gate
  readonly cards: KnownCards
  readonly now: () => Date
  readonly notice: (event: BootEvent) => void
  /** A message beyond the limits was passed over. */
  readonly dropped: () => void
}

/** A packet that is to leave. */
export interface Reply {
  readonly packet: Uint8Array
  readonly from: { readonly place: Place; readonly at: Heard['at'] }
  readonly to: { readonly address: string; readonly port: number }
  /** It waits so long, in ms. */
  readonly delay: number
}

/** No message of DHCP is longer: it comes in one Ethernet frame. */
const longest = 1_500

/** What is answered to a message. It never throws: whatever comes in is from strangers. */
export function respond(heard: Heard, means: ResponderMeans): readonly Reply[] {
  const card = heard.bytes.length > longest ? undefined : cardIn(heard.bytes)
  if (card === undefined) return []
  // Before anything is read, looked up or told: whoever floods a network costs no more than this.
  if (!means.gate.admits(card, means.cards.has(card))) {
    means.dropped()
    return []
  }
  const message = parseDhcp(heard.bytes)
  const client = message && readClient(message)
  if (!message || !client) return []
  const { type, kind } = client
  if (type !== messageTypes.discover && type !== messageTypes.request) return []
  if (kind === 'system') return heardSystem(client, means)
  const now = means.now()
  const standing = standingOf(means.journal, means.config(), client, now.getTime())
  if (standing.name !== undefined) means.cards.learn(card)
  const asked: Asked = { heard, message, client, standing }
  if (heard.at === 'proxy') return type === messageTypes.request ? answerAgain(asked, means) : []
  if (type === messageTypes.discover) return answerDiscover(asked, means)
  // A broadcast REQUEST is for the server that gives addresses; that it comes says that an offer was taken.
  if (client.server !== undefined && isOwn(client.server, means)) return answerAgain(asked, means)
  taken(client, means)
  return []
}

interface Asked {
  readonly heard: Heard
  readonly message: DhcpMessage
  readonly client: DhcpClient
  readonly standing: MachineStanding
}

function heardSystem({ mac }: DhcpClient, { notice, now }: ResponderMeans): readonly Reply[] {
  notice({ type: 'boot.system', at: now().toISOString(), mac })
  return []
}

function taken({ mac, address, isProbe }: DhcpClient, { notice, now }: ResponderMeans): void {
  if (isProbe) return
  notice({ type: 'boot.taken', at: now().toISOString(), mac, ...(address === undefined ? {} : { address }) })
}

function answerDiscover(asked: Asked, means: ResponderMeans): readonly Reply[] {
  const { heard, message, client, standing } = asked
  const places = placesFor(message, heard, means)
  const decisions = places.map((place) => ({ place, decision: decide(asked, place, means) }))
  const [first] = decisions
  if (!client.isProbe && first) noticeAsked(asked, first.decision, means)
  const form: OfferForm = standing.settings?.offer ?? means.section.offer
  const { to, address } = destinationOf(message)
  const destination =
    to === 'relay'
      ? { address, port: means.ports.server }
      : { address: means.ports.broadcast, port: means.ports.client }
  return decisions.flatMap(({ place, decision }) => {
    if (decision.kind === 'leave') return []
    const packet = formatDhcp(offerTo(message, client, { from: place.address, target: decision.target, form }))
    const delay = standing.settings?.delay ?? means.section.delay
    return [{ packet, from: { place, at: 'server' }, to: destination, delay }]
  })
}

/** What firmware asks again at port 4011, or of us by name: what to boot. It is answered where it asked from. */
function answerAgain(asked: Asked, means: ResponderMeans): readonly Reply[] {
  const { heard, message, client } = asked
  const place = heard.place ?? placesFor(message, heard, means)[0]
  if (!place) return []
  const decision = decide(asked, place, means)
  if (decision.kind === 'leave') return []
  taken(client, means)
  const packet = formatDhcp(acknowledgementTo(message, client, { from: place.address, target: decision.target }))
  const isBroadcast = heard.at === 'server' && message.ciaddr === '0.0.0.0'
  const to = isBroadcast ? { address: means.ports.broadcast, port: means.ports.client } : heard.from
  return [{ packet, from: { place, at: heard.at }, to, delay: 0 }]
}

function decide({ client, standing }: Asked, place: Place, means: ResponderMeans): BootDecision {
  const config = means.config()
  // Our own question is about what a machine would be told that may boot.
  const whether = client.isProbe ? { boots: true, why: 'it is a question of Caretaker' } : standing
  return decideBoot(client, whether, standing.name, {
    fileFor: bootFilesOf(config, means.names()),
    tftp: tftpServerOf(config, place.address) ?? place.address,
    http: httpServerOf(config, place.address),
  })
}

function noticeAsked({ client }: Asked, decision: BootDecision, means: ResponderMeans): void {
  const machine = askingMachine(client)
  if (!machine) return
  const at = means.now().toISOString()
  if (decision.kind === 'leave') return means.notice({ type: 'boot.asked', at, machine, why: decision.why })
  const { target, why, warning } = decision
  means.notice({
    type: 'boot.asked',
    at,
    machine,
    file: target.by === 'tftp' ? target.file : target.url,
    isServedHere: isServedHere(
      means.config(),
      target,
      means.places.map((place) => place.address),
    ),
    why,
    ...(warning === undefined ? {} : { warning }),
  })
}

/**
 * The addresses that are answered from. No system tells in which network a broadcast was heard, so every network gets an
 * answer with our address there; only the one with the client has somebody who waits for it. A relay is answered from its
 * own network, else from the first; what can be none gets no answer.
 */
function placesFor({ giaddr }: DhcpMessage, { place }: Heard, { places }: ResponderMeans): readonly Place[] {
  if (giaddr === '0.0.0.0') return places
  if (!isRelay(giaddr, places)) return []
  const near = place ?? places.find((one) => sharesNetwork(giaddr, one)) ?? places[0]
  return near ? [near] : []
}

function isOwn(address: string, { places }: Pick<ResponderMeans, 'places'>): boolean {
  return places.some((place) => place.address === address)
}
