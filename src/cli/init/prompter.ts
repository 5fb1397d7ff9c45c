import process from 'node:process'
import { AgentError } from '../../core/errors.ts'
import { printable, printableLines } from '../../core/printable.ts'

/** Whoever answers questions: a person at a terminal. Each question rejects when the person leaves it by Ctrl-C. */
export interface Prompter {
  text(question: TextQuestion): Promise<string>
  /** Not shown as it is typed. */
  secret(message: string): Promise<string>
  choose<T extends string>(message: string, options: readonly Option<T>[], initial: T): Promise<T>
  chooseSeveral(message: string, options: readonly string[], initial: readonly string[]): Promise<readonly string[]>
  confirm(message: string, initial: boolean): Promise<boolean>
}

export interface TextQuestion {
  readonly message: string
  /** Stands there already, and is taken by Enter. */
  readonly initial?: string | undefined
  /** What an answer looks like. */
  readonly example?: string
  /** Why an answer won't do. */
  readonly check?: (answer: string) => string | undefined
}

export interface Option<T extends string> {
  readonly value: T
  readonly label: string
}

/** The person has left: nothing was written. */
export class Left extends AgentError {
  constructor() {
    super('rejected', 'nothing was written')
  }
}

/** Prompts on stderr, so that stdout has the answer alone. @clack/prompts is loaded by nothing else. */
export async function createPrompter(signal: AbortSignal): Promise<Prompter> {
  const clack = await import('@clack/prompts')
  // Serial consoles and some containers have no size: a letter would stand on each line.
  if (!process.stderr.columns) process.stderr.columns = 80
  if (!process.stderr.rows) process.stderr.rows = 24
  const common = { output: process.stderr, signal }
  const taken = <T>(answer: T): Exclude<T, symbol> => {
    if (clack.isCancel(answer)) throw new Left()
    return answer as Exclude<T, symbol>
  }
  return {
    text: async ({ message, initial, example, check }) => {
      const answer = await clack.text({
        ...common,
        message: printable(message),
        ...(initial === undefined ? {} : { initialValue: printable(initial) }),
        ...(example === undefined ? {} : { placeholder: example }),
        validate: (given) => {
          const why = check?.((given ?? '').trim())
          return why === undefined ? undefined : printable(why)
        },
      })
      return (taken(answer) ?? '').trim()
    },
    secret: async (message) => taken(await clack.password({ ...common, message: printable(message) })) ?? '',
    choose: async (message, options, initial) =>
      taken(
        await clack.select<string>({
          ...common,
          message: printable(message),
          options: options.map(({ value, label }) => ({ value, label: printable(label) })),
          initialValue: initial,
        }),
      ) as typeof initial,
    chooseSeveral: async (message, options, initial) =>
      taken(
        await clack.multiselect<string>({
          ...common,
          message: printable(message),
          options: options.map((value) => ({ value, label: printable(value) })),
          initialValues: [...initial],
          required: true,
        }),
      ),
    confirm: async (message, initial) =>
      taken(await clack.confirm({ ...common, message: printableLines(message), initialValue: initial })),
  }
}
