import { AgentError } from '../../src/core/errors.ts'
import type { SeenOffer } from '../../src/core/netboot/dhcp/question.ts'
import type { NetbootProbe } from '../../src/core/netboot/ports.ts'

/** A DHCP server or a proxy of a fake homelab. */
export interface FakeDhcpServer {
  readonly offer: SeenOffer
  /** What it says at port 4011; it does not listen there without. */
  readonly again?: SeenOffer
}

export interface NetbootWorld {
  readonly dhcpServers: FakeDhcpServer[]
  /** Files that servers serve, `192.168.0.6 metal-amd64-uki.efi`, or URLs, with their sizes. */
  readonly served: Map<string, number>
}

/** A network with these servers. */
export function fakeNetboot({ dhcpServers, served }: NetbootWorld): NetbootProbe {
  const read = (what: string, server: string) => {
    const size = served.get(what)
    if (size === undefined)
      throw new AgentError('rejected', `the TFTP server ${server} refuses ${what}: it has no such file`)
    return { bytes: new Uint8Array(Math.min(size, 1)), size }
  }
  return {
    networks: async () => [{ interface: 'eth0', address: '192.168.0.10', cidr: '192.168.0.0/24' }],
    discover: async () => dhcpServers.map(({ offer }) => offer),
    askAgain: async (server) => dhcpServers.find(({ offer }) => offer.server === server)?.again,
    read: async (server, file) => read(`${server} ${file}`, server),
    readByHttp: async (url) => read(url, url),
  }
}
