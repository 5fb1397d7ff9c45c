import { fromBinary } from '@bufbuild/protobuf'
import { parseYaml } from '../../yaml.ts'
import { Error_Code } from './gen/common_pb.ts'
import {
  ConfigLoadErrorEventSchema,
  ConfigValidationErrorEventSchema,
  type Event,
  MachineStatusEvent_MachineStageSchema,
  MachineStatusEventSchema,
  PhaseEvent_Action,
  PhaseEventSchema,
  RestartEventSchema,
  type SequenceEvent,
  SequenceEvent_Action,
  SequenceEventSchema,
  ServiceStateEvent_Action,
  ServiceStateEventSchema,
  TaskEvent_Action,
  TaskEventSchema,
} from './gen/machine_pb.ts'
import { machineStatus } from './resources.ts'
import type { Session } from './session.ts'

/**
 * The stage that the node is in, and from then on its events in short sentences. Once it has begun it only ends: that
 * the node goes away in the middle of it is what it is there to show. After a kexec it may never end but by its signal.
 *
 * COSI's Watch would tell no more: whatever changes the machine's status is an event too, and sequences are events only.
 */
export async function* followEvents(session: Session, signal: AbortSignal): AsyncGenerator<string> {
  let last: string | undefined
  try {
    for await (const event of withoutFalseEnds(session.machine.events({}, { signal }))) {
      // The first one is an empty hello: from now on nothing is missed.
      const sentence = last === undefined ? await currentStage(session, signal) : sentenceOf(event)
      if (sentence === undefined || sentence === last) continue
      last = sentence
      yield sentence
    }
  } catch (error) {
    if (last === undefined) throw error
  }
}

/** How long the end of a sequence waits for the word that it was none, in ms: Talos sends both at once. */
const endWaits = 200

/**
 * A sequence that fails, or that another one takes the lock from, first says that it ended, and then why it did not; the
 * stage of the machine may change between the two (siderolabs/talos runtime/v1alpha1/v1alpha1_controller.go). Such an end
 * is left out: it waits, with what comes after it, for the next word about sequences.
 */
export async function* withoutFalseEnds<E extends Pick<Event, 'data'>>(events: AsyncIterable<E>): AsyncGenerator<E> {
  const source = events[Symbol.asyncIterator]()
  let held: { readonly end: E; readonly sequence: string; readonly until: number; readonly after: E[] } | undefined
  let next = source.next()
  while (true) {
    if (held && (await isLate(next, held.until - performance.now()))) {
      yield held.end
      yield* held.after
      held = undefined
    }
    const [item] = await Promise.allSettled([next])
    const event = item.status === 'fulfilled' && item.value.done !== true ? item.value.value : undefined
    const said = event && sequenceIn(event)
    if (held && event !== undefined && said === undefined) {
      held.after.push(event)
      next = source.next()
      continue
    }
    if (held) {
      if (!(said?.error && said.sequence === held.sequence)) yield held.end
      yield* held.after
      held = undefined
    }
    // It ends, or fails, as the source did.
    if (event === undefined) return void (await next)
    if (said?.action === SequenceEvent_Action.STOP && !said.error)
      held = { end: event, sequence: said.sequence, until: performance.now() + endWaits, after: [] }
    else yield event
    next = source.next()
  }
}

async function isLate(next: Promise<unknown>, left: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(true), Math.max(0, left))))
  const arrived = () => false
  return Promise.race([late, next.then(arrived, arrived)]).finally(() => clearTimeout(timer))
}

function sequenceIn({ data }: Pick<Event, 'data'>): SequenceEvent | undefined {
  return data?.typeUrl === kind('SequenceEvent') ? fromBinary(SequenceEventSchema, data.value) : undefined
}

async function currentStage({ state }: Session, signal: AbortSignal): Promise<string> {
  const { resource } = await state.get(machineStatus, { signal })
  const spec = parseYaml(resource?.spec?.yamlSpec ?? '', machineStatus.type) as {
    stage?: string
    status?: { ready?: boolean; unmetConditions?: { name: string; reason: string }[] }
  } | null
  return ofStage(spec?.stage ?? 'unknown', spec?.status?.ready === true, spec?.status?.unmetConditions ?? [])
}

const kind = (name: string) => `talos/runtime/machine.${name}`

/** What an event says, where it says something (siderolabs/talos internal/app/machined/pkg/runtime/events.go). */
export function sentenceOf({ data }: Pick<Event, 'data'>): string | undefined {
  const value = data?.value ?? new Uint8Array()
  switch (data?.typeUrl ?? '') {
    case kind('SequenceEvent'):
      return ofSequence(fromBinary(SequenceEventSchema, value))
    case kind('PhaseEvent'): {
      const { phase, action } = fromBinary(PhaseEventSchema, value)
      return action === PhaseEvent_Action.START ? `phase ${phase}` : undefined
    }
    case kind('TaskEvent'): {
      const { task, action } = fromBinary(TaskEventSchema, value)
      return action === TaskEvent_Action.START ? `task ${task}` : undefined
    }
    case kind('ServiceStateEvent'):
      return ofService(value)
    case kind('MachineStatusEvent'):
      return ofStatus(value)
    case kind('RestartEvent'):
      return restarts[String(fromBinary(RestartEventSchema, value).cmd)] ?? 'it reboots'
    case kind('ConfigLoadErrorEvent'):
      return `its machine configuration could not be loaded: ${fromBinary(ConfigLoadErrorEventSchema, value).error}`
    case kind('ConfigValidationErrorEvent'):
      return `its machine configuration is not valid: ${fromBinary(ConfigValidationErrorEventSchema, value).error}`
    default:
      return undefined
  }
}

/** By what the kernel's reboot call is given (linux/reboot.h). */
const restarts: Readonly<Record<string, string>> = {
  19088743: 'it reboots',
  1163412803: 'it reboots by kexec',
  1126301404: 'it powers off',
  3454992675: 'it halts',
}

/**
 * A sequence that is refused is told of without an actor and after the call was answered with OK: LOCKED. The last task
 * of a reboot never returns, which Talos calls FATAL: that is how it succeeds.
 */
function ofSequence({ sequence, action, error }: SequenceEvent): string {
  const name = `sequence ${sequence}`
  if (!error) return `${name} ${action === SequenceEvent_Action.START ? 'started' : 'ended'}`
  const why = error.message.replace(/^sequence (not started|failed): /, '')
  if (error.code === Error_Code.LOCKED) return `${name} was not started: ${why}`
  if (error.code === Error_Code.CANCELED) return `${name} was interrupted: ${why}`
  return /unix\.Reboot\(/.test(why) ? `${name} ended` : `${name} failed: ${why}`
}

const stateWords: Partial<Record<ServiceStateEvent_Action, string>> = {
  [ServiceStateEvent_Action.RUNNING]: 'is running',
  [ServiceStateEvent_Action.FINISHED]: 'finished',
  [ServiceStateEvent_Action.FAILED]: 'failed',
}

function ofService(value: Uint8Array): string | undefined {
  const { service, action, message } = fromBinary(ServiceStateEventSchema, value)
  const words = stateWords[action]
  if (words === undefined) return undefined
  const why = action === ServiceStateEvent_Action.FAILED && message !== '' ? `: ${message}` : ''
  return `service ${service} ${words}${why}`
}

function ofStatus(value: Uint8Array): string {
  const { stage, status } = fromBinary(MachineStatusEventSchema, value)
  const word = MachineStatusEvent_MachineStageSchema.value[stage]?.name.toLowerCase().replaceAll('_', ' ')
  return ofStage(word ?? `number ${stage}`, status?.ready === true, status?.unmetConditions ?? [])
}

/** In any stage but booting and running a node says that it is ready, whatever its state. */
function ofStage(stage: string, ready: boolean, unmet: readonly { name: string; reason: string }[]): string {
  if (unmet.length > 0) {
    return `stage ${stage}, waiting for ${unmet.map(({ name, reason }) => `${name}: ${reason}`).join(', ')}`
  }
  return stage === 'running' && ready ? 'stage running, ready' : `stage ${stage}`
}
