import { type DhcpMessage, parseDhcp } from '../../../../src/core/netboot/dhcp/packet.ts'
import { encodeText } from '../../../../src/core/netboot/dhcp/packet.ts'
import { type DhcpClient, optionCodes, readClient } from '../../../../src/core/netboot/dhcp/client.ts'

/** What OVMF 2022.11 sent on a wire: its card is 52:54:00:12:34:56, its UUID 564d0000-0000-4000-8000-525400123456. */
export const discoverOfOvmf = Buffer.from(
  [
    '01010600f7ab597b00008000000000000000000000000000',
    '00000000525400123456',
    '0'.repeat(2 * 202),
    '63825363350101390205c0',
    '37230102030405060c0d0f111216171c28292a2b3233363a3b3c42436180818283848586876111',
    '0000004d560000004080005254001234565e030103005d020007',
    '3c20505845436c69656e743a417263683a30303030373a554e44493a303033303030ff',
  ].join(''),
  'hex',
)

export const discover = (): DhcpMessage => parseDhcp(discoverOfOvmf)!

/** The same message with other options or fields; an option of undefined is not there. */
export function withOptions(
  options: Readonly<Partial<Record<keyof typeof optionCodes, Uint8Array | string | undefined>>>,
  fields: Partial<DhcpMessage> = {},
): DhcpMessage {
  const message = discover()
  const all = new Map(message.options)
  for (const [name, value] of Object.entries(options)) {
    const code = optionCodes[name as keyof typeof optionCodes]
    if (value === undefined) all.delete(code)
    else all.set(code, typeof value === 'string' ? encodeText(value) : value)
  }
  return { ...message, ...fields, options: all }
}

export const clientOf = (message: DhcpMessage): DhcpClient => readClient(message)!
