import { describeDuration } from '../duration.ts'
import { asksAgain } from './lifecycle.ts'
import type { Machine } from './machine.ts'

/** Why a node does not answer, as a clause, where it is on its way into the cluster; undefined where nothing is known. */
export function whyAbsent(machines: readonly Machine[], node: string, now: number): string | undefined {
  const machine = machines.find(({ approval, order }) => (approval?.order ?? order)?.name === node)
  if (!machine) return undefined
  const { state, delivery } = machine
  if (asksAgain(machine, now))
    return `it asks for its configuration again, so ${state === 'delivering' ? 'what it was sent did not all arrive' : 'it was reset or has lost its disk'}: caretaker machine show ${node}`
  if (state === 'approved') return 'it is approved, and has not taken its configuration yet'
  if ((state === 'delivering' || state === 'delivered') && delivery !== undefined)
    return `it got its configuration ${describeDuration(Math.max(0, now - Date.parse(delivery.at)))} ago, and installs`
  return undefined
}
