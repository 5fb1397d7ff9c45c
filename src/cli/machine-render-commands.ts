import { InvalidArgumentError, Option } from 'commander'
import { AgentError } from '../core/errors.ts'
import { notRemote, serverOf } from './server.ts'
import { ask, command, exit, print, say } from './shell.ts'
import { output } from './output.ts'

/** Larger is no secrets bundle, and no configuration, in bytes. */
const largestFile = 60_000

/** Adds the commands about configurations to the group `machine`. */
export function addMachineRenderCommands(): void {
  command(
    'machine render <machine>',
    'what a machine would get as its configuration, with secrets masked',
    async (options, [machine], extra) => {
      const { role, name, label, patch, diff } = extra as RenderOptions
      const json = {
        ...(role === undefined ? {} : { role }),
        ...(name === undefined ? {} : { name }),
        ...(label === undefined ? {} : { labels: Object.fromEntries(label) }),
        ...(patch === undefined ? {} : { patches: [...patch] }),
      }
      const param = { machine: encodeURIComponent(machine!) }
      const made = await ask(options, (daemon) => daemon.machines[':machine'].render.$post({ param, json }))
      await print(options, made, async () =>
        (await import('./render-machine-config.ts')).renderConfig(made, diff === true),
      )
      if (!options.json) for (const one of made.warnings) output.note(`warning: ${one}`)
      return exit.ok
    },
  )
    .addOption(new Option('--role <role>', 'what it is to become').choices(['controlplane', 'worker']))
    .option('--name <name>', 'what it is to be called')
    .addOption(
      new Option('--label <label=value>', 'a label of its node; several times for several').argParser(readLabel),
    )
    .addOption(new Option('--patch <file>', 'a file of patches in config/machines').argParser(collect))
    .option('--diff', 'only what the patches change')
  command(
    'machine secrets <file>',
    'import the secrets of the cluster: secrets.yaml of talosctl, or the configuration of a control plane',
    async (options, [file], extra) => {
      if (serverOf(options) !== undefined) throw notRemote('the secrets of a cluster are imported')
      const { readText } = await import('../main/file-gate.ts')
      const text = await readText(file!)
      if (text.trim() === '') throw new AgentError('misconfigured', `${file} is empty`)
      if (text.length > largestFile) throw new AgentError('misconfigured', `${file} is larger than a configuration`)
      return say(options, (daemon) =>
        daemon['machine-secrets'].$post({ json: { text, replace: extra['replace'] === true } }),
      )
    },
  ).option('--replace', 'they take the place of others: machines get these from then on')
}

interface RenderOptions {
  readonly role?: 'controlplane' | 'worker'
  readonly name?: string
  readonly label?: readonly (readonly [string, string])[]
  readonly patch?: readonly string[]
  readonly diff?: boolean
}

function readLabel(text: string, before: readonly (readonly [string, string])[] = []) {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('use a label such as gpu=nvidia')
  return [...before, [text.slice(0, at), text.slice(at + 1)] as const]
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}
