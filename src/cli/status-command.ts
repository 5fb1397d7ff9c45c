import { ask, command, exit, print } from './shell.ts'

/** Loaded only to draw text: neither the daemon nor `--json` needs it. */
const rendering = () => import('./render.ts')

/** The command that shows how everything is. */
export function addStatusCommand(): void {
  command('status', 'the state of the homelab and of Caretaker', async (options, _args, extra) => {
    if (extra['watch'] === true) return (await import('./status-watch.ts')).watchStatus(options)
    const status = await ask(options, (daemon) => {
      const answer = daemon.status.$get()
      // Loaded while the daemon asks the nodes.
      if (!options.json) void rendering()
      return answer
    })
    await print(options, status, async (zone) =>
      (await rendering()).renderStatus(status, { now: Date.now(), zone: await zone() }),
    )
    return exit.ok
  }).option('--watch', 'go on showing it as it changes, until q or Ctrl-C')
}
