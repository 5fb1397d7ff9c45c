import type { Alert, AlertChange } from '../core/alert.ts'
import { createInterruption } from './interruption.ts'
import { output } from './output.ts'
import { askOr, command, exit, type Options, print, reachOf, shownOf, type Zone, zoneOf } from './shell.ts'

/** So many alerts that were settled are shown. */
const shownSettled = 200

const rendering = () => import('./render-alerts.ts')

/** The command about what a person should know. */
export function addAlertsCommand(): void {
  command('alerts', 'open alerts, most severe first', async (options, _args, extra) => {
    if (extra['watch'] === true) return watch(options)
    const open = await askOr(
      options,
      (daemon) => daemon.alerts.$get(),
      async (settings) => (await import('./direct.ts')).readAlerts(settings),
    )
    const alerts = extra['all'] === true ? [...open, ...(await readSettled(options))] : open
    await print(options, alerts, async () => (await rendering()).renderAlerts(alerts, Date.now()))
    return exit.ok
  })
    .option('--all', 'include settled alerts, newest first')
    .option('--watch', 'then tell each change as it happens, until Ctrl-C')
}

async function readSettled(options: Options): Promise<readonly Alert[]> {
  const { items } = await askOr(
    options,
    (daemon) => daemon.alerts.settled.$get({ query: { limit: String(shownSettled) } }),
    async (settings) => ({ items: (await import('./direct.ts')).readSettledAlerts(settings, shownSettled) }),
  )
  return items
}

/** What is told of an alert, one a line with `--json`. */
interface Told {
  readonly change: AlertChange | 'open'
  readonly alert: Alert
}

async function watch(options: Options): Promise<number> {
  using stop = createInterruption()
  const zone = () => zoneOf(options)
  const lost = (why: string) => output.note(`caretaker: ${why}; trying again`)
  let open: ReadonlyMap<string, Alert> | undefined
  const { followLive } = await import('../http/live-client.ts')
  for await (const { event, data } of followLive(await reachOf(options), stop.signal, lost)) {
    if (event === 'alert') {
      open = new Map([...(open ?? [])].filter(([id]) => id !== data.alert.id))
      if (data.change !== 'settled') open = new Map([...open, [data.alert.id, data.alert]])
      await tell(options, data, zone)
    } else if (event === 'state') {
      if (open === undefined && data.alerts.length === 0 && !options.json) output.drawing('no open alerts')
      for (const one of differences(open, data.alerts)) await tell(options, one, zone)
      open = new Map(data.alerts.map((alert) => [alert.id, alert]))
    }
  }
  return exit.ok
}

/** What is open now, and where the connection was away: what has changed meanwhile. */
export function differences(before: ReadonlyMap<string, Alert> | undefined, now: readonly Alert[]): readonly Told[] {
  if (before === undefined) return now.map((alert) => ({ change: 'open', alert }))
  const ids = new Set(now.map(({ id }) => id))
  const settled = [...before.values()].filter(({ id }) => !ids.has(id))
  const others = now.flatMap((alert): Told[] => {
    const known = before.get(alert.id)
    if (!known || known.since !== alert.since) return [{ change: 'opened', alert }]
    const isSame = known.text === alert.text && known.severity === alert.severity && known.action === alert.action
    return isSame ? [] : [{ change: 'changed', alert }]
  })
  return [...settled.map((alert): Told => ({ change: 'settled', alert })), ...others]
}

async function tell(options: Options, { change, alert }: Told, zone: Zone): Promise<void> {
  const shown = shownOf(options, alert)
  if (options.json) return output.json({ change, alert: shown })
  output.drawing((await rendering()).renderAlertChange(change, shown, { now: new Date(), zone: await zone() }))
}
