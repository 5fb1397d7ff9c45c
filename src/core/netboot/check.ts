import type { Question, SeenOffer } from './dhcp/question.ts'
import { inMegabytes } from './size.ts'

/** What one thing that was looked at came to. */
export interface BootFinding {
  readonly verdict: 'ok' | 'warning' | 'failed'
  /** A sentence without a full stop. */
  readonly text: string
  /** What to do, as a sentence in the imperative. */
  readonly next?: string
}

/** What a machine would boot, and who says so. */
export interface ChosenBoot {
  readonly by: 'tftp' | 'http'
  /** Whose offer it is. */
  readonly told: string
  readonly server: string
  readonly file: string
}

/** What is wanted: the file, and the addresses that it may come from; empty where any will do. */
export interface WantedBoot {
  readonly file: string | undefined
  readonly servers: readonly string[]
  /** Of the published image, in bytes; undefined where it is not known. */
  readonly bytes: number | undefined
}

/** What came of reading the file. */
export type ReadBoot = { readonly bytes: number; readonly size: number | undefined } | { readonly why: string }

export interface BootCheckFacts {
  readonly question: Pick<Question, 'loads' | 'architecture'>
  readonly offers: readonly SeenOffer[]
  /** What a proxy said at port 4011, by its address, where it was asked. */
  readonly again: ReadonlyMap<string, SeenOffer>
  readonly wanted: WantedBoot
}

/** An offer that PXE clients act on: of the kind, and with or without its boot file in it. */
const isPxe = ({ classId }: SeenOffer) => classId?.startsWith('PXEClient') === true
const isHttp = ({ classId }: SeenOffer) => classId?.startsWith('HTTPClient') === true

/**
 * What UEFI firmware takes of these offers (EDK2, PxeBcSelectBootPrompt and PxeBcHandleDhcp4Offer): an offer with an address
 * and PXE options before a proxy's that is whole, then the same two that are asked again at port 4011, and last a DHCP
 * server that just names a file.
 */
export function chooseBoot({ question, offers, again }: BootCheckFacts): ChosenBoot | undefined {
  const [servers, proxies] = [offers.filter(givesAddress), offers.filter((offer) => !givesAddress(offer))]
  if (question.loads === 'http') return firstOf([...servers, ...proxies].filter(isHttp), 'http')
  if (servers.length === 0) return undefined
  const asked = (all: readonly SeenOffer[]) =>
    all.filter((offer) => isPxe(offer) && !offer.hasPxeOptions).flatMap((offer) => again.get(offer.server) ?? [])
  const whole = (all: readonly SeenOffer[]) => all.filter((offer) => isPxe(offer) && offer.hasPxeOptions)
  return (
    firstOf(whole(servers), 'tftp') ??
    firstOf(whole(proxies), 'tftp') ??
    firstOf(asked(servers), 'tftp') ??
    firstOf(asked(proxies), 'tftp') ??
    firstOf(
      servers.filter((offer) => !isPxe(offer)),
      'tftp',
    )
  )
}

function givesAddress({ address }: SeenOffer): boolean {
  return address !== undefined
}

function firstOf(offers: readonly SeenOffer[], by: ChosenBoot['by']): ChosenBoot | undefined {
  for (const { server, bootServer, file } of offers)
    if (file !== undefined) return { by, told: server, server: bootServer ?? server, file }
  return undefined
}

const routerRecipe = 'See `caretaker netboot recipe` for what to enter in your router, or set `proxyDhcp`'

/** What the offers come to, against what is wanted. */
export function judgeOffers(facts: BootCheckFacts): readonly BootFinding[] {
  const { offers, question } = facts
  const chosen = chooseBoot(facts)
  const givers = [...new Set(offers.filter(givesAddress).map(({ server }) => server))]
  return [
    judgeAddresses(givers),
    ...(chosen ? judgeChosen(chosen, facts) : [nothingToBoot(facts)]),
    ...(question.loads === 'tftp' && chosen ? judgeOthers(chosen, facts) : []),
    ...offers.filter(({ sizeInBlocks }) => sizeInBlocks !== undefined).map(tellsSize),
  ]
}

function judgeAddresses(givers: readonly string[]): BootFinding {
  const [only, ...others] = givers
  if (only === undefined)
    return {
      verdict: 'failed',
      text: 'no DHCP server offers an address',
      next: 'See that one runs in this network, and that this machine is in the same one',
    }
  if (others.length > 0)
    return {
      verdict: 'warning',
      text: `${givers.join(' and ')} both offer addresses: two DHCP servers are in this network`,
      next: 'Switch one of them off',
    }
  return { verdict: 'ok', text: `${only} offers an address` }
}

function nothingToBoot({ offers, question }: BootCheckFacts): BootFinding {
  const what = question.loads === 'http' ? 'by HTTP' : 'over TFTP'
  const nobody = { verdict: 'failed', text: `nobody says what to boot ${what}`, next: routerRecipe } as const
  if (question.loads === 'http') return nobody
  const proxy = offers.find((offer) => !givesAddress(offer) && isPxe(offer))
  if (!proxy) return nobody
  const { server } = proxy
  if (!offers.some(givesAddress))
    return {
      verdict: 'failed',
      text: `${server} says what to boot, and machines without an address do not hear it`,
      next: 'See to the DHCP server first',
    }
  return {
    verdict: 'failed',
    text: `${server} wants to be asked at port 4011, and does not answer there`,
    next: 'See that no firewall holds back UDP port 4011',
  }
}

function judgeChosen({ by, told, server, file }: ChosenBoot, { wanted }: BootCheckFacts): readonly BootFinding[] {
  const place = by === 'http' ? file : `${file} of ${server}`
  const name = by === 'http' ? (file.split('/').at(-1) ?? file) : file.replace(/^\/+/, '')
  if (/[^\x20-\x7E]/.test(file))
    return [
      {
        verdict: 'failed',
        text: `${told} tells a file name with other bytes at its end, which machines ask for as it is`,
        next: 'Enter option 67 as a text (MikroTik: in quotes within quotes)',
      },
    ]
  if (wanted.file !== undefined && name !== wanted.file)
    return [
      {
        verdict: 'failed',
        text: `${told} has machines boot ${place}, where ${wanted.file} is what Caretaker publishes`,
        next: routerRecipe,
      },
    ]
  if (by === 'tftp' && wanted.servers.length > 0 && !wanted.servers.includes(server))
    return [
      {
        verdict: 'warning',
        text: `${told} has machines boot ${place}, where ${wanted.servers.join(' or ')} is expected`,
        next: 'Correct the server there, or share.server here',
      },
    ]
  return [{ verdict: 'ok', text: `${told} has machines boot ${place}` }]
}

/** Others that say what to boot as well, and are not heard, or make firmware choose. */
function judgeOthers(chosen: ChosenBoot, { offers }: BootCheckFacts): readonly BootFinding[] {
  const others = offers.filter((offer) => offer.server !== chosen.told && (isPxe(offer) || offer.file !== undefined))
  return others.map(({ server, file }): BootFinding => ({
    verdict: 'warning',
    text: `${server} says what to boot as well${file === undefined ? '' : `, ${printableName(file)}`}, and UEFI firmware takes what ${chosen.told} says`,
    next: 'Leave one of them to say it',
  }))
}

function printableName(file: string): string {
  return file.replaceAll(/[^\x20-\x7E]/g, '?')
}

function tellsSize({ server }: SeenOffer): BootFinding {
  return {
    verdict: 'warning',
    text: `${server} tells the size of the image (option 13), which ends at 32 MiB: firmware takes that for its size`,
    next: 'Remove option 13 there',
  }
}

/** What reading the file came to. */
export function judgeRead({ server, file }: ChosenBoot, read: ReadBoot, wanted: WantedBoot): BootFinding {
  if ('why' in read)
    return { verdict: 'failed', text: read.why, next: 'See that its TFTP server runs and serves the share' }
  const { size } = read
  if (size !== undefined && wanted.bytes !== undefined && size !== wanted.bytes)
    return {
      verdict: 'warning',
      text: `${server} serves ${file} with ${inMegabytes(size)}, where the image that Caretaker has published has ${inMegabytes(wanted.bytes)}`,
      next: 'See that it serves the folder that share.directory names',
    }
  const told = size === undefined ? '' : `, ${inMegabytes(size)}`
  return { verdict: 'ok', text: `${server} serves ${file}${told}` }
}
