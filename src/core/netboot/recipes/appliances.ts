import { bootsOf, checkIt, inHex, oneFileOnly, type RecipeFacts, type RecipeParts } from './facts.ts'

/** Routers and servers that are configured by clicks, or by a shell of their own. None of them was seen by us. */

const unseen = 'Not seen by us: the names of menus may differ in your version'

/** Network application 8 and 9. */
export function unifi(facts: RecipeFacts): RecipeParts {
  const boots = bootsOf(facts)
  return {
    title: 'UniFi',
    where: 'Settings > Networks > the network of the machines > DHCP > Show options',
    lines: ['Network Boot: on', `  Server: ${facts.server}`, `  File name: ${boots[0]?.file ?? ''}`],
    notes: [...oneFileOnly(boots), unseen, checkIt],
  }
}

/** OPNsense and pfSense with ISC's or Kea's server. */
export function opnsense(facts: RecipeFacts): RecipeParts {
  const { amd64, arm64 } = facts.files
  return {
    title: 'OPNsense and pfSense',
    where: 'Services > DHCPv4 > the interface of the machines > Network booting',
    lines: [
      'Enable network booting: on',
      `  Next-server IP: ${facts.server}`,
      '  Default BIOS file name: (empty)',
      ...(amd64 === undefined ? [] : [`  x64 UEFI/EBC (64-bit) file name: ${amd64}`]),
      ...(arm64 === undefined ? [] : [`  ARM 64 UEFI (64-bit) file name: ${arm64}`]),
    ],
    notes: ['With Dnsmasq as the DHCP server take the recipe for dnsmasq, in its custom options', unseen, checkIt],
  }
}

/** RouterOS 7. */
export function mikrotik(facts: RecipeFacts): RecipeParts {
  const boots = bootsOf(facts)
  const [only, ...others] = boots
  const network = facts.network === undefined ? '[find]' : `[find address=${facts.network}]`
  const plain =
    only === undefined
      ? []
      : [`/ip dhcp-server network set ${network} next-server=${facts.server} boot-file-name=${only.file}`]
  const sets = boots.flatMap(({ architecture, file }) => [
    `/ip dhcp-server option add name=talos-${architecture}-server code=66 value="'${facts.server}'"`,
    `/ip dhcp-server option add name=talos-${architecture}-file code=67 value="'${file}'"`,
    `/ip dhcp-server option sets add name=talos-${architecture} options=talos-${architecture}-server,talos-${architecture}-file`,
  ])
  const matchers = boots.flatMap(({ architecture, types }) =>
    types.map(
      (type) =>
        `/ip dhcp-server matcher add name=talos-${architecture}-${type} server=[/ip dhcp-server get [find] name] code=93 value=${inHex(type)} option-set=talos-${architecture}`,
    ),
  )
  return {
    title: 'MikroTik RouterOS 7',
    where: 'In a terminal of the router',
    lines: others.length === 0 ? plain : [...sets, ...matchers],
    notes: [
      'Texts of options stand in quotes within quotes: without them other bytes follow the name, and machines ask for those too',
      ...(others.length === 0
        ? []
        : [
            'Matchers need RouterOS 7.4: on an older one use `proxyDhcp` of Caretaker for the machines of one architecture',
            'If the router has several DHCP servers, name the one that serves the machines in `server=`',
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
