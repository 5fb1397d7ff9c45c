import { bootsOf, checkIt, inHex, oneFileOnly, type RecipeFacts, type RecipeParts } from './facts.ts'

/** Routers and servers that are configured by clicks, or by a shell of their own. None of them was seen by us. */

const unseen = 'Not seen by us: the names of menus may differ in your version'

/** Network application 8 to 10. */
export function unifi(facts: RecipeFacts): RecipeParts {
  const boots = bootsOf(facts)
  return {
    title: 'UniFi',
    where:
      'Settings > Networks > the network of the machines > Advanced: Manual > DHCP Service Management > Show Options',
    lines: ['Network Boot: on', `  Server: ${facts.server}`, `  File name: ${boots[0]?.file ?? ''}`],
    notes: [...oneFileOnly(boots), unseen, checkIt],
  }
}

/** OPNsense since 25.7, where Dnsmasq is the usual DHCP server; ISC's server in it, and pfSense. */
export function opnsense(facts: RecipeFacts): RecipeParts {
  const boots = bootsOf(facts)
  const first = boots[0]?.file ?? ''
  const { amd64 = first, arm64 = first } = facts.files
  const byDnsmasq = boots.flatMap(({ architecture, file, types }) => {
    // Its tags have letters and digits alone.
    const tag = `talos${architecture}`
    return [
      `  DHCP tags: Tag ${tag}`,
      ...types.map((type) => `  DHCP options: Type Match, Option client-arch [93], Value ${type}, Tag [set] ${tag}`),
      `  DHCP boot: Tag ${tag}, Filename ${file}, Server address ${facts.server}`,
    ]
  })
  return {
    title: 'OPNsense and pfSense',
    where: 'In the web interface, at the DHCP server that gives the addresses: one of these three',
    lines: [
      'OPNsense, Services > Dnsmasq DNS & DHCP',
      ...byDnsmasq,
      'OPNsense, Services > ISC DHCPv4 > the interface of the machines > Network booting',
      '  Enable network booting: on',
      `  Next-server IP: ${facts.server}`,
      `  Default BIOS, x86 UEFI (32-bit) and x64 UEFI/EBC (64-bit) filename: ${amd64}`,
      `  ARM UEFI (32-bit) and ARM UEFI (64-bit) filename: ${arm64}`,
      'pfSense, Services > DHCP Server > the interface of the machines > Network Booting',
      '  Enable: on',
      `  Next Server: ${facts.server}`,
      `  Default BIOS, UEFI 32 bit and UEFI 64 bit File Name: ${amd64}`,
      `  ARM 32 bit and ARM 64 bit File Name: ${arm64}`,
    ],
    notes: [
      "ISC's server and pfSense want a name in every field: where one is empty they leave out the others",
      'Kea in OPNsense names one file for all machines: Services > Kea DHCP > Kea DHCPv4 > Subnets, Next server and TFTP bootfile name',
      unseen,
      checkIt,
    ],
  }
}

/** RouterOS 7. */
export function mikrotik(facts: RecipeFacts): RecipeParts {
  const boots = bootsOf(facts)
  const [only, ...others] = boots
  const network = facts.network === undefined ? '[find]' : `[find address=${facts.network}]`
  const isAlone = others.length === 0
  // EDK2 takes the server from there, and never from option 66.
  const server = `/ip dhcp-server network set ${network} next-server=${facts.server}`
  const sets = boots.flatMap(({ architecture, file }) => [
    `/ip dhcp-server option add name=talos-${architecture} code=67 value="s'${file}'"`,
    `/ip dhcp-server option sets add name=talos-${architecture} options=talos-${architecture}`,
  ])
  const own = (what: string) => `[/ip dhcp-server get [find] ${what}]`
  const matchers = boots.flatMap(({ architecture, types }) =>
    types.map(
      (type) =>
        `/ip dhcp-server matcher add name=talos-${architecture}-${type} server=${own('name')} address-pool=${own('address-pool')} code=93 value=${inHex(type)} option-set=talos-${architecture}`,
    ),
  )
  return {
    title: 'MikroTik RouterOS 7',
    where: 'In a terminal of the router',
    lines: isAlone ? [`${server} boot-file-name=${only?.file ?? ''}`] : [server, ...sets, ...matchers],
    notes: [
      ...(isAlone
        ? []
        : [
            "A text is written as s'…' within quotes: without them other bytes follow the name, and machines ask for those too",
            'Matchers need RouterOS 7.4: on an older one use `proxyDhcp` of Caretaker for the machines of one architecture',
            'If the router has several DHCP servers, name the one that serves the machines in `server=`, and its pool in `address-pool=`: without a pool a matcher gives no addresses',
          ]),
      unseen,
      checkIt,
    ],
  }
}

/** DSM 7, with its package DHCP Server. */
export function synology(facts: RecipeFacts): RecipeParts {
  const boots = bootsOf(facts)
  return {
    title: 'Synology DSM 7',
    where:
      'In DSM, where the NAS itself gives addresses (package DHCP Server); TFTP in Control Panel > File Services > Advanced',
    lines: [
      'TFTP: Enable TFTP service; the folder is the share of Caretaker; permission read-only',
      'DHCP Server > PXE: Enable PXE (Preboot Execution Environment)',
      `  TFTP server: ${facts.server}`,
      `  Boot loader: ${boots[0]?.file ?? ''}`,
    ],
    notes: [
      'Where the router gives addresses leave the package off: two DHCP servers in one network disturb each other. Take the recipe of your router, or `proxyDhcp` of Caretaker',
      ...oneFileOnly(boots),
      unseen,
      checkIt,
    ],
  }
}

/** Windows Server 2016 and later. */
export function windows(facts: RecipeFacts): RecipeParts {
  const scope = facts.network?.split('/')[0] ?? '192.168.0.0'
  const lines = bootsOf(facts).flatMap(({ architecture, file, types }) => {
    const name = `Talos ${architecture}`
    const classes = types.map((type) => ({
      name: `${name} ${type}`,
      data: `PXEClient:Arch:${String(type).padStart(5, '0')}`,
    }))
    const conditions = classes.map((one) => `'${one.name}*'`).join(',')
    return [
      ...classes.map((one) => `Add-DhcpServerv4Class -Name '${one.name}' -Type Vendor -Data '${one.data}'`),
      `Add-DhcpServerv4Policy -Name '${name}' -ScopeId ${scope} -Condition OR -VendorClass EQ,${conditions}`,
      `Set-DhcpServerv4OptionValue -ScopeId ${scope} -PolicyName '${name}' -OptionId 66 -Value '${facts.server}'`,
      `Set-DhcpServerv4OptionValue -ScopeId ${scope} -PolicyName '${name}' -OptionId 67 -Value '${file}'`,
    ]
  })
  return {
    title: 'Windows Server',
    where: 'In PowerShell on the DHCP server, as an administrator',
    lines,
    notes: [
      ...(facts.network === undefined ? [`Replace ${scope} by the scope of the machines`] : []),
      'Leave option 60 unset where the DHCP server serves no boot files itself: it would make machines ask there',
      unseen,
      checkIt,
    ],
  }
}
