import process from 'node:process'
import { Argument } from 'commander'
import { exit, program } from './shell.ts'
import { output } from './output.ts'

/** The commands that a shell completes by. */
export function addCompletionCommands(): void {
  program
    .command('completion')
    .description('the script by which a shell completes commands and names: eval "$(caretaker completion bash)"')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { scripts } = await import('./completion-scripts.ts')
      output.frame(scripts[shell])
      process.exitCode = exit.ok
    })
  // Asked by those scripts at each Tab. It answers at once or not at all, and says nothing of what is wrong.
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .option('--tree', 'the commands, as the package keeps them')
    .action(async (words: readonly string[], { tree }: { readonly tree?: true }) => {
      const [{ complete }, { treeOf }] = await Promise.all([import('./complete.ts'), import('./command-tree.ts')])
      if (tree) output.json(treeOf(program))
      else output.frame(await complete(treeOf(program), words))
    })
}
