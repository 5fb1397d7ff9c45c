import process from 'node:process'
import type { Argument, Command, Option } from 'commander'

/** `docs/commands.md`: every command with its arguments and options, from the command line itself. */

/** The command line with all its commands, none of which is carried out. */
export async function wholeProgram(): Promise<Command> {
  const { program } = await import('../src/cli/shell.ts')
  if (program.commands.length > 0) return program
  const given = process.argv
  // Without a word it prints its help, which nobody is to see.
  const { writeOut } = program.configureOutput()
  program.configureOutput({ writeOut: () => {} })
  process.argv = given.slice(0, 2)
  await import('../src/cli.ts')
  process.argv = given
  program.configureOutput({ ...(writeOut && { writeOut }) })
  return program
}

/** A command that does something, with the words that call it. */
export interface Leaf {
  readonly words: readonly string[]
  readonly command: Command
}

/** Those below a command, as its help lists them: without hidden ones. */
export function leavesOf(command: Command, words: readonly string[] = []): readonly Leaf[] {
  const below = command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== 'help')
  if (below.length === 0) return [{ words, command }]
  return below.flatMap((one) => leavesOf(one, [...words, one.name()]))
}

/** The page. */
export async function commandsPage(): Promise<string> {
  const program = await wholeProgram()
  const leaves = leavesOf(program)
  const parts = [
    '# All commands',
    'Made from the command line itself by `npm run generate`; edits here are lost. `caretaker COMMAND --help` says the same. What is ' +
      'in `<…>` must be given, what is in `[…]` may be.',
    '| command | what it does |\n| --- | --- |\n' +
      leaves.map(({ words, command }) => `| ${linkTo(words)} | ${cell(command.description())} |`).join('\n'),
    '## Options of every command',
    optionsOf(program.options),
    remarksOf(program),
    ...leaves.flatMap(({ words, command }) => [
      `## ${words.join(' ')}`,
      `\`caretaker ${[...words, ...command.registeredArguments.map(argumentOf)].join(' ')}\``,
      sentence(command.description()),
      argumentsOf(command.registeredArguments),
      optionsOf(command.options.filter(({ hidden }) => !hidden)),
      remarksOf(command),
    ]),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

const linkTo = (words: readonly string[]) => `[\`${words.join(' ')}\`](#${words.join('-')})`
const cell = (text: string) => text.replaceAll('|', '\\|')

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

function argumentOf(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

function argumentsOf(all: readonly Argument[]): string {
  const told = all.filter(({ description, argChoices }) => description !== '' || argChoices)
  if (told.length === 0) return ''
  const rows = told.map((one) => `| \`${argumentOf(one)}\` | ${about(one.description, one.argChoices)} |`)
  return ['| argument | what it is |', '| --- | --- |', ...rows].join('\n')
}

/** What its help says below the options. */
function remarksOf(command: Command): string {
  let told = ''
  const { writeOut } = command.configureOutput()
  command.configureOutput({ writeOut: (text) => void (told += text) })
  command.outputHelp()
  command.configureOutput({ ...(writeOut && { writeOut }) })
  const remarks = told.slice(told.lastIndexOf(command.helpInformation()) + command.helpInformation().length).trim()
  return remarks === '' ? '' : `\`\`\`text\n${remarks}\n\`\`\``
}

/** Of `--json` alone nothing is said: every command has it. */
function optionsOf(all: readonly Option[]): string {
  const rows = all
    .filter(({ long }) => long !== '--json' && long !== '--version')
    .map(({ flags, description, argChoices, defaultValue }) => {
      const usual = typeof defaultValue === 'string' ? ` (default: \`${defaultValue}\`)` : ''
      return `| \`${cell(flags)}\` | ${about(description, argChoices)}${usual} |`
    })
  return rows.length === 0 ? '' : ['| option | what it does |', '| --- | --- |', ...rows].join('\n')
}

function about(description: string, choices: readonly string[] | undefined): string {
  const told = choices ? [choices.map((one) => `\`${one}\``).join(', ')] : []
  return [...(description === '' ? [] : [cell(description)]), ...told].join(': ')
}
