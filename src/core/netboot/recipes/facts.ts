import type { Architecture } from '../../release/image.ts'
import { withoutEnd } from '../../text-end.ts'

/** What a DHCP server has to be told, of this homelab. */
export interface RecipeFacts {
  /** IPv4 address of the TFTP server. */
  readonly server: string
  /** Names of the files that machines boot. */
  readonly files: Readonly<Partial<Record<Architecture, string>>>
  /** Base URL of the server that has them by HTTP; undefined where there is none. */
  readonly http: string | undefined
  /** The network of the machines, as `192.168.0.0/24`. */
  readonly network: string | undefined
}

/** What to enter somewhere. */
export interface RecipeParts {
  /** What it is for, as a title. */
  readonly title: string
  /** Where the text goes, as a sentence. */
  readonly where: string
  /** Lines of a file, commands, or settings with their values. */
  readonly lines: readonly string[]
  /** What to know of it, a sentence each. */
  readonly notes: readonly string[]
}

/** What one kind of machine is told. */
export interface RecipeBoot {
  readonly architecture: Architecture
  readonly file: string
  /** Numbers of option 93 by which it is known. */
  readonly types: readonly number[]
}

/** For each architecture with an image the file, and how its firmware is known where it boots over TFTP. */
export function bootsOf({ files }: Pick<RecipeFacts, 'files'>): readonly RecipeBoot[] {
  const { amd64, arm64 } = files
  return [
    ...(amd64 === undefined ? [] : [{ architecture: 'amd64' as const, file: amd64, types: [7, 9] }]),
    ...(arm64 === undefined ? [] : [{ architecture: 'arm64' as const, file: arm64, types: [11] }]),
  ]
}

/** The same by HTTP, with a URL for a file; empty where nobody serves them. */
export function httpBootsOf({ files, http }: Pick<RecipeFacts, 'files' | 'http'>): readonly RecipeBoot[] {
  if (http === undefined) return []
  const base = withoutEnd(http, '/')
  return bootsOf({ files }).map(({ architecture, file }) => ({
    architecture,
    file: `${base}/${file}`,
    types: architecture === 'amd64' ? [16] : [19],
  }))
}

/** `0x0007`. */
export function inHex(type: number): string {
  return `0x${type.toString(16).padStart(4, '0')}`
}

/** Why a router that takes one name for all machines may not do. */
export function oneFileOnly(boots: readonly RecipeBoot[]): readonly string[] {
  const [, second] = boots
  if (second === undefined) return []
  return [
    `It names one file for all machines: those of ${second.architecture} need \`proxyDhcp\` of Caretaker, or another DHCP server`,
  ]
}

export const checkIt = 'Then `caretaker netboot check` says whether machines are told so'
