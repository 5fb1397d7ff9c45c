/** The DHCP servers that there is a recipe for. */
export const routerKinds = [
  'dnsmasq',
  'kea',
  'isc',
  'unifi',
  'opnsense',
  'mikrotik',
  'openwrt',
  'synology',
  'windows',
] as const

export type RouterKind = (typeof routerKinds)[number]
