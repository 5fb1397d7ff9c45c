import { fromBinary } from '@bufbuild/protobuf'
import type { NodeActivity } from '../../core/cluster/ports.ts'
import { asRecord, machineStatus, readSpec, textOf } from './resources.ts'
import { type Event, PhaseEvent_Action, PhaseEventSchema } from './gen/machine_pb.ts'
import type { Session } from './session.ts'

/** How many of the past events are asked for: a sequence has some fifteen phases, each with some tasks and services. */
const tailEvents = 200
/** Past events arrive at once: what arrives later than this, in ms, is new. */
const pastWithin = 300

/**
 * What a node is doing now. Its stage says that it is shutting down; the phase that it hangs in is only in its events
 * (siderolabs/talos internal/app/machined/pkg/runtime/events.go).
 */
export async function readActivity(session: Session, signal: AbortSignal): Promise<NodeActivity> {
  const { stage } = asRecord(await readSpec(session, machineStatus))
  // Not in parallel: opening the connection may take longer than the past events do.
  const phase = await lastPhase(session, signal).catch(() => undefined)
  return { stage: textOf(stage) ?? 'unknown', phase }
}

/** The last phase that has started and not stopped. */
async function lastPhase({ machine }: Session, signal: AbortSignal): Promise<string | undefined> {
  const past = AbortSignal.any([signal, AbortSignal.timeout(pastWithin)])
  let current: string | undefined
  try {
    for await (const event of machine.events({ tailEvents }, { signal: past })) {
      const { phase, begins } = phaseOf(event) ?? {}
      if (phase !== undefined) current = begins ? phase : current === phase ? undefined : current
    }
  } catch (error) {
    // The stream never ends: only the time limit says that the past events are through.
    if (!past.aborted || signal.aborted) throw error
  }
  return current
}

function phaseOf({ data }: Event): { readonly phase: string; readonly begins: boolean } | undefined {
  if (data?.typeUrl !== 'talos/runtime/machine.PhaseEvent') return undefined
  const { phase, action } = fromBinary(PhaseEventSchema, data.value)
  return { phase, begins: action === PhaseEvent_Action.START }
}
