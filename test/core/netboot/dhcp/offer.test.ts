import { expect, test } from 'vitest'
import {
  acknowledgementTo,
  type BootTarget,
  destinationOf,
  offerTo,
  type ReplyOptions,
} from '../../../../src/core/netboot/dhcp/offer.ts'
import { type DhcpMessage, formatDhcp, parseDhcp } from '../../../../src/core/netboot/dhcp/packet.ts'
import { clientOf, discover, withOptions } from './messages.ts'

const tftp: BootTarget = { by: 'tftp', server: '192.168.0.6', file: 'metal-amd64-uki.efi' }
const http: BootTarget = { by: 'http', url: 'http://192.168.0.10:8070/metal-amd64-uki.efi' }

/** Options as they are sent: texts where they are texts. */
const sent = (reply: DhcpMessage) =>
  Object.fromEntries(
    [...parseDhcp(formatDhcp(reply))!.options].map(([code, value]) => [
      code,
      [60, 66, 67].includes(code) ? Buffer.from(value).toString() : Buffer.from(value).toString('hex'),
    ]),
  )

const offered = (message: DhcpMessage, options: Partial<ReplyOptions> = {}) =>
  offerTo(message, clientOf(message), { from: '192.168.0.10', target: tftp, ...options })

test('a whole offer has all that EDK2 needs to use it as it is', () => {
  const reply = offered(discover())
  expect(reply).toMatchObject({
    op: 2,
    xid: 0xf7ab597b,
    flags: 0x8000,
    yiaddr: '0.0.0.0',
    siaddr: '192.168.0.6',
    sname: '192.168.0.6',
    file: 'metal-amd64-uki.efi',
    chaddr: discover().chaddr,
  })
  expect(sent(reply)).toEqual({
    53: '02',
    54: 'c0a8000a',
    60: 'PXEClient',
    97: '0000004d56000000408000525400123456',
    43: '060108ff',
    66: '192.168.0.6',
    67: 'metal-amd64-uki.efi',
  })
})

test('a bare offer says who we are and not what to boot, so that firmware asks at port 4011', () => {
  const reply = offered(discover(), { form: 'port-4011' })
  expect(Object.keys(sent(reply))).toEqual(['53', '54', '60', '97'])
  expect(reply).toMatchObject({ file: '', sname: '', siaddr: '192.168.0.6' })
})

test('the answer at port 4011 says what to boot, whatever the offer said', () => {
  const message = withOptions({ messageType: Uint8Array.of(3) }, { ciaddr: '192.168.0.111', flags: 0 })
  const reply = acknowledgementTo(message, clientOf(message), { from: '192.168.0.10', target: tftp, form: 'port-4011' })
  expect(reply).toMatchObject({ ciaddr: '192.168.0.111', yiaddr: '0.0.0.0', file: 'metal-amd64-uki.efi' })
  expect(sent(reply)).toMatchObject({ 53: '05', 43: '060108ff', 67: 'metal-amd64-uki.efi' })
})

test('HTTP boot is told a URL, in the class that it waits for', () => {
  const message = withOptions({ classId: 'HTTPClient:Arch:00016:UNDI:003000', systemType: Uint8Array.of(0, 16) })
  const options = sent(offered(message, { target: http, form: 'port-4011' }))
  expect(options).toMatchObject({ 53: '02', 60: 'HTTPClient', 67: http.by === 'http' ? http.url : '' })
  expect(options).not.toHaveProperty('43')
  expect(options).not.toHaveProperty('66')
})

test('iPXE takes the file as it is, without options of firmware', () => {
  expect(sent(offered(withOptions({ userClass: 'iPXE' })))).not.toHaveProperty('43')
})

test('the size in option 13, which ends at 32 MiB, is never told', () => {
  for (const target of [tftp, http]) expect(sent(offered(discover(), { target }))).not.toHaveProperty('13')
})

test('a relay gets its own option back, last, and the answer goes to it alone', () => {
  const message = withOptions({ relayInformation: Uint8Array.of(1, 2, 65, 66) }, { giaddr: '10.9.0.1' })
  const reply = offered(message)
  expect(Object.entries(sent(reply)).find(([code]) => code === '82')).toEqual(['82', '01024142'])
  expect([...reply.options.keys()].at(-1)).toBe(82)
  expect(reply.giaddr).toBe('10.9.0.1')
  expect(destinationOf(message)).toEqual({ to: 'relay', address: '10.9.0.1' })
})

test('a client without an address is answered by a broadcast, also where it sets no flag, as iPXE', () => {
  expect(destinationOf(withOptions({}, { flags: 0 }))).toEqual({ to: 'everybody', address: '255.255.255.255' })
})

test('a URL that is too long for the field stands whole in its option', () => {
  const url = `http://192.168.0.10:8070/${'x'.repeat(150)}`
  const reply = offered(discover(), { target: { by: 'http', url } })
  expect(reply.file).toBe('')
  expect(sent(reply)).toMatchObject({ 67: url })
})

test('a file name that is too long is refused, and never cut off', () => {
  const target = { by: 'tftp', server: '192.168.0.6', file: 'x'.repeat(128) } as const
  expect(() => offered(discover(), { target })).toThrow('is too long for DHCP')
})
