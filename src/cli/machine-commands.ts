import { InvalidArgumentError, Option } from 'commander'
import type { MachineDetails } from '../core/provision/requests.ts'
import { demandYes } from './confirm.ts'
import { addMachineRenderCommands } from './machine-render-commands.ts'
import { output } from './output.ts'
import { ask, command, exit, group, type Options, print, say } from './shell.ts'

const rendering = () => import('./render-machines.ts')
const named = (machine: string | undefined) => ({ param: { machine: encodeURIComponent(machine!) } })

/** The commands about machines on their way into the cluster. */
export function addMachineCommands(): void {
  group('machine', 'machines on their way into the cluster')
  command('machine list', 'machines on their way into the cluster, those that wait for you first', async (options) => {
    const machines = await ask(options, (daemon) => daemon.machines.$get())
    await print(options, machines, async (zone) => (await rendering()).renderMachines(machines, await zone()))
    return exit.ok
  })
  command(
    'machine show <machine>',
    'one machine, by its name, UUID, MAC address, address or code',
    async (options, [machine], extra) => {
      if (extra['console'] === true) return showConsole(options, machine)
      const details = await find(options, machine)
      await print(options, details, async (zone) => (await rendering()).renderMachine(details, await zone()))
      return exit.ok
    },
  ).option('--console', 'what it shows on its screen, where it waits in maintenance')
  command('machine export', 'nodes that have joined, as YAML for the configuration', async (options) => {
    const nodes = await ask(options, (daemon) => daemon.inventory.$get())
    await print(options, nodes, async () => (await rendering()).renderInventory(nodes))
    return exit.ok
  })
  addApprove()
  command(
    'machine reject <machine> [why...]',
    'give a machine no configuration',
    (options, [machine, ...words], extra) => {
      const { allBut } = extra as { readonly allBut?: string }
      const json = {
        ...(words.length === 0 ? {} : { reason: words.join(' ') }),
        ...(allBut === undefined ? {} : { allBut }),
      }
      return say(options, (daemon) => daemon.machines[':machine'].reject.$post({ ...named(machine), json }))
    },
  ).option('--all-but <address>', 'reject everyone who claims to be it, for an hour, but for this address')
  command('machine forget <machine>', 'forget a machine: if it asks again it is new', (options, [machine]) =>
    say(options, (daemon) => daemon.machines[':machine'].forget.$post(named(machine))),
  )
  addMachineRenderCommands()
}

function find(options: Options, machine: string | undefined): Promise<MachineDetails> {
  return ask(options, (daemon) => daemon.machines[':machine'].$get(named(machine)))
}

async function showConsole(options: Options, machine: string | undefined): Promise<number> {
  const shown = await ask(options, (daemon) => daemon.machines[':machine'].console.$get(named(machine)))
  await print(options, shown, () =>
    Promise.resolve(shown.lines.length === 0 ? 'It has sent nothing of its console' : shown.lines.join('\n')),
  )
  return exit.ok
}

function addApprove(): void {
  command(
    'machine approve <machine>',
    'let a machine have its configuration, once',
    async (options, [machine], extra) => {
      const details = await find(options, machine)
      const { role, name, label, patch } = extra as Approving
      for (const { kind, text } of details.evidence) if (kind !== 'for') output.note(`caretaker: ${kind}: ${text}`)
      const as = role ?? details.order?.role
      const key = details.maintenance?.fingerprint
      await demandYes(extra, {
        question: `Let ${details.mac ?? details.id} at ${details.address ?? 'an unknown address'}, whose console shows ${details.code ?? 'no code'}${key === undefined ? '' : ` and the key ${key}`}, have a configuration${as === undefined ? '' : ` as ${as}`}, with secrets of the cluster?`,
        hint: `compare the code ${details.code ?? ''} with its console, and add --yes`,
      })
      const json = {
        ...(role === undefined ? {} : { role }),
        ...(name === undefined ? {} : { name }),
        ...(label === undefined ? {} : { labels: label }),
        ...(patch === undefined ? {} : { patches: [...patch] }),
        ...(key === undefined ? {} : { fingerprint: key }),
        force: extra['force'] === true,
      }
      // Who was looked at is who is approved, whatever has come meanwhile.
      const code = machine === details.code ? machine : details.claimants.length === 1 ? details.code : machine
      return say(options, (daemon) => daemon.machines[':machine'].approve.$post({ ...named(code), json }))
    },
  )
    .addOption(
      new Option('--role <role>', 'what it becomes (default: as machines.yaml says)').choices([
        'controlplane',
        'worker',
      ]),
    )
    .option('--name <name>', 'its hostname, and its name in Kubernetes (default: as machines.yaml says)')
    .option('--label <key=value>', 'a label of its node; may be repeated', addLabel)
    .option('--patch <file>', 'a patch of the folder of machines.yaml; may be repeated', addPatch)
    .option('--force', 'a control plane also where the cluster is whole, or nothing speaks for the machine')
    .option('--yes', 'do not ask')
}

interface Approving {
  readonly role?: 'controlplane' | 'worker'
  readonly name?: string
  readonly label?: Readonly<Record<string, string>>
  readonly patch?: readonly string[]
}

function addLabel(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('use KEY=VALUE')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

function addPatch(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}
