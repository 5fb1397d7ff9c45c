import type { Argument, Command, Option } from 'commander'

/** The commands with all that completion asks of them: what the package keeps, because commander alone takes half its time. */
export interface CommandTree {
  readonly name: string
  readonly about: string
  /** Hidden ones are not offered, and known all the same. */
  readonly isHidden: boolean
  readonly commands: readonly CommandTree[]
  readonly options: readonly OptionLeaf[]
  readonly values: readonly ValueLeaf[]
}

/** What a command takes, or an option. */
export interface ValueLeaf {
  /** What the usage calls it. */
  readonly name: string
  readonly choices?: readonly string[] | undefined
  /** As many as there are. */
  readonly isMany?: boolean
}

export interface OptionLeaf {
  readonly long: string
  readonly short?: string | undefined
  readonly about: string
  readonly isHidden: boolean
  /** Undefined for a flag. */
  readonly value?: ValueLeaf | undefined
}

export function treeOf(command: Command): CommandTree {
  const help = command.createHelp()
  const [commands, options] = [help.visibleCommands(command), help.visibleOptions(command)]
  const named = (one: Command) => command.commands.find((other) => other.name() === one.name())
  return {
    name: command.name(),
    about: command.description(),
    isHidden: false,
    // The help that commander adds is among those that are seen, and not among the others.
    commands: [
      ...commands.map((one) => treeOf(named(one) ?? one)),
      ...command.commands.filter((one) => !commands.includes(one)).map((one) => ({ ...treeOf(one), isHidden: true })),
    ],
    options: [
      ...options.map((one) => optionOf(one, false)),
      ...command.options.filter((one) => !options.includes(one)).map((one) => optionOf(one, true)),
    ],
    values: command.registeredArguments.map(valueOf),
  }
}

function optionOf(
  { long, short, description, flags, required, optional, argChoices }: Option,
  isHidden: boolean,
): OptionLeaf {
  // `node` of `--node <node>`.
  const name = /[<[]([a-z-]+)/.exec(flags)?.[1] ?? ''
  return {
    long: long ?? short ?? '',
    short,
    about: description,
    isHidden,
    ...(required || optional ? { value: { name, choices: argChoices } } : {}),
  }
}

function valueOf(argument: Argument): ValueLeaf {
  return { name: argument.name(), choices: argument.argChoices, ...(argument.variadic ? { isMany: true } : {}) }
}
