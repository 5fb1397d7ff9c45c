import { basename } from 'node:path'
import { InvalidArgumentError } from 'commander'
import { AgentError } from '../core/errors.ts'
import { type Way, ways } from '../core/provision/question.ts'
import type { RegisteredSchematic } from '../core/release/schematic.ts'
import { output } from './output.ts'
import type { SchematicAnswer } from './schematic-answers.ts'
import { ask, command, exit, group, loadWhole, type Options, print } from './shell.ts'
import { notRemote, serverOf } from './server.ts'

/** In ms: catalogues of some releases. */
const checksWithin = 60_000

export function addSchematicCommands(): void {
  group('schematic', 'Image Factory schematics')
  command('schematic id <file>', 'print the id of a schematic', async (options, [file]) => {
    const { id } = await readSchematic(file!)
    await print(options, { id }, async () => id)
    return exit.ok
  })
  command(
    'schematic check <file>',
    'check a schematic against the releases that may come, and show what applying it leads to',
    async (options, [file], extra) => {
      if (serverOf(options) !== undefined) throw notRemote('the Factory is asked')
      const [settings, { checkSchematicFile }] = await Promise.all([
        loadWhole(options),
        import('./schematic-answers.ts'),
      ])
      const after = await readSchematic(file!)
      const given = extra['as']
      const name = typeof given === 'string' ? given : basename(file!).replace(/\.ya?ml$/, '')
      // Nodes and what is in force are the daemon's; without one there is only the Factory.
      const nodes = await ask(options, (daemon) => daemon.nodes.$get()).catch(() => [])
      const signal = AbortSignal.timeout(checksWithin)
      const answer: SchematicAnswer = await checkSchematicFile({ settings, name, after, nodes }, signal)
      await print(options, answer, async () => (await import('./render-schematic.ts')).renderSchematicCheck(answer))
      return answer.findings.some(({ severity }) => severity === 'error') ? exit.failed : exit.ok
    },
  ).option('--as <name>', 'the schematic of the configuration that it is to replace (default: by the name of the file)')
  command(
    'schematic delivery <name>',
    'have the machines that boot a schematic ask Caretaker for their configuration: shows what changes in its file',
    delivery,
  )
    .option('--way <way>', 'how they ask: device-flow, plain or maintenance (default: machineConfig.way)', readWay)
    .option('--no-serial', 'do not send serial numbers: a machine without one waits 90 s for it at every try')
    .option('--yes', 'write it')
  command('schematic diff <a> <b>', 'what differs between two schematics: files, or names of the configuration', diff)
}

function readWay(text: string): Way {
  const way = ways.find((one) => one === text)
  if (way === undefined) throw new InvalidArgumentError(`use ${ways.join(', ')}`)
  return way
}

async function delivery(
  options: Options,
  [name]: readonly string[],
  extra: Readonly<Record<string, unknown>>,
): Promise<number> {
  if (serverOf(options) !== undefined) throw notRemote('a file is edited')
  const [settings, { planDelivery }] = await Promise.all([loadWhole(options), import('./delivery-answers.ts')])
  const nodes = await ask(options, (daemon) => daemon.nodes.$get()).catch(() => [])
  const { answer, text, edited } = await planDelivery({
    settings,
    name: name!,
    nodes,
    way: extra['way'] as Way | undefined,
    variables: extra['serial'] === false ? ['uuid', 'mac'] : ['uuid', 'mac', 'serial'],
  })
  const isToWrite = extra['yes'] === true && answer.diff !== '' && answer.errors.length === 0
  if (isToWrite) {
    const { replaceFile } = await import('../main/replace-file.ts')
    const replaced = await replaceFile(answer.file, text, edited)
    if (!replaced.done) throw new AgentError('misconfigured', replaced.why)
  }
  const told = { ...answer, isWritten: isToWrite }
  await print(options, told, async () => (await import('./render-schematic.ts')).renderDelivery(told))
  if (answer.errors.length > 0) return exit.failed
  if (answer.diff !== '' && !isToWrite) output.note('caretaker: nothing written; add --yes to write it')
  return exit.ok
}

async function diff(options: Options, [a, b]: readonly string[]): Promise<number> {
  const { differencesOf } = await import('../core/release/schematic-difference.ts')
  const [one, other] = [await readNamed(options, a!), await readNamed(options, b!)]
  const differences = differencesOf(one.schematic, other.schematic)
  const answer = {
    a: { name: a!, id: one.id },
    b: { name: b!, id: other.id },
    differences,
    isSameId: one.id === other.id,
  }
  await print(options, answer, async () => (await import('./render-schematic.ts')).renderSchematicDiff(answer))
  return exit.ok
}

/** A file, or a schematic of the configuration by its name. */
async function readNamed(options: Options, name: string): Promise<RegisteredSchematic> {
  const { existsSync } = await import('node:fs')
  if (existsSync(name) || !/^[a-z0-9][-a-z0-9.]*$/.test(name)) return readSchematic(name)
  const { schematics } = await loadWhole(options)
  return readSchematic(`${schematics}/${name}.yaml`)
}

async function readSchematic(file: string): Promise<RegisteredSchematic> {
  const [{ readText }, { toSchematic }] = await Promise.all([
    import('../main/file-gate.ts'),
    import('../main/settings.ts'),
  ])
  return toSchematic(await readText(file), file)
}
