import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../../src/config/config.ts'
import type { BootEvent } from '../../../src/core/netboot/dhcp-event.ts'
import { type DhcpMessage, formatDhcp, parseDhcp } from '../../../src/core/netboot/dhcp/packet.ts'
import { discoverOf } from '../../../src/core/netboot/dhcp/question.ts'
import { respond } from '../../../src/services/proxy-dhcp/responder.ts'
import { type Heard, usualPorts } from '../../../src/services/proxy-dhcp/sockets.ts'
import { discover, withOptions } from '../../core/netboot/dhcp/messages.ts'
import { memoryJournal } from '../../fakes/journal.ts'

/** Whom the proxy answers, and from where: on a machine of two networks, without a socket. */

const place = (address: string) => ({ address, family: 'IPv4', netmask: '255.255.255.0', on: 'eth0' }) as const
const [first, second] = [place('192.168.0.10'), place('192.168.7.10')]
const client = { address: '192.168.0.111', port: 4_011 }
const broadcast = { address: '255.255.255.255', port: 68 }

interface Case {
  readonly message: DhcpMessage
  readonly at?: Heard['at']
  /** Our own address that it was sent to; none of a broadcast. */
  readonly to?: Heard['place']
  readonly netboot?: string
  /** Bytes that follow it. */
  readonly padding?: number
}

function answered({ message, at = 'server', to, netboot = '{}', padding = 0 }: Case) {
  const config = parseConfig(`schematic: homelab\nshare: { directory: share }\nnetboot: ${netboot}`, 'test.yaml')
  const told: BootEvent[] = []
  const bytes = Buffer.concat([formatDhcp(message), Buffer.alloc(padding)])
  const replies = respond(
    { bytes, from: client, at, place: to },
    {
      section: { offer: 'whole', delay: 0 },
      config: () => config,
      journal: memoryJournal(),
      places: [first, second],
      names: () => [],
      ports: usualPorts,
      gate: { admits: () => true },
      cards: { has: () => false, learn: () => {} },
      now: () => new Date(),
      notice: (event) => told.push(event),
      dropped: () => {},
    },
  )
  return {
    told: told.map(({ type }) => type),
    replies: replies.map(({ packet, from, to: where }) => ({
      type: parseDhcp(Buffer.from(packet))!.options.get(53)![0],
      from: from.place.address,
      to: where,
    })),
  }
}

const request = (server?: string, fields: Partial<DhcpMessage> = {}) =>
  withOptions(
    {
      messageType: Uint8Array.of(3),
      serverId: server === undefined ? undefined : Uint8Array.from(server.split('.').map(Number)),
    },
    fields,
  )
const [offer, acknowledgement] = [2, 5]

test('a broadcast is answered in every network of ours, each time from our address there', () => {
  expect(answered({ message: discover() })).toEqual({
    told: ['boot.asked'],
    replies: [
      { type: offer, from: first.address, to: broadcast },
      { type: offer, from: second.address, to: broadcast },
    ],
  })
})

test.each<Case & { readonly name: string; readonly told?: readonly string[] }>([
  { name: 'a DISCOVER at port 4011', message: discover(), at: 'proxy', to: first },
  { name: 'what was declined', message: withOptions({ messageType: Uint8Array.of(4) }) },
  { name: 'what is longer than a frame', message: discover(), padding: 1_500 },
  { name: 'a request to another server', message: request('192.168.0.1'), told: ['boot.taken'] },
  { name: 'a request to none', message: request(), told: ['boot.taken'] },
  {
    name: 'a machine that never boots, at port 4011',
    message: request(undefined, { ciaddr: client.address }),
    at: 'proxy',
    to: first,
    netboot: "{ machines: [{ machine: '52:54:00:12:34:56', boot: never }] }",
  },
  { name: 'what a relay of the internet passes on', message: withOptions({}, { giaddr: '203.0.113.7' }) },
  { name: 'what says that we are the relay', message: withOptions({}, { giaddr: first.address }) },
  { name: 'what says that everybody is', message: withOptions({}, { giaddr: '192.168.0.255' }) },
])('$name is not answered', ({ told = [], ...asked }) => {
  expect(answered(asked)).toEqual({ told, replies: [] })
})

describe('what a relay passes on is answered to it', () => {
  test.each([
    { name: 'from our address in its network', giaddr: '192.168.7.1', to: undefined, from: second },
    { name: 'from where it was sent to', giaddr: '10.0.0.1', to: second, from: second },
    { name: 'from our first address where nothing else tells', giaddr: '10.0.0.1', to: undefined, from: first },
  ])('$name', ({ giaddr, to, from }) => {
    const { replies } = answered({ message: withOptions({}, { giaddr }), to })
    expect(replies).toEqual([{ type: offer, from: from.address, to: { address: giaddr, port: 67 } }])
  })
})

describe('what asks us once more is answered', () => {
  test.each([
    { name: 'to everybody, where it has no address yet', at: 'server', ciaddr: '0.0.0.0', to: broadcast },
    { name: 'where it asked from, where it has one', at: 'server', ciaddr: client.address, to: client },
    { name: 'where it asked from, at port 4011', at: 'proxy', ciaddr: client.address, to: client },
    {
      name: 'where it asked from, at port 4011 without saying its address',
      at: 'proxy',
      ciaddr: '0.0.0.0',
      to: client,
    },
  ] as const)('$name', ({ at, ciaddr, to }) => {
    expect(answered({ message: request(second.address, { ciaddr }), at, to: second })).toEqual({
      told: ['boot.taken'],
      replies: [{ type: acknowledgement, from: second.address, to }],
    })
  })

  test('and is no boot where it is our own question', () => {
    const own = discoverOf({ mac: '02:63:61:72:65:01', xid: 9, architecture: 'amd64', loads: 'tftp' })
    const again = { ...own, options: new Map([...own.options, [53, Uint8Array.of(3)]]) }
    const { told, replies } = answered({ message: again, at: 'proxy', to: first, netboot: '{ unknown: ignore }' })
    expect(replies).toHaveLength(1)
    expect(told).toEqual([])
  })
})
