import { expect, test } from 'vitest'
import type { Boot } from '../../../src/core/netboot/boots.ts'
import { type EvidenceFacts, evidenceFor, isBorneOut, wasSeenBooting } from '../../../src/core/provision/evidence.ts'
import type { Claimant, Machine } from '../../../src/core/provision/machine.ts'
import { address, asks, loadsImage, mac, uuid } from '../../fakes/machines.ts'

const at = (minutes: number) => new Date(Date.parse('2026-11-27T08:00:00Z') + minutes * 60_000).toISOString()

const claimant: Claimant = { ...asks(), code: 'BCDF-GHJK', asked: 3, firstAt: at(0), lastAt: at(10), card: mac }
const machine: Machine = { id: uuid, state: 'pending', since: at(0), firstAt: at(0), claimants: [claimant] }
const boot = loadsImage(at(-1))

function facts(more: Partial<EvidenceFacts> = {}): EvidenceFacts {
  return {
    machine,
    claimant,
    others: [],
    boots: [boot],
    nodes: [],
    expected: 'plain',
    now: Date.parse(at(10)),
    ...more,
  }
}

/** What is noted of a machine whose start nobody saw. */
const onlyAsked: Boot = { ...boot, phase: 'configuring', asked: 0, file: undefined }

const of = (more: Partial<Claimant>) => ({ claimant: { ...claimant, ...more } })

test('a machine that loaded our image with the card that it claims is borne out', () => {
  const evidence = evidenceFor(facts())
  expect(evidence).toEqual([
    { kind: 'for', text: 'it loaded metal-amd64-uki.efi from Caretaker over TFTP at this address 11 min ago' },
    { kind: 'for', text: `the card at ${address} is ${mac}, as it says` },
  ])
  expect(isBorneOut(evidence)).toBe(true)
})

interface Case {
  readonly name: string
  readonly given: Partial<EvidenceFacts>
  readonly kind: 'for' | 'missing' | 'odd'
  readonly says: RegExp
}

const cases: readonly Case[] = [
  {
    name: 'its firmware had another address, and the card is the same',
    given: { boots: [{ ...boot, address: '192.168.0.77' }] },
    kind: 'for',
    says: /it loaded metal-amd64-uki.efi from Caretaker over TFTP at 192.168.0.77, with this card,/,
  },
  {
    name: 'it booted at another address, and which card is at its own can not be seen',
    given: { boots: [{ ...boot, address: '192.168.0.77' }], ...of({ card: undefined }) },
    kind: 'missing',
    says: /nothing was seen booting/,
  },
  {
    name: 'it booted at another address, and another card is at its own',
    given: { boots: [{ ...boot, address: '192.168.0.77' }], ...of({ card: '52:54:00:99:99:99' }) },
    kind: 'missing',
    says: /nothing was seen booting/,
  },
  {
    name: 'nothing booted at its address',
    given: { boots: [] },
    kind: 'missing',
    says: /nothing was seen booting at 192.168.0.21/,
  },
  {
    name: 'what booted did so too long before',
    given: { boots: [loadsImage(at(-16))] },
    kind: 'missing',
    says: /nothing was seen booting/,
  },
  {
    name: 'what booted did so after it asked last',
    given: { boots: [loadsImage(at(11))] },
    kind: 'missing',
    says: /nothing was seen booting/,
  },
  {
    name: 'it asked DHCP for a boot, and another server gave it',
    given: { boots: [{ ...boot, phase: 'taken', address: undefined }] },
    kind: 'for',
    says: /it asked for a boot from the network/,
  },
  {
    name: 'another server gave it its image, and it asks for its configuration',
    given: { boots: [{ ...boot, phase: 'configuring', isServedHere: false }] },
    kind: 'for',
    says: /it asked for a boot from the network/,
  },
  {
    name: 'all that was seen of it is that it asks for its configuration',
    given: { boots: [onlyAsked] },
    kind: 'missing',
    says: /nothing was seen booting/,
  },
  {
    name: 'its board is known by its own words alone',
    given: { ...of({ card: '52:54:00:00:00:02' }), boots: [boot, { ...onlyAsked, mac: '52:54:00:00:00:02' }] },
    kind: 'odd',
    says: /another card of its, or another machine/,
  },
  {
    name: 'another board booted at its address',
    given: { boots: [loadsImage(at(-1), { uuid: '11111111-2222-4333-8444-555555555555' })] },
    kind: 'odd',
    says: /what booted at 192.168.0.21 11 min ago was another machine/,
  },
  { name: 'its card is not seen', given: of({ card: undefined }), kind: 'missing', says: /can't be seen/ },
  {
    name: 'it does not say its card',
    given: of({ claim: { uuid } }),
    kind: 'missing',
    says: /does not say its MAC address/,
  },
  { name: 'its card is another one', given: of({ card: '02:00:00:00:00:01' }), kind: 'odd', says: /and it says 52:54/ },
  {
    name: 'its card is another one of the same board',
    given: { ...of({ card: '52:54:00:00:00:02' }), boots: [boot, loadsImage(at(-2), { mac: '52:54:00:00:00:02' })] },
    kind: 'for',
    says: /another one of the same board/,
  },
  {
    name: 'another one claims to be it',
    given: {
      machine: { ...machine, claimants: [claimant, { ...claimant, address: '192.168.0.99', code: 'LMNP-QRST' }] },
    },
    kind: 'odd',
    says: /192.168.0.99 claims to be the same machine/,
  },
  {
    name: 'another machine has its card',
    given: { others: [{ ...machine, id: 'other' }] },
    kind: 'odd',
    says: /other says that it has the same card/,
  },
  {
    name: 'it says that it is a node that answers',
    given: { nodes: [{ name: 'w-1', macs: [mac], uuid: undefined, isUp: true }] },
    kind: 'odd',
    says: /it is w-1, which answers/,
  },
  {
    name: 'it says that it is a node that is down',
    given: { nodes: [{ name: 'w-1', macs: [], uuid, isUp: false }] },
    kind: 'for',
    says: /it is w-1, which does not answer/,
  },
  {
    name: 'it had its configuration before',
    given: {
      machine: {
        ...machine,
        delivery: { at: at(-60), address: '192.168.0.20', way: 'plain', sha256: '00', isWhole: true },
      },
    },
    kind: 'odd',
    says: /it was sent its configuration 1 h 10 min ago, to 192.168.0.20/,
  },
  { name: 'it asks plainly', given: { expected: 'device-flow' }, kind: 'odd', says: /asks without the device flow/ },
]

test.for(cases)('where $name a person reads it', ({ given, kind, says }) => {
  const evidence = evidenceFor(facts(given))
  expect(evidence).toContainEqual({ kind, text: expect.stringMatching(says) })
  expect(isBorneOut(evidence)).toBe(kind === 'for')
})

test('whoever only asks for a configuration was not seen booting', () => {
  expect(wasSeenBooting(claimant, [boot])).toBe(true)
  expect(wasSeenBooting(claimant, [onlyAsked])).toBe(false)
  expect(wasSeenBooting(claimant, [{ ...boot, phase: 'configuring', isServedHere: false }])).toBe(false)
})
