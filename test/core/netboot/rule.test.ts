import { expect, test } from 'vitest'
import { type BootSource, type BootStanding, decideBoot, decideStanding } from '../../../src/core/netboot/rule.ts'
import type { DhcpMessage } from '../../../src/core/netboot/dhcp/packet.ts'
import { clientOf, discover, withOptions } from './dhcp/messages.ts'

const standing: BootStanding = {
  name: undefined,
  rule: undefined,
  isInstalled: false,
  isArmed: false,
  hasBooted: false,
  mayHaveBooted: false,
}

interface Standing {
  readonly name: string
  readonly of: Partial<BootStanding>
  readonly unknown?: 'offer' | 'ignore'
  readonly boots: boolean
  readonly why: RegExp
}

test.each<Standing>([
  { name: 'a stranger', of: {}, boots: true, why: /not in the configuration$/ },
  { name: 'a stranger where they are ignored', of: {}, unknown: 'ignore', boots: false, why: /netboot.unknown/ },
  {
    name: 'a node that was never seen',
    of: { name: 'w-1' },
    unknown: 'ignore',
    boots: true,
    why: /not seen to be installed/,
  },
  { name: 'an installed node', of: { name: 'w-1', isInstalled: true }, boots: false, why: /installed/ },
  {
    name: 'an installed node that a person has armed',
    of: { name: 'w-1', isInstalled: true, isArmed: true },
    boots: true,
    why: /once/,
  },
  {
    name: 'an installed node that always boots',
    of: { name: 'w-1', isInstalled: true, rule: 'always' },
    boots: true,
    why: /always/,
  },
  { name: 'one that never boots', of: { name: 'w-1', rule: 'never' }, boots: false, why: /never/ },
  { name: 'one that never boots and was armed', of: { rule: 'never', isArmed: true }, boots: true, why: /once/ },
  { name: 'one that boots once and has not', of: { rule: 'once' }, boots: true, why: /not yet/ },
  { name: 'one that boots once and has', of: { rule: 'once', hasBooted: true }, boots: false, why: /has booted/ },
  {
    name: 'one that boots once, has, and was armed',
    of: { rule: 'once', hasBooted: true, isArmed: true },
    boots: true,
    why: /once/,
  },
  {
    name: 'one that boots once and may have',
    of: { rule: 'once', mayHaveBooted: true },
    boots: false,
    why: /nobody saw/,
  },
  {
    name: 'an installed node that was armed and may have booted',
    of: { name: 'w-1', isInstalled: true, isArmed: true, mayHaveBooted: true },
    boots: false,
    why: /nobody saw/,
  },
  {
    name: 'one that always boots and may have',
    of: { rule: 'always', mayHaveBooted: true },
    boots: true,
    why: /always/,
  },
  { name: 'one that always boots and has', of: { rule: 'always', hasBooted: true }, boots: true, why: /always/ },
])('$name boots: $boots', ({ of, unknown = 'offer', boots, why }) => {
  const answer = decideStanding({ ...standing, ...of }, unknown)
  expect(answer.boots).toBe(boots)
  expect(answer.why).toMatch(why)
})

const source: BootSource = {
  fileFor: (architecture) => (architecture === 'amd64' ? 'metal-amd64-uki.efi' : undefined),
  tftp: '192.168.0.6',
  http: 'http://192.168.0.10:8070/',
}
const yes = { boots: true, why: 'it may' }

interface Boot {
  readonly name: string
  readonly message?: DhcpMessage
  readonly may?: boolean
  readonly without?: keyof BootSource
  readonly is: object
}

const arch = (type: number, word = 'PXEClient') =>
  withOptions({ systemType: Uint8Array.of(0, type), classId: `${word}:Arch:${String(type).padStart(5, '0')}` })

test.each<Boot>([
  {
    name: 'x64 firmware',
    is: { kind: 'boot', target: { by: 'tftp', server: '192.168.0.6', file: 'metal-amd64-uki.efi' } },
  },
  { name: 'x64 firmware that may not', may: false, is: { kind: 'leave', why: 'it may' } },
  {
    name: 'firmware of a processor without an image',
    message: arch(11),
    is: { kind: 'leave', why: 'there is no UKI for arm64 on the share' },
  },
  {
    name: 'a BIOS, even where it may not',
    message: arch(0),
    may: false,
    is: { kind: 'leave', why: expect.stringContaining('UEFI') },
  },
  {
    name: 'HTTP boot',
    message: arch(16, 'HTTPClient'),
    is: { kind: 'boot', target: { by: 'http', url: 'http://192.168.0.10:8070/metal-amd64-uki.efi' } },
  },
  {
    name: 'HTTP boot without a server',
    message: arch(16, 'HTTPClient'),
    without: 'http',
    is: { kind: 'leave', why: expect.stringContaining('proxyDhcp.http') },
  },
  {
    name: 'iPXE, which gets the script that repeats the command line',
    message: withOptions({ userClass: 'iPXE' }),
    is: { kind: 'boot', target: { by: 'http', url: 'http://192.168.0.10:8070/ipxe' } },
  },
  {
    name: 'iPXE without an HTTP server, with a warning',
    message: withOptions({ userClass: 'iPXE' }),
    without: 'http',
    is: { kind: 'boot', target: { by: 'tftp' }, warning: expect.stringContaining('kernel arguments') },
  },
  { name: 'an operating system', message: withOptions({ classId: 'udhcp' }), is: { kind: 'leave' } },
])('answers $name', ({ message = discover(), may = true, without, is }) => {
  const decision = decideBoot(clientOf(message), { ...yes, boots: may }, undefined, {
    ...source,
    ...(without === undefined ? {} : { [without]: undefined }),
  })
  expect(decision).toMatchObject(is)
})
