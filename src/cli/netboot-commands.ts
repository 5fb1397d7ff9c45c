import { Option } from 'commander'
import { type RouterKind, routerKinds } from '../core/netboot/recipes/routers.ts'
import { ask, command, exit, group, print, say } from './shell.ts'

const rendering = () => import('./render-netboot.ts')

/** The commands about machines that boot from the network. */
export function addNetbootCommands(): void {
  group('netboot', 'machines that boot from the network')
  command('netboot status [machine]', 'what machines did that tried to boot; or one with all its tries', showStatus)
  command('netboot once <machine>', 'have a machine boot from the network once more', (options, [machine], extra) => {
    const param = { machine: encodeURIComponent(machine!) }
    const json = { cancel: extra['cancel'] === true }
    return say(options, (daemon) => daemon.netboot.machines[':machine'].once.$post({ param, json }))
  }).option('--cancel', 'it is not to do so any more')
  command(
    'netboot check [machine]',
    'ask the network as firmware does, and say who offers what',
    async (options, [machine], extra) => {
      const { arch, http } = extra as { readonly arch?: 'amd64' | 'arm64'; readonly http?: boolean }
      const json = {
        ...(machine === undefined ? {} : { machine }),
        ...(arch === undefined ? {} : { architecture: arch }),
        ...(http ? { loads: 'http' as const } : {}),
      }
      const check = await ask(options, (daemon) => daemon.netboot.check.$post({ json }))
      await print(options, check, async () => (await rendering()).renderCheck(check))
      return check.findings.some(({ verdict }) => verdict === 'failed') ? exit.failed : exit.ok
    },
  )
    .addOption(new Option('--arch <architecture>', 'of the processor').choices(['amd64', 'arm64']))
    .option('--http', 'as UEFI HTTP boot asks')
  command('netboot recipe <router>', 'what to enter in a router, for this homelab', async (options, [router]) => {
    const param = { router: router as RouterKind }
    const recipe = await ask(options, (daemon) => daemon.netboot.recipes[':router'].$get({ param }))
    await print(options, recipe, async () => (await rendering()).renderRecipe(recipe))
    return exit.ok
  }).registeredArguments[0]!.choices(routerKinds)
}

const showStatus: Parameters<typeof command>[2] = async (options, [machine]) => {
  if (machine === undefined) {
    const machines = await ask(options, (daemon) => daemon.netboot.$get())
    await print(options, machines, async (zone) => (await rendering()).renderMachines(machines, await zone()))
    return exit.ok
  }
  const param = { machine: encodeURIComponent(machine) }
  const found = await ask(options, (daemon) => daemon.netboot.machines[':machine'].$get({ param }))
  await print(options, found, async (zone) => (await rendering()).renderMachine(found, await zone()))
  return exit.ok
}
