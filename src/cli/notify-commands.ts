import { ask, command, exit, group, positive, print } from './shell.ts'

const rendering = () => import('./render-notify.ts')

/** The commands about what people are told. */
export function addNotifyCommands(): void {
  group('notify', 'notifications')
  command('notify test [channel]', 'send a test message to a channel, or to all', async (options, [channel]) => {
    const tests = await ask(options, (daemon) =>
      daemon.notifications.test.$post({ json: channel === undefined ? {} : { channel } }),
    )
    await print(options, tests, async () => (await rendering()).renderTests(tests))
    return tests.every(({ sent }) => sent) ? exit.ok : exit.failed
  })
  command('notify log', 'what was sent and what waits, newest last', async (options, _args, extra) => {
    const query = { limit: String(extra['limit']) }
    const { items } = await ask(options, (daemon) => daemon.notifications.$get({ query }))
    const deliveries = items.toReversed()
    await print(options, deliveries, async (zone) => (await rendering()).renderDeliveries(deliveries, await zone()))
    return exit.ok
  }).option('-n, --limit <count>', 'number of messages', positive, '50')
}
