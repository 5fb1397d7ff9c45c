import { bootsOf, checkIt, httpBootsOf, inHex, type RecipeFacts, type RecipeParts } from './facts.ts'

/** DHCP servers that are configured by files. */

/** dnsmasq 2.90, as Pi-hole has it. */
export function dnsmasq(facts: RecipeFacts): RecipeParts {
  const lines = bootsOf(facts).flatMap(({ architecture, file, types }) => [
    ...types.map((type) => `dhcp-match=set:talos-${architecture},option:client-arch,${type}`),
    `dhcp-boot=tag:talos-${architecture},${file},,${facts.server}`,
  ])
  const http = httpBootsOf(facts).flatMap(({ architecture, file, types }) => [
    ...types.map((type) => `dhcp-match=set:talos-${architecture}-http,option:client-arch,${type}`),
    `dhcp-option-force=tag:talos-${architecture}-http,60,HTTPClient`,
    `dhcp-boot=tag:talos-${architecture}-http,${file}`,
  ])
  return {
    title: 'dnsmasq',
    where: 'In a file of /etc/dnsmasq.d on the machine that gives addresses; then restart dnsmasq',
    lines: [...lines, ...http],
    notes: ['In Pi-hole 6 allow the folder first: misc.etc_dnsmasq_d in Settings > All settings', checkIt],
  }
}

/** Kea 2.2 and later: classes of the section Dhcp4. */
export function kea(facts: RecipeFacts): RecipeParts {
  const test = (types: readonly number[]) => types.map((type) => `option[93].hex == ${inHex(type)}`).join(' or ')
  const classes = [
    ...bootsOf(facts).map(({ architecture, file, types }) => ({
      name: `talos-${architecture}`,
      test: test(types),
      'next-server': facts.server,
      'boot-file-name': file,
    })),
    ...httpBootsOf(facts).map(({ architecture, file, types }) => ({
      name: `talos-${architecture}-http`,
      test: test(types),
      'boot-file-name': file,
      'option-data': [
        { name: 'vendor-class-identifier', data: 'HTTPClient', 'always-send': true },
        { name: 'boot-file-name', data: file, 'always-send': true },
      ],
    })),
  ]
  return {
    title: 'Kea',
    where: 'In the section Dhcp4 of kea-dhcp4.conf; then restart kea-dhcp4',
    lines: JSON.stringify({ 'client-classes': classes }, null, 2).split('\n').slice(1, -1),
    notes: [checkIt],
  }
}

/** ISC dhcpd 4.4. */
export function isc(facts: RecipeFacts): RecipeParts {
  const match = (types: readonly number[]) =>
    types.map((type) => `option architecture-type = ${colons(type)}`).join(' or ')
  const lines = bootsOf(facts).flatMap(({ architecture, file, types }) => [
    `class "talos-${architecture}" {`,
    `  match if ${match(types)};`,
    `  next-server ${facts.server};`,
    `  filename "${file}";`,
    '}',
  ])
  const http = httpBootsOf(facts).flatMap(({ architecture, file, types }) => [
    `class "talos-${architecture}-http" {`,
    `  match if ${match(types)};`,
    '  option vendor-class-identifier "HTTPClient";',
    `  filename "${file}";`,
    '}',
  ])
  return {
    title: 'ISC dhcpd',
    where: 'In dhcpd.conf, outside of any subnet; then restart isc-dhcp-server',
    lines: ['option architecture-type code 93 = unsigned integer 16;', ...lines, ...http],
    notes: [checkIt],
  }
}

function colons(type: number): string {
  return [type >> 8, type & 255].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}

/** OpenWrt 23 and 24: its dnsmasq by uci. */
export function openwrt(facts: RecipeFacts): RecipeParts {
  const lines = bootsOf(facts).flatMap(({ architecture, file, types }) => [
    ...types.flatMap((type) => {
      const name = `talos_${architecture}_${type}`
      return [
        `uci set dhcp.${name}=match`,
        `uci set dhcp.${name}.networkid='talos-${architecture}'`,
        `uci set dhcp.${name}.match='option:client-arch,${type}'`,
      ]
    }),
    `uci set dhcp.talos_${architecture}=boot`,
    `uci set dhcp.talos_${architecture}.networkid='talos-${architecture}'`,
    `uci set dhcp.talos_${architecture}.filename='${file}'`,
    // It takes no address without a name, and sends that as option 66: some firmware looks there.
    `uci set dhcp.talos_${architecture}.servername='${facts.server}'`,
    `uci set dhcp.talos_${architecture}.serveraddress='${facts.server}'`,
  ])
  return {
    title: 'OpenWrt',
    where: 'In a shell of the router',
    lines: [...lines, 'uci commit dhcp', '/etc/init.d/dnsmasq restart'],
    notes: ['Not seen by us on a router', checkIt],
  }
}
