import { AgentError } from '../../errors.ts'
import { discoveryControl } from '../firmware.ts'
import { type DhcpClient, messageTypes, optionCodes } from './client.ts'
import { addressBytes, type DhcpMessage, encodeText } from './packet.ts'

/** What a client is to boot, and from where. */
export type BootTarget =
  | {
      readonly by: 'tftp'
      /** IPv4 address of the TFTP server. */
      readonly server: string
      readonly file: string
    }
  | { readonly by: 'http'; readonly url: string }

/**
 * How much an OFFER says. `whole`: all that is needed to boot. `port-4011`: only that we are there; the client asks again at port
 * 4011, as it does of servers of old, and takes the file from that answer. For firmware that trips over two OFFERs.
 */
export type OfferForm = 'whole' | 'port-4011'

export interface ReplyOptions {
  /** Our own address in the client's network. */
  readonly from: string
  readonly target: BootTarget
  readonly form?: OfferForm
}

/** The longest name that the fixed field takes, with its NUL (RFC 2131, figure 1). */
export const longestFile = 127

/** The answer to a DISCOVER: no address, since that is for the DHCP server to give. */
export function offerTo(message: DhcpMessage, client: DhcpClient, options: ReplyOptions): DhcpMessage {
  const isBare = options.form === 'port-4011' && options.target.by === 'tftp'
  return replyTo(message, client, { ...options, type: messageTypes.offer, isBare })
}

/** The answer to a REQUEST at port 4011: what to boot. */
export function acknowledgementTo(message: DhcpMessage, client: DhcpClient, options: ReplyOptions): DhcpMessage {
  const reply = replyTo(message, client, { ...options, type: messageTypes.ack, isBare: false })
  return { ...reply, ciaddr: message.ciaddr }
}

interface Reply extends ReplyOptions {
  readonly type: number
  /** It says who we are, and not what to boot. */
  readonly isBare: boolean
}

/** The fields that are copied, and the order of options, as RFC 2131, table 3 and RFC 4578 have them. */
function replyTo(message: DhcpMessage, { kind }: DhcpClient, { from, target, type, isBare }: Reply): DhcpMessage {
  const { options } = message
  const machine = options.get(optionCodes.machineId)
  const relayed = options.get(optionCodes.relayInformation)
  return {
    op: 2,
    htype: message.htype,
    xid: message.xid,
    secs: 0,
    flags: message.flags,
    ciaddr: '0.0.0.0',
    yiaddr: '0.0.0.0',
    siaddr: target.by === 'tftp' ? target.server : from,
    giaddr: message.giaddr,
    chaddr: message.chaddr,
    ...namesOf(target, isBare),
    options: new Map([
      [optionCodes.messageType, Uint8Array.of(type)],
      // EDK2 drops an OFFER without it.
      [optionCodes.serverId, addressBytes(from)],
      [optionCodes.classId, encodeText(kind === 'http' ? 'HTTPClient' : 'PXEClient')],
      ...(machine === undefined ? [] : ([[optionCodes.machineId, machine]] as const)),
      ...(isBare ? [] : bootOptions(target, kind)),
      // Last, and as it came (RFC 3046, 2.2): a relay finds its way back by it.
      ...(relayed === undefined ? [] : ([[optionCodes.relayInformation, relayed]] as const)),
    ]),
  }
}

function namesOf(target: BootTarget, isBare: boolean): Pick<DhcpMessage, 'sname' | 'file'> {
  if (isBare) return { sname: '', file: '' }
  // A URL that is too long for the field stands in its option alone: half a URL is worse than none.
  if (target.by === 'http') return { sname: '', file: target.url.length > longestFile ? '' : target.url }
  return { sname: target.server, file: target.file }
}

function bootOptions(target: BootTarget, kind: DhcpClient['kind']): readonly (readonly [number, Uint8Array])[] {
  if (target.by === 'http') return [[optionCodes.bootFile, encodeText(target.url)]]
  if (target.file.length > longestFile)
    throw new AgentError('misconfigured', `${target.file} is too long for DHCP, which takes ${longestFile} letters`)
  return [
    // Firmware's own; iPXE takes the file as it is.
    ...(kind === 'pxe' ? ([[optionCodes.vendorSpecific, discoveryControl]] as const) : []),
    [optionCodes.tftpServer, encodeText(target.server)],
    [optionCodes.bootFile, encodeText(target.file)],
  ]
}

/** Where an answer to a message on port 67 goes: to the relay that passed it on, else to everybody (RFC 2131, 4.1). */
export function destinationOf({ giaddr }: Pick<DhcpMessage, 'giaddr'>): {
  readonly to: 'relay' | 'everybody'
  readonly address: string
} {
  // A client without an address hears broadcasts alone; its flag is not asked for, since iPXE sets none.
  if (giaddr === '0.0.0.0') return { to: 'everybody', address: '255.255.255.255' }
  return { to: 'relay', address: giaddr }
}
