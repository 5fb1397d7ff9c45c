import type { Place } from '../../core/netboot/places.ts'

/** The networks that places are in, as `192.168.0.10/24`: whoever is there may ask. */
export function networksOf(places: readonly Place[]): readonly string[] {
  return places.map(({ address, netmask }) => `${address}/${lengthOf(netmask)}`)
}

/** How many bits of a mask are set: `255.255.255.0`, `ffff:ffff::`. */
function lengthOf(netmask: string): number {
  const words = netmask.includes(':')
    ? netmask.split(':').map((word) => Number.parseInt(word === '' ? '0' : word, 16))
    : netmask.split('.').map(Number)
  return words.reduce((sum, word) => sum + word.toString(2).replaceAll('0', '').length, 0)
}
