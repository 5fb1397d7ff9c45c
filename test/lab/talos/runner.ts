import { setTimeout as pause } from 'node:timers/promises'
import { Error_Code } from '../../../src/adapters/talos/gen/common_pb.ts'
import {
  PhaseEventSchema,
  PhaseEvent_Action,
  SequenceEventSchema,
  SequenceEvent_Action,
  TaskEventSchema,
  TaskEvent_Action,
} from '../../../src/adapters/talos/gen/machine_pb.ts'
import type { EventLog } from './events.ts'
import type { Step } from './phases.ts'

export type SequenceName = 'initialize' | 'install' | 'boot' | 'reboot' | 'shutdown' | 'upgrade' | 'stageUpgrade'

/** What a task does, besides taking its time. */
export type Actions = Partial<Record<string, (signal: AbortSignal) => Promise<void>>>

export interface Sequence {
  readonly name: SequenceName
  /** Who asked for it: marks its events. */
  readonly actor: string
  /** Whether this sequence may take the lock from one that runs. */
  interrupts(other: SequenceName): boolean
  body(signal: AbortSignal): Promise<void>
  /** What the node shows once the sequence has ended, well or not. */
  ended?(): void
  /** What happens after it failed. */
  failed(signal: AbortSignal): Promise<void>
}

/** What a sequence goes through. */
export interface Course {
  readonly steps: readonly Step[]
  /** Marks its events. */
  readonly actor: string
  /** In ms, of all steps together; what the actions take comes on top. */
  readonly duration: number
}

/**
 * Runs one sequence at a time, and tells of it in events (siderolabs/talos runtime/v1alpha1/v1alpha1_controller.go).
 */
export interface Runner {
  /** Runs it, or says that it is refused. */
  run(sequence: Sequence): void
  refuse(name: SequenceName): void
  mark(name: SequenceName, action: SequenceEvent_Action, actor: string, error?: [Error_Code, string]): void
  /** Phase by phase. */
  carryOut(course: Course, actions: Actions, signal: AbortSignal): Promise<void>
  /** Aborts when the machine's present life ends. */
  readonly life: AbortSignal
  /** Everything that runs ends, unheard; the next life begins. */
  endLife(): void
}

export function createRunner(log: EventLog): Runner {
  let life = new AbortController()
  let current: { readonly name: SequenceName; readonly abort: AbortController } | undefined

  const mark: Runner['mark'] = (sequence, action, actor, error) => {
    const failure = error ? { error: { code: error[0], message: error[1] } } : {}
    log.publish(SequenceEventSchema, { sequence, action, ...failure }, actor)
  }

  // Its actor is not named, although the caller was given one.
  const refuse = (name: SequenceName) =>
    mark(name, SequenceEvent_Action.NOOP, '', [Error_Code.LOCKED, 'sequence not started: locked'])

  /** One sequence at a time: who takes over begins after the one before has said that it was interrupted. */
  async function perform(sequence: Sequence, abort: AbortController): Promise<void> {
    const { name, actor } = sequence
    const alive = life.signal
    const signal = AbortSignal.any([abort.signal, alive])
    // The reply to the call goes out before anything happens; a boot has nobody to reply to, and nothing before it.
    if (name !== 'boot') await pause(1, undefined, { signal })
    mark(name, SequenceEvent_Action.START, actor)
    const end = () => {
      mark(name, SequenceEvent_Action.STOP, actor)
      sequence.ended?.()
    }
    try {
      await sequence.body(signal)
      if (!alive.aborted) end()
    } catch (error) {
      if (alive.aborted) return
      end()
      const code = abort.signal.aborted ? Error_Code.CANCELED : Error_Code.FATAL
      const reason = abort.signal.aborted ? 'context canceled' : messageOf(error)
      mark(name, SequenceEvent_Action.NOOP, actor, [code, `sequence failed: ${reason}`])
      if (code === Error_Code.FATAL) await sequence.failed(signal)
    }
  }

  return {
    mark,
    refuse,
    run(sequence) {
      if (current && !sequence.interrupts(current.name)) return refuse(sequence.name)
      current?.abort.abort()
      const mine = { name: sequence.name, abort: new AbortController() }
      current = mine
      const over = () => {
        if (current === mine) current = undefined
      }
      // What rejects here was aborted: there is nobody left to be told.
      perform(sequence, mine.abort).then(over, over)
    },
    async carryOut({ steps, actor, duration }, actions, signal) {
      const alive = life.signal
      // Both are said to have stopped also where they failed.
      const during = async (say: (isStart: boolean) => void, act: () => Promise<void>) => {
        say(true)
        try {
          await act()
        } finally {
          if (!alive.aborted) say(false)
        }
      }
      const runTask = (task: string) =>
        during(
          (isStart) =>
            log.publish(TaskEventSchema, { task, action: TaskEvent_Action[isStart ? 'START' : 'STOP'] }, actor),
          async () => {
            await actions[task]?.(signal)
            await pause(duration / steps.length, undefined, { signal })
          },
        )
      for (const { phase, tasks } of steps)
        await during(
          (isStart) =>
            log.publish(PhaseEventSchema, { phase, action: PhaseEvent_Action[isStart ? 'START' : 'STOP'] }, actor),
          async () => {
            for (const task of tasks) await runTask(task)
          },
        )
    },
    get life() {
      return life.signal
    },
    endLife() {
      life.abort()
      life = new AbortController()
      current = undefined
    },
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
