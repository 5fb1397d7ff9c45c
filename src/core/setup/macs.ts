import { normalMac } from '../address.ts'
import type { SurveyedLink } from './seen.ts'

/**
 * The MAC addresses that wake a machine whose API is at this address: of the card that has the address, or of those that
 * make up its bond, its bridge, or stand under its VLAN. Where no link has the address, those of all cards that are up.
 */
export function chooseMacs(links: readonly SurveyedLink[], address: string): readonly string[] {
  const at = links.find(({ addresses }) => addresses.includes(address))
  const under = at && cardsUnder(at, links, new Set())
  const cards = under && under.length > 0 ? under : links.filter(({ isCard, isUp }) => isCard && isUp)
  const macs = cards.flatMap(({ mac }) => (mac === undefined ? [] : (normalMac(mac) ?? [])))
  return [...new Set(macs)].filter((mac) => !/^0+$/.test(mac.replaceAll(/[:-]/g, '')))
}

/** The cards that may carry it at all: whether any of them wakes the machine. Undefined where none tells. */
export function wakesByMagic(links: readonly SurveyedLink[], macs: readonly string[]): boolean | undefined {
  const told = links.flatMap(({ isCard, mac, wakesBy }) =>
    isCard && wakesBy !== undefined && mac !== undefined && macs.includes(normalMac(mac) ?? '') ? [wakesBy] : [],
  )
  return told.length === 0 ? undefined : told.some((ways) => ways.includes('magic'))
}

function cardsUnder(link: SurveyedLink, links: readonly SurveyedLink[], seen: Set<number>): readonly SurveyedLink[] {
  if (seen.has(link.index)) return []
  seen.add(link.index)
  if (link.isCard) return [link]
  return links
    .filter(({ index, partOf }) => partOf === link.index || index === link.standsOn)
    .flatMap((one) => cardsUnder(one, links, seen))
}
