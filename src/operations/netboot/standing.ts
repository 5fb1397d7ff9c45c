import type { Config } from '../../config/config.ts'
import type { Journal } from '../../core/journal.ts'
import { normalMac } from '../../core/address.ts'
import type { Boot } from '../../core/netboot/boots.ts'
import { knownMachines, nameOfMachine } from '../../core/netboot/machines.ts'
import { type BootRule, type BootStanding, decideStanding, type StandingAnswer } from '../../core/netboot/rule.ts'
import { type Armed, remembered } from '../facts.ts'

/** A machine that may boot from the network, as far as it is known. */
export interface MachineStanding extends BootStanding, StandingAnswer {
  /** What facts about it are kept under: its name, else its MAC address, else its address. */
  readonly key: string
  readonly armed: Armed | undefined
  /** What the configuration says of it alone. */
  readonly settings: Config['netboot']['machines'][number] | undefined
}

export type Told = Pick<Boot, 'mac' | 'uuid' | 'address'>

/** Who a machine is, and whether it is to boot from the network. */
export function standingOf(journal: Journal, config: Config, told: Told, now: number): MachineStanding {
  return standingsIn(journal, config, now)(told)
}

/** The same for many machines: what is remembered is read once. */
export function standingsIn(journal: Journal, config: Config, now: number): (told: Told) => MachineStanding {
  const installed = remembered.netbootInstalled.recall(journal) ?? {}
  const allArmed = remembered.netbootArmed.recall(journal) ?? {}
  const used = remembered.netbootUsed.recall(journal) ?? {}
  const ending = remembered.netbootEnding.recall(journal) ?? {}
  const known = knownMachines(config)
  const { machines, unknown } = config.netboot
  return (told) => {
    const name = nameOfMachine(told, known, installed)
    const key = name ?? told.mac ?? told.address ?? ''
    const settings = machines.find(({ machine }) => machine === name || (normalMac(machine) ?? '') === told.mac)
    const rule: BootRule | undefined = settings?.boot
    const given = allArmed[key]
    const armed = given !== undefined && Date.parse(given.until) > now ? given : undefined
    const standing = {
      name: name ?? (settings === undefined ? undefined : key),
      rule,
      isInstalled: name !== undefined && Object.hasOwn(installed, name),
      isArmed: armed !== undefined,
      hasBooted: Object.hasOwn(used, key),
      mayHaveBooted: Object.hasOwn(ending, key),
    }
    return { key, armed, settings, ...standing, ...decideStanding(standing, unknown) }
  }
}

/**
 * The end of its image is about to be sent: where it is to boot once, that is on the disk before. If we end now, nobody sees
 * whether it arrived.
 */
export function noteEnding(journal: Journal, { key, rule, isArmed }: MachineStanding, at: string): void {
  if (rule !== 'once' && !isArmed) return
  remembered.netbootEnding.remember(journal, { ...remembered.netbootEnding.recall(journal), [key]: at })
}

/** What has become of it was seen, or a person has decided. */
export function forgetEnding(journal: Journal, key: string): void {
  const { [key]: at, ...others } = remembered.netbootEnding.recall(journal) ?? {}
  if (at !== undefined) remembered.netbootEnding.remember(journal, others)
}

/** It has booted from the network: what was wanted once is done. */
export function noteBooted(journal: Journal, { key, rule, isArmed }: MachineStanding, at: string): void {
  if (isArmed) {
    const { [key]: _, ...others } = remembered.netbootArmed.recall(journal) ?? {}
    remembered.netbootArmed.remember(journal, others)
  }
  if (rule === 'once' || isArmed)
    remembered.netbootUsed.remember(journal, { ...remembered.netbootUsed.recall(journal), [key]: at })
}
