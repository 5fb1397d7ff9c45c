import type { ProvisionDesk } from '../../core/provision/desk.ts'
import type { Evidence } from '../../core/provision/evidence.ts'
import { approved, cutOff, joined, keptFor, rejected, verified } from '../../core/provision/lifecycle.ts'
import type { Claimant, Machine, MachineOrder } from '../../core/provision/machine.ts'
import { answerQuestion } from './answering.ts'
import { createDelivering } from './delivering.ts'
import { createParts, type DeskOptions, type DeskParts } from './parts.ts'

/** The desk, with what only people may do there. */
export interface MachineDesk extends ProvisionDesk, Disposable {
  get(id: string): Machine | undefined
  /** Lets the claimant with this code have its configuration once. @throws AgentError `not-now` where the disk does not take it */
  approve(request: {
    readonly id: string
    readonly code: string
    readonly order: MachineOrder
    readonly by: string
    /** Of the key that was seen, where it waits in maintenance. */
    readonly fingerprint?: string | undefined
  }): void
  /** Without a code all who ask under its id are rejected. */
  reject(request: {
    readonly id: string
    readonly code?: string | undefined
    readonly reason: string | undefined
  }): void
  /** Takes note of nobody but who asks from this address, for an hour. */
  keepFor(id: string, address: string): void
  forget(id: string): void
  evidenceOf(machine: Machine, claimant: Claimant): readonly Evidence[]
  /** Looks who has which address now, for evidence that is true when a person decides. */
  refresh(id: string): Promise<void>
  /** What people call it. */
  nameOf(machine: Machine): string
  /** Has approvals run out and alerts say what is true now. To be called now and then: time is no event. */
  look(): void
}

/** Decides what machines that ask for their configuration may have, by the records alone. */
export function createDesk(options: DeskOptions): MachineDesk {
  const parts = createParts(options)
  const { store, log, crowd, telling, nameOf, evidenceOf, current, put, commit, at, change } = parts
  endTransfers(parts)
  telling.soon()
  return {
    ask: (question) => answerQuestion(parts, question),
    changed: store.changed,
    take: createDelivering(parts),
    verified: (id, { uuid, address }) =>
      change(id, (present) => verified(present, uuid, at()), `answers as a node of the cluster, at ${address}`),
    joined: (id) => change(id, (present) => joined(present, at()), 'has joined the cluster'),
    trouble: (id, why) => {
      const present = store.get(id)
      if (present && present.trouble !== why) put({ ...present, trouble: why })
    },
    machines: store.all,
    get: current,
    approve: ({ id, code, order, by, fingerprint }) => {
      const before = store.get(id)!
      commit(before, approved(before, { code, order, by, fingerprint, at: at() }), 'it was approved')
      telling.decided(id, `approved by ${by}`)
    },
    reject: ({ id, code, reason }) => {
      put(rejected(store.get(id)!, { code, reason, at: at() }))
      telling.decided(id, 'rejected')
    },
    keepFor: (id, address) => {
      put(keptFor(store.get(id)!, address, at()))
      telling.decided(id, `kept for ${address}`)
    },
    forget: (id) => {
      store.remove(id)
      telling.decided(id, 'forgotten')
    },
    evidenceOf,
    refresh: telling.refresh,
    nameOf,
    look: () => {
      for (const { id } of store.all()) current(id)
      crowd.forget()
      log.look()
      telling.now()
    },
    [Symbol.dispose]: telling[Symbol.dispose],
  }
}

/** A transfer that nobody ended ended with the last daemon. */
function endTransfers({ store }: DeskParts): void {
  for (const machine of store.all())
    if (machine.state === 'delivering' && machine.trouble === undefined && machine.delivery)
      store.put(cutOff(machine, machine.delivery.at, 'Caretaker ended before all of it had left'), 'now')
}
