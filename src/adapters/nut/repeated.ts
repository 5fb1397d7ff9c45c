import { AgentError } from '../../core/errors.ts'
import { withoutSecrets } from '../../core/hidden.ts'
import { quoteWord } from './quoting.ts'

/** As it is sent; for errors it is `PASSWORD`. @throws AgentError as quoteWord */
export function passwordCommand(password: string): string {
  return `PASSWORD ${quoteWord(password)}`
}

/** What a server sends, without our password: some repeat what they get. */
export interface Hiding {
  /** A line without the command that we have sent: whatever it is taken for, it would be shown as what the server has said. */
  line(text: string): string
  /** The words of a refusal. */
  words(all: readonly string[]): readonly string[]
  /** The error for what does not fit, with the line. */
  misfit(why: string, text?: string): AgentError
}

/** `at` is the server, `host:port`. */
export function createHiding(at: string, password: string | undefined): Hiding {
  const command = password === undefined ? undefined : passwordCommand(password)
  // The password alone may be a word of the protocol: it is hidden in errors, and left in what is read.
  const shown = (text: string, longest: number) => withoutSecrets(text, [password]).slice(0, longest)
  return {
    line: (text) => (command === undefined ? text : text.replaceAll(command, 'PASSWORD …')),
    words: (all) => (all.length === 0 ? [] : [shown(all.join(' '), 200)]),
    misfit: (why, text) =>
      new AgentError('malformed', `upsd at ${at} ${why}${text === undefined ? '' : `: ${shown(text, 80)}`}`),
  }
}
