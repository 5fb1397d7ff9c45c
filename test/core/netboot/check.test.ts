import { expect, test } from 'vitest'
import { chooseBoot, type BootCheckFacts, judgeOffers, judgeRead } from '../../../src/core/netboot/check.ts'
import type { SeenOffer } from '../../../src/core/netboot/dhcp/question.ts'

const file = 'metal-amd64-uki.efi'
const nothing: SeenOffer = {
  server: '192.168.0.1',
  address: undefined,
  classId: undefined,
  bootServer: undefined,
  file: undefined,
  sizeInBlocks: undefined,
  hasPxeOptions: false,
}
/** A router that gives addresses, and says no more. */
const router: SeenOffer = { ...nothing, address: '192.168.0.111', bootServer: '192.168.0.1' }
const routerWithFile: SeenOffer = { ...router, bootServer: '192.168.0.6', file }
const proxy: SeenOffer = {
  ...nothing,
  server: '192.168.0.10',
  classId: 'PXEClient',
  bootServer: '192.168.0.6',
  file,
  hasPxeOptions: true,
}
const bareProxy: SeenOffer = { ...proxy, file: undefined, hasPxeOptions: false }
const http: SeenOffer = {
  ...nothing,
  server: '192.168.0.10',
  classId: 'HTTPClient',
  file: `http://192.168.0.10:8070/${file}`,
}

const facts = (offers: readonly SeenOffer[], more: Partial<BootCheckFacts> = {}): BootCheckFacts => ({
  question: { architecture: 'amd64', loads: 'tftp' },
  offers,
  again: new Map(),
  wanted: { file, servers: ['192.168.0.6'], bytes: 100_000 },
  ...more,
})
const byHttp = { question: { architecture: 'amd64', loads: 'http' } } as const

interface Case {
  readonly name: string
  readonly facts: BootCheckFacts
  /** Whose offer firmware takes. */
  readonly told?: string
  readonly findings: readonly (readonly [verdict: string, text: RegExp])[]
}

const addressed = ['ok', /^192.168.0.1 offers an address$/] as const

test.each<Case>([
  {
    name: 'nobody answers',
    facts: facts([]),
    findings: [
      ['failed', /no DHCP server/],
      ['failed', /nobody says what to boot over TFTP/],
    ],
  },
  {
    name: 'only a plain router',
    facts: facts([router]),
    findings: [addressed, ['failed', /nobody says what to boot over TFTP/]],
  },
  {
    name: 'a router that knows the file',
    facts: facts([routerWithFile]),
    told: '192.168.0.1',
    findings: [addressed, ['ok', /^192.168.0.1 has machines boot metal-amd64-uki.efi of 192.168.0.6$/]],
  },
  {
    name: 'a router and our proxy',
    facts: facts([router, proxy]),
    told: '192.168.0.10',
    findings: [addressed, ['ok', /^192.168.0.10 has machines boot/]],
  },
  {
    name: 'a proxy without a router: firmware has no address',
    facts: facts([proxy]),
    findings: [
      ['failed', /no DHCP server/],
      ['failed', /192.168.0.10 says what to boot, and machines without an address/],
    ],
  },
  {
    name: 'a router that names a file as well: the proxy is taken',
    facts: facts([{ ...routerWithFile, file: 'pxelinux.0' }, proxy]),
    told: '192.168.0.10',
    findings: [
      addressed,
      ['ok', /^192.168.0.10 has/],
      ['warning', /^192.168.0.1 says what to boot as well, pxelinux.0/],
    ],
  },
  {
    name: 'a router with PXE options, which beats the proxy',
    facts: facts([{ ...routerWithFile, file: 'pxelinux.0', classId: 'PXEClient', hasPxeOptions: true }, proxy]),
    told: '192.168.0.1',
    findings: [
      addressed,
      ['failed', /pxelinux.0 of 192.168.0.6, where metal-amd64-uki.efi is what/],
      ['warning', /^192.168.0.10 says/],
    ],
  },
  {
    name: 'a proxy that is asked again',
    facts: facts([router, bareProxy], { again: new Map([['192.168.0.10', proxy]]) }),
    told: '192.168.0.10',
    findings: [addressed, ['ok', /^192.168.0.10 has/]],
  },
  {
    name: 'a proxy that is asked again and is silent',
    facts: facts([router, bareProxy]),
    findings: [addressed, ['failed', /port 4011, and does not answer/]],
  },
  {
    name: 'a whole proxy before one that is asked again',
    facts: facts([router, { ...bareProxy, server: '192.168.0.9' }, proxy], {
      again: new Map([['192.168.0.9', { ...proxy, server: '192.168.0.9' }]]),
    }),
    told: '192.168.0.10',
    findings: [addressed, ['ok', /^192.168.0.10 has/], ['warning', /^192.168.0.9 says what to boot as well/]],
  },
  {
    name: 'two routers',
    facts: facts([router, { ...router, server: '192.168.0.2' }, proxy]),
    told: '192.168.0.10',
    findings: [
      ['warning', /two DHCP servers/],
      ['ok', /has machines boot/],
    ],
  },
  {
    name: 'a file name with junk at its end',
    facts: facts([{ ...routerWithFile, file: `${file}\u00FF` }]),
    told: '192.168.0.1',
    findings: [addressed, ['failed', /other bytes at its end/]],
  },
  {
    name: 'a leading slash, which means the same',
    facts: facts([{ ...routerWithFile, file: `/${file}` }]),
    told: '192.168.0.1',
    findings: [addressed, ['ok', /has machines boot/]],
  },
  {
    name: 'another server',
    facts: facts([{ ...routerWithFile, bootServer: '192.168.0.7' }]),
    told: '192.168.0.1',
    findings: [addressed, ['warning', /of 192.168.0.7, where 192.168.0.6 is expected/]],
  },
  {
    name: 'the size of the image, which ends at 32 MiB',
    facts: facts([{ ...routerWithFile, sizeInBlocks: 60_000 }]),
    told: '192.168.0.1',
    findings: [addressed, ['ok', /has machines boot/], ['warning', /option 13/]],
  },
  {
    name: 'a URL for HTTP boot',
    facts: facts([router, http], byHttp),
    told: '192.168.0.10',
    findings: [addressed, ['ok', /has machines boot http:\/\/192.168.0.10:8070\/metal-amd64-uki.efi$/]],
  },
  {
    name: 'a file in the wrong class for HTTP boot',
    facts: facts([router, proxy], byHttp),
    findings: [addressed, ['failed', /nobody says what to boot by HTTP/]],
  },
])('of $name comes what firmware makes of it', ({ facts: given, told, findings }) => {
  expect(chooseBoot(given)?.told).toBe(told)
  expect(judgeOffers(given).map(({ verdict, text }) => [verdict, text])).toEqual(
    findings.map(([verdict, text]) => [verdict, expect.stringMatching(text)]),
  )
  // What has failed or is doubtful has a next step.
  for (const { verdict, next } of judgeOffers(given)) expect(verdict === 'ok').toBe(next === undefined)
})

const chosen = { by: 'tftp', told: '192.168.0.1', server: '192.168.0.6', file } as const
const wanted = { file, servers: [], bytes: 99_600_000 }

test.each([
  { read: { bytes: 512, size: 99_600_000 }, verdict: 'ok', text: '192.168.0.6 serves metal-amd64-uki.efi, 99.6 MB' },
  { read: { bytes: 512, size: undefined }, verdict: 'ok', text: '192.168.0.6 serves metal-amd64-uki.efi' },
  {
    read: { bytes: 512, size: 95_000_000 },
    verdict: 'warning',
    text: '192.168.0.6 serves metal-amd64-uki.efi with 95.0 MB, where the image that Caretaker has published has 99.6 MB',
  },
  { read: { why: 'it does not answer' }, verdict: 'failed', text: 'it does not answer' },
])('what is read is judged: $text', ({ read, verdict, text }) => {
  expect(judgeRead(chosen, read, wanted)).toMatchObject({ verdict, text })
})
