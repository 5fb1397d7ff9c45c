import { type Command, CommanderError } from 'commander'

/** What may stand before `caretaker` on a line, and whether it stands for the word itself. */
const before =
  /^(?:\w+=\S+ +)*(?:(?:sudo (?:-u \S+ )?|runuser -u \S+ -- |docker (?:compose )?exec (?:-\S+ )*\w+ )?(?:\S*bin\/)?caretaker|docker compose run --rm (?!.*--entrypoint)(?:-\S+ (?:\S+ )??)*agent)(?: +|$)/

/** The words behind `caretaker` of each call of it in a line of shell, or of code in a sentence; empty where it is none. */
export function callsIn(line: string): readonly (readonly string[])[] {
  return line
    .replace(/(^|\s)#.*$/, '')
    .split(/\|\||&&|;|(?<=\s)\|(?=\s)|\$\(|(?<!<)\)/)
    .map((part) => part.trim())
    .filter((part) => before.test(part))
    .flatMap((part) => alternativesOf(wordsOf(part.replace(before, ''))))
}

/** Words, without quotes, brackets of what may be left out, and where output goes. */
function wordsOf(line: string): readonly string[] {
  const bare = line.replaceAll(/\s\d?>+\s*\S+|\s2>&1|\s&$/g, '').replaceAll(/[[\]]/g, ' ')
  return [...bare.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, plain]) => double ?? single ?? plain!)
}

/** `completion bash|zsh` is two calls. */
function alternativesOf(words: readonly string[]): readonly (readonly string[])[] {
  const index = words.findIndex((word) => /^[\w-]+(\|[\w-]+)+$/.test(word))
  if (index < 0) return [words]
  return words[index]!.split('|').flatMap((one) => alternativesOf(words.with(index, one)))
}

/** Has every command of the tree do nothing, so that lines can be parsed by commander itself. */
export function disarm(command: Command): void {
  command.configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} })
  if (command.commands.length === 0) command.action(() => {})
  for (const one of command.commands) disarm(one)
}

/** What commander says against a call; undefined where there is nothing. */
export async function faultOf(program: Command, words: readonly string[]): Promise<string | undefined> {
  try {
    await program.parseAsync([...words], { from: 'user' })
    return undefined
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? undefined : error.message
    throw error
  }
}
