import { randomBytes } from 'node:crypto'
import type { Alerts } from '../../core/alert.ts'
import { AgentError } from '../../core/errors.ts'
import type { Journal } from '../../core/journal.ts'
import type { Boot } from '../../core/netboot/boots.ts'
import { newCode } from '../../core/provision/code.ts'
import { type Evidence, evidenceFor, type KnownNode } from '../../core/provision/evidence.ts'
import { withoutExpired } from '../../core/provision/lifecycle.ts'
import type { Claimant, Machine } from '../../core/provision/machine.ts'
import type { Claim, ConfigQuestion, Way } from '../../core/provision/question.ts'
import type { ConfigRenderer } from '../../core/provision/render.ts'
import { createCrowd, type Crowd } from './crowd.ts'
import { createQuestionLog, type QuestionLog } from './question-log.ts'
import { createMachineStore, type MachineStore } from './store.ts'
import { createTelling, type Telling } from './telling.ts'
import { nameOf } from './wording.ts'

export interface DeskOptions {
  readonly journal: Journal
  readonly alerts: Alerts
  readonly renderer: ConfigRenderer
  /** How machines ask of which machines.yaml says nothing. */
  readonly way: () => Way
  /** Tries of machines to boot from the network. */
  readonly boots: () => readonly Boot[]
  readonly nodes: () => readonly KnownNode[]
  /** The card at an address, where it is a neighbour. */
  readonly cardAt: (address: string) => Promise<string | undefined>
  readonly now: () => Date
  readonly random?: (bytes: number) => Uint8Array
}

/** What the desk is made of. */
export interface DeskParts {
  readonly store: MachineStore
  readonly log: QuestionLog
  readonly crowd: Crowd
  readonly telling: Telling
  readonly renderer: ConfigRenderer
  readonly now: () => Date
  /** The moment, ISO 8601. */
  at(): string
  nameOf(machine: Machine): string
  /** How machines like it ask. */
  expected(claim: Claim): Way
  evidenceOf(machine: Machine, claimant: Claimant): readonly Evidence[]
  /** A code that nobody has. */
  code(): string
  /** As it is now: an approval that has run out is none. */
  current(id: string): Machine | undefined
  /** On the disk when it returns, and everyone hears of it. */
  put(machine: Machine): void
  /**
   * The same for what a restart must not forget: where it does not reach the disk, all is as before.
   *
   * @param said what can't be written down, as a clause: `it was approved`
   * @throws AgentError `not-now`
   */
  commit(before: Machine, after: Machine, said: string): void
  /** In the journal, as a clause after its name. */
  write(machine: Machine, text: string): void
  /** The same for what has become of it; nothing where nothing has. */
  change(id: string, next: (present: Machine) => Machine, said: string): void
}

export function createParts(options: DeskOptions): DeskParts {
  const { journal, renderer, now, random = randomBytes, boots, nodes } = options
  const at = () => now().toISOString()
  const ms = () => now().getTime()
  const store = createMachineStore(journal)
  const named = (machine: Machine) => nameOf(machine, (claim) => renderer.match(claim)?.name)
  const expected = (claim: Claim) => renderer.match(claim)?.way ?? options.way()
  const crowd = createCrowd({ store, boots, writtenAs: (claim) => renderer.match(claim)?.name, now })
  const evidenceOf = (machine: Machine, claimant: Claimant) =>
    evidenceFor({
      machine,
      claimant,
      others: store.all().filter(({ id }) => id !== machine.id),
      boots: boots(),
      nodes: nodes(),
      expected: expected(claimant.claim),
      now: ms(),
    })
  const telling = createTelling({ ...options, store, isKnown: crowd.isKnown, evidenceOf, nameOf: named })

  function put(machine: Machine): void {
    store.put(machine, 'now')
    telling.soon()
  }

  function commit(before: Machine, after: Machine, said: string): void {
    store.put(after, 'now')
    const why = store.degraded
    if (why !== undefined) store.put(before, 'now')
    telling.soon()
    if (why !== undefined)
      throw new AgentError(
        'not-now',
        `it can't be written down that ${said} (${why}): mend the disk of the state directory first`,
      )
  }

  function write(machine: Machine, text: string): void {
    journal.write({ kind: 'event', subject: named(machine), text: `${named(machine)} ${text}` })
  }

  function change(id: string, next: (present: Machine) => Machine, said: string): void {
    const present = store.get(id)
    const after = present && next(present)
    if (!after || after === present) return
    put(after)
    write(after, said)
  }

  return {
    store,
    log: createQuestionLog(journal, ms),
    crowd,
    telling,
    renderer,
    now,
    at,
    nameOf: named,
    expected,
    evidenceOf,
    code: () => {
      const used = new Set(store.all().flatMap(({ claimants }) => claimants.map((one) => one.code)))
      let fresh = newCode(random)
      while (used.has(fresh)) fresh = newCode(random)
      return fresh
    },
    current: (id) => {
      change(
        id,
        (present) => withoutExpired(present, ms(), at()),
        'did not ask for its configuration in time: what was approved has run out',
      )
      return store.get(id)
    },
    put,
    commit,
    write,
    change,
  }
}

/** What is asked by GET alone counts as the way that is wanted of it, where that is maintenance. */
export function understood(
  question: ConfigQuestion,
  { expected }: Pick<DeskParts, 'expected'>,
): { readonly question: ConfigQuestion; readonly isByGet: boolean } {
  const isByGet = question.way === 'plain' && expected(question.claim) === 'maintenance'
  return { question: isByGet ? { ...question, way: 'maintenance' } : question, isByGet }
}
