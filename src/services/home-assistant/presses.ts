import { createTurns } from '../../core/at-once.ts'
import { AgentError } from '../../core/errors.ts'
import type { Command } from '../../core/home-assistant/command.ts'
import type { Operator } from '../../core/operator.ts'
import type { RequestAnswer } from '../../core/request-answer.ts'
import type { ServiceContext } from '../../operations/service.ts'

type Context = Pick<ServiceContext<unknown>, 'operator' | 'log' | 'signal' | 'monotonic'>

/** So many presses wait for the one before, and so many of one button count within a minute; more than that nobody means. */
const mostPresses = 5
/** In ms. */
const countedFor = 60_000

export interface Presses {
  press(command: Command): void
  /** What the last press came to. */
  readonly answer: string | undefined
  /** Called with each answer; one listener at a time. */
  onAnswer(listener: () => void): void
}

/** Who asks: whoever may publish at the broker. */
const by = { name: 'Home Assistant', verified: false }

/** Does what is pressed, one after another. */
export function createPresses({ operator, log, signal, monotonic }: Context): Presses {
  const pressed = new Map<Command, readonly number[]>()
  let answer: string | undefined
  let tell = () => {}
  let waiting = 0
  const inTurn = createTurns()

  async function perform(command: Command): Promise<void> {
    try {
      answer = (await request(operator, command, { by, signal })).said
    } catch (error) {
      if (!(error instanceof AgentError)) log.error({ err: error, command }, 'a button of Home Assistant failed')
      answer = error instanceof AgentError ? error.message : 'internal error; see the log'
    }
    waiting -= 1
    tell()
  }

  /** Each button for itself: a flood of one must not keep people from cancelling a shutdown. */
  function isMeant(command: Command): boolean {
    const now = monotonic()
    const before = (pressed.get(command) ?? []).filter((at) => now - at < countedFor)
    if (before.length >= mostPresses) return false
    pressed.set(command, [...before, now])
    return true
  }

  return {
    press: (command) => {
      if (waiting >= mostPresses || !isMeant(command)) return
      waiting += 1
      void inTurn(() => perform(command))
    },
    get answer() {
      return answer
    },
    onAnswer: (listener) => {
      tell = listener
    },
  }
}

function request(
  operator: Operator,
  command: Command,
  asked: Parameters<Operator['power']['cancel']>[0],
): Promise<RequestAnswer> {
  const { rollouts, power } = operator
  switch (command) {
    case 'approve':
      return rollouts.approve({}, asked)
    case 'pause':
      return rollouts.pause({ reason: 'requested in Home Assistant' }, asked)
    case 'resume':
      return rollouts.resume(asked)
    case 'cancel_shutdown':
      return power.cancel(asked)
    case 'wake':
      return power.wake({}, asked)
    default:
      return command satisfies never
  }
}
