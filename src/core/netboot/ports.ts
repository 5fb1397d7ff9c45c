import type { Fetched } from '../doctor/ports.ts'
import type { Question, SeenOffer } from './dhcp/question.ts'

/** What `netboot check` asks of the network. Every call rejects with an AgentError, and nothing is changed by any. */
export interface NetbootProbe {
  /** Asks as firmware does, in every network that we are in, and waits `within` ms for whoever answers. */
  discover(question: Question, within: number, signal: AbortSignal): Promise<readonly SeenOffer[]>
  /** Asks a proxy at port 4011 what to boot; undefined where nobody answers within `within` ms. */
  askAgain(server: string, question: Question, within: number, signal: AbortSignal): Promise<SeenOffer | undefined>
  /** The beginning of a file, read over TFTP from the server that was told. */
  read(server: string, file: string, signal: AbortSignal): Promise<Fetched>
  /** What a server of a URL says of the file, without its bytes. */
  readByHttp(url: string, signal: AbortSignal): Promise<Fetched>
  /** IPv4 networks that this machine is in, by their interfaces. */
  networks(): Promise<readonly OwnNetwork[]>
}

export interface OwnNetwork {
  readonly interface: string
  /** Our own address there. */
  readonly address: string
  /** Of the network, as `192.168.0.0/24`. */
  readonly cidr: string
}
