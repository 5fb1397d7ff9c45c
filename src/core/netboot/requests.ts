import type { Architecture } from '../release/image.ts'
import type { Boot, BootPhase } from './boots.ts'
import type { BootFinding, ChosenBoot } from './check.ts'
import type { SeenOffer } from './dhcp/question.ts'
import type { Firmware } from './firmware.ts'
import type { Recipe } from './recipes/recipe.ts'
import type { RouterKind } from './recipes/routers.ts'

/** What a person may ask about machines that boot from the network, and request of them. */
export interface NetbootRequests<Asked> {
  /** Machines that have asked for a boot, or are to; those that asked last come first. */
  status(): readonly NetbootMachine[]
  /** One of them with all its tries, by its name, MAC address or UUID. */
  find(request: { readonly machine: string }): NetbootMachineDetails
  /** Has a machine boot from the network once more, whatever its rule; or takes that back. */
  once(request: { readonly machine: string; readonly cancel: boolean }, asked: Asked): NetbootChange
  /** Asks as firmware does, and says who offers what. */
  check(request: NetbootCheckRequest, asked: Asked): Promise<NetbootCheck>
  /** What to enter in a router, for this homelab. */
  recipe(request: { readonly router: RouterKind }): Promise<Recipe>
}

/** What changed, or why nothing did, as a sentence. */
export interface NetbootChange {
  readonly said: string
  readonly changed: boolean
}

export interface NetbootCheckRequest {
  /** In whose name; without it in the name of no machine. */
  readonly machine?: string | undefined
  readonly architecture?: Architecture | undefined
  readonly loads?: Firmware['loads'] | undefined
}

/** That a machine has come further, or into trouble; others may have meanwhile. */
export interface BootChange {
  /** What it is known by: its MAC address, else its address. */
  readonly machine: string
  readonly phase: BootPhase
}

export interface NetbootMachine {
  /** Its name in the configuration, else its MAC address, else its address. */
  readonly machine: string
  /** It is in the configuration. */
  readonly isKnown: boolean
  readonly mac?: string | undefined
  readonly uuid?: string | undefined
  /** Who made its network card, where that says something. */
  readonly maker?: string | undefined
  /** Whether it is offered a boot the next time, and why. */
  readonly boots: boolean
  readonly why: string
  /** ISO 8601: until when a person wants it to boot once more. */
  readonly armedUntil?: string | undefined
  /** Its last try. */
  readonly last?: BootTry | undefined
}

export interface NetbootMachineDetails extends NetbootMachine {
  /** Newest first. */
  readonly tries: readonly BootTry[]
}

/** A try, with what is to be said of it. */
export interface BootTry extends Boot {
  /** As a clause after the machine's name. */
  readonly said: string
  readonly next?: string | undefined
  /** Bytes in a second. */
  readonly rate?: number | undefined
}

/** What `netboot check` came to. */
export interface NetbootCheck {
  readonly architecture: Architecture
  readonly loads: Firmware['loads']
  readonly mac: string
  readonly offers: readonly SeenOffer[]
  /** What UEFI firmware would boot. */
  readonly chosen?: ChosenBoot | undefined
  readonly findings: readonly BootFinding[]
}
