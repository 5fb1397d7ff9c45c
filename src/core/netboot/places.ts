/** An address of an interface, as the operating system lists them. */
export interface InterfaceAddress {
  readonly address: string
  /** `IPv4` or `IPv6`. */
  readonly family: string
  readonly netmask: string
  readonly internal: boolean
}

export type Interfaces = Readonly<Record<string, readonly InterfaceAddress[] | undefined>>

/** Where a server listens: one address of one interface. */
export interface Place {
  readonly address: string
  readonly family: 'IPv4' | 'IPv6'
  readonly netmask: string
  /** The interface's name. */
  readonly on: string
}

export interface Places {
  readonly places: readonly Place[]
  /** Why what was named leads to no address, a sentence each. */
  readonly missing: readonly string[]
}

/**
 * The addresses that are meant by names of interfaces (`eth0`: every IPv4 address that it has) and by addresses of this
 * machine. Each once, in the order in which they are named. Firmware drops what comes from another address than it asked,
 * so there is no word for all of them: a socket bound to none in particular may answer from another.
 */
export function choosePlaces(named: readonly string[], interfaces: Interfaces): Places {
  const places = new Map<string, Place>()
  const missing: string[] = []
  for (const name of named) {
    const found = placesOf(name, interfaces)
    if (found.length === 0) missing.push(whyMissing(name, interfaces))
    for (const place of found) places.set(place.address, place)
  }
  return { places: [...places.values()], missing }
}

function placesOf(name: string, interfaces: Interfaces): readonly Place[] {
  const own = interfaces[name]
  if (own) return own.filter(({ family }) => family === 'IPv4').map((one) => placeOn(name, one))
  return Object.entries(interfaces).flatMap(([on, all = []]) =>
    all
      .filter((one) => one.address === name || isLoopbackOf(one, name))
      .map((one) => ({ ...placeOn(on, one), address: name })),
  )
}

/** Every address of 127.0.0.0/8 is of this machine (RFC 1122, 3.2.1.3), and only the first is listed. */
function isLoopbackOf({ internal, address }: InterfaceAddress, name: string): boolean {
  return internal && address === '127.0.0.1' && /^127(\.\d{1,3}){3}$/.test(name)
}

function placeOn(on: string, { address, family, netmask }: InterfaceAddress): Place {
  return { address, family: family === 'IPv6' ? 'IPv6' : 'IPv4', netmask, on }
}

function whyMissing(name: string, interfaces: Interfaces): string {
  if (interfaces[name]) return `${name} has no IPv4 address yet`
  const known = Object.entries(interfaces).flatMap(([on, all = []]) =>
    all.filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => `${on} (${address})`),
  )
  const have = known.length > 0 ? `it has ${known.join(', ')}` : 'it has none'
  return `${name} is neither an interface nor an address of this machine: ${have}`
}
