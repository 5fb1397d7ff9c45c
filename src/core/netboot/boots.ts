import type { RecordKind } from '../records.ts'
import { count, flag, number, object, oneOf, optional, text, time } from '../shape.ts'
import type { ConfigurationAnswer } from './boot-event.ts'

/**
 * How far a machine came, in this order. `asked`: it looks for a boot, and got no answer. `offered`: it was told what to
 * boot. `taken`: it has taken an offer. `probed`: it asked for the file's size. `loading`, `loaded`: the file. `started`: an
 * operating system of its has asked for an address. `configuring`: Talos has asked for its configuration. `running`: Talos'
 * API answers there.
 */
export type BootPhase =
  | 'asked'
  | 'offered'
  | 'taken'
  | 'probed'
  | 'loading'
  | 'loaded'
  | 'started'
  | 'configuring'
  | 'running'

export const bootPhases: readonly BootPhase[] = [
  'asked',
  'offered',
  'taken',
  'probed',
  'loading',
  'loaded',
  'started',
  'configuring',
  'running',
]

/** One try of a machine to boot from the network. Times are ISO 8601. */
export interface Boot {
  readonly startedAt: string
  readonly lastAt: string
  /** What it is known by: its MAC address, or where that is unknown its address. */
  readonly machine: string
  readonly mac?: string | undefined
  readonly uuid?: string | undefined
  readonly address?: string | undefined
  readonly kind?: 'pxe' | 'http' | 'ipxe' | undefined
  readonly firmware?: string | undefined
  readonly architecture?: string | undefined
  readonly classId?: string | undefined
  /** How often it asked. */
  readonly asked: number
  readonly phase: BootPhase
  /** Why it was offered what it was, or nothing, as a clause. */
  readonly why?: string | undefined
  readonly file?: string | undefined
  /** Whether we serve the file ourselves, and see its transfer. */
  readonly isServedHere?: boolean | undefined
  readonly blockSize?: number | undefined
  readonly windowSize?: number | undefined
  /** Of the file, in bytes, which version of it, and how many of them have arrived. */
  readonly bytes?: number | undefined
  readonly version?: string | undefined
  readonly arrived?: number | undefined
  /** When its transfer began, and how long it took, in ms. */
  readonly loadingSince?: string | undefined
  readonly took?: number | undefined
  readonly resent?: number | undefined
  /** What it was answered that asked for its configuration. */
  readonly configuration?: ConfigurationAnswer | undefined
  /** What went wrong last, as a clause. */
  readonly trouble?: string | undefined
  /** The image has changed under its transfer. */
  readonly hasChanged?: boolean | undefined
}

const phaseWords: Readonly<Record<BootPhase, true>> = {
  asked: true,
  offered: true,
  taken: true,
  probed: true,
  loading: true,
  loaded: true,
  started: true,
  configuring: true,
  running: true,
}

/** Tries of machines, newest last. */
export const bootKind: RecordKind<Boot> = {
  name: 'netboot.boot',
  parse: object<Boot>({
    startedAt: time,
    lastAt: time,
    machine: text,
    mac: optional(text),
    uuid: optional(text),
    address: optional(text),
    kind: optional(oneOf<'pxe' | 'http' | 'ipxe'>({ pxe: true, http: true, ipxe: true })),
    firmware: optional(text),
    architecture: optional(text),
    classId: optional(text),
    asked: count,
    phase: oneOf<BootPhase>(phaseWords),
    why: optional(text),
    file: optional(text),
    isServedHere: optional(flag),
    blockSize: optional(number),
    windowSize: optional(number),
    bytes: optional(number),
    version: optional(text),
    arrived: optional(number),
    loadingSince: optional(time),
    took: optional(number),
    resent: optional(number),
    configuration: optional(oneOf<ConfigurationAnswer>({ pending: true, delivered: true, refused: true })),
    trouble: optional(text),
    hasChanged: optional(flag),
  }),
  keyOf: ({ startedAt, machine }) => `${startedAt} ${machine}`,
  isOpen: () => false,
  retention: { most: 300, age: 90 * 86_400_000, isExpendable: true },
}

/** Whether it came as far as this, or further. */
export function hasReached({ phase }: Pick<Boot, 'phase'>, wanted: BootPhase): boolean {
  return bootPhases.indexOf(phase) >= bootPhases.indexOf(wanted)
}

/** Whether it has loaded what machines boot here, as far as that is seen. */
export function hasLoaded(boot: Boot): boolean {
  return hasReached(boot, 'loaded') && boot.file !== undefined
}

/** A try that says nothing for so long is over, in ms: EDK2 asks at 0, 4, 12 and 28 s, and waits 32 s after that. */
export const quietAfter = 90_000
