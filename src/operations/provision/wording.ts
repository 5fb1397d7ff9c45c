import { makerOf } from '../../core/netboot/firmware.ts'
import { claimOf } from '../../core/provision/claimants.ts'
import type { Machine } from '../../core/provision/machine.ts'
import type { Claim } from '../../core/provision/question.ts'

/** What people call a machine: what it is to become, or is written as, else its card, else what it is known by. */
export function nameOf(machine: Machine, writtenAs: (claim: Claim) => string | undefined): string {
  const claim = claimOf(machine)
  return machine.approval?.order.name ?? machine.order?.name ?? writtenAs(claim) ?? claim.mac ?? machine.id
}

/** What it is, for people who have read what it is called: `Proxmox, 52:54:00:12:34:56, serial SN-1`. */
export function aboutMachine(machine: Machine, name: string): string {
  const { mac, serial, uuid } = claimOf(machine)
  const maker = mac === undefined ? undefined : makerOf(mac)
  return [
    ...(maker === undefined ? [] : [maker]),
    ...(mac === undefined || mac === name ? [] : [mac]),
    ...(uuid === undefined || uuid === name ? [] : [`UUID ${uuid}`]),
    ...(serial === undefined ? [] : [`serial ${serial}`]),
  ].join(', ')
}
