import type { Alerts } from '../../core/alert.ts'
import { mostTold, planProvisionAlerts, type ProvisionAlertKind } from '../../core/provision/alerts.ts'
import { waitingClaimants } from '../../core/provision/claimants.ts'
import type { Evidence } from '../../core/provision/evidence.ts'
import type { Claimant, Machine } from '../../core/provision/machine.ts'
import type { MachineStore } from './store.ts'
import { aboutMachine } from './wording.ts'

export interface TellingOptions {
  readonly store: MachineStore
  readonly alerts: Alerts
  readonly cardAt: (address: string) => Promise<string | undefined>
  readonly isKnown: (machine: Machine) => boolean
  readonly evidenceOf: (machine: Machine, claimant: Claimant) => readonly Evidence[]
  readonly nameOf: (machine: Machine) => string
  readonly now: () => Date
}

/** Between two looks at everything that is to be told, in ms: a flood costs one. */
const between = 250

/** Has the alerts say what is true of machines on their way, and looks which cards stand behind those who ask. */
export interface Telling extends Disposable {
  /** Somebody has asked. */
  asked(machine: Machine, claimant: Claimant): void
  /** Something has changed. */
  soon(): void
  now(): void
  /** A person has decided: what was asked of people is settled with these words. */
  decided(id: string, ending: string): void
  /** Looks which cards stand behind those who ask for this one. */
  refresh(id: string): Promise<void>
}

export function createTelling(options: TellingOptions): Telling {
  const { store, alerts, cardAt, isKnown, evidenceOf, nameOf, now } = options
  /** Those whose card is being looked up: one look at a time for each. */
  const looking = new Map<string, Promise<void>>()
  let isEnded = false
  let soonTold: NodeJS.Timeout | undefined
  let toldAt = -Infinity

  function report(): void {
    clearTimeout(soonTold)
    soonTold = undefined
    toldAt = performance.now()
    if (isEnded) return
    const told = new Set(
      alerts.all.flatMap(({ id }) => (id.startsWith(pendingOf('')) ? [id.slice(pendingOf('').length)] : [])),
    )
    const machines = store.all().map((machine) => ({
      machine,
      name: nameOf(machine),
      about: aboutMachine(machine, nameOf(machine)),
      isKnown: isKnown(machine),
      oddities: (claimant: Claimant) =>
        evidenceOf(machine, claimant).flatMap(({ kind, text }) => (kind === 'odd' ? [text] : [])),
    }))
    const plans = planProvisionAlerts(machines, told, now().getTime())
    for (const kind of Object.keys(plans) as ProvisionAlertKind[]) alerts.reportEach(kind, plans[kind])
  }

  function soon(): void {
    if (isEnded) return
    soonTold ??= setTimeout(report, Math.max(0, toldAt + between - performance.now())).unref()
  }

  /** The card is known before a person is asked: what is odd about it is part of the question. */
  async function lookUp(id: string, address: string): Promise<void> {
    const card = await cardAt(address).catch(() => undefined)
    const machine = store.get(id)
    if (isEnded || !machine || card === undefined) return
    if (!machine.claimants.some((one) => one.address === address && one.card !== card)) return
    const claimants = machine.claimants.map((one) => (one.address === address ? { ...one, card } : one))
    store.put({ ...machine, claimants }, 'later')
  }

  function look(id: string, address: string): Promise<void> {
    const key = `${id} ${address}`
    const running = looking.get(key) ?? lookUp(id, address).finally(() => looking.delete(key))
    looking.set(key, running)
    return running
  }

  return {
    asked: ({ id }, { address }) => {
      if (looking.size < mostTold * 8) void look(id, address).then(soon)
      else soon()
    },
    soon,
    now: report,
    decided: (id, ending) => {
      const kinds: readonly ProvisionAlertKind[] = [
        'provision.pending',
        'provision.again',
        'provision.rival',
        'provision.trouble',
      ]
      for (const kind of kinds) alerts.settle(`${kind}:${id}`, ending)
      soon()
    },
    refresh: async (id) => {
      const machine = store.get(id)
      const addresses = new Set(
        (machine ? waitingClaimants(machine, now().getTime()) : []).map(({ address }) => address),
      )
      await Promise.all([...addresses].map((address) => look(id, address)))
    },
    [Symbol.dispose]: () => {
      isEnded = true
      clearTimeout(soonTold)
    },
  }
}

const pendingOf = (id: string) => `provision.pending:${id}`
