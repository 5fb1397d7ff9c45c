import { definePage, type Asking } from '../../../operations/pages.ts'
import { headOf } from '../../../core/alert.ts'
import type { Entry } from '../../../core/journal.ts'
import { countdownTo } from '../../../core/power/countdown.ts'
import { policyFor } from '../../../core/power/triggers.ts'
import { windowAt } from '../../../core/upgrade/window.ts'
import type { Config } from '../../../config/config.ts'
import { rolloutOf } from './rollout.ts'
import { type Overview, overviewView } from './view.ts'

/** How far back the last night reaches, in ms, and how much of it is shown. */
const lately = 24 * 3_600_000
const shown = 14
/** So many entries are looked through for it. */
const looked = 300

/** Is everything fine, what is it doing and why, what comes next and when, what happened last night. */
export default definePage<Overview>({
  async read({ operator, status, config, now }: Asking) {
    const present = config()
    const known = await status('followed')
    return {
      status: known,
      alerts: operator.alerts(),
      rollout: rolloutOf(operator, known, now()),
      window: windowOf(present, now()),
      countdown: countdownTo(known.power.upses, (label) => policyFor(present, label)),
      ...(await readLately(operator, now())),
    }
  },
  view: overviewView,
})

function windowOf({ upgrade: { windows, timeZone, enabled } }: Pick<Config, 'upgrade'>, now: Date): Overview['window'] {
  return enabled ? windowAt(windows, timeZone, now) : undefined
}

function saysTheSame(alert: Entry, { at, text }: Entry): boolean {
  const isSoon = Math.abs(Date.parse(alert.at) - Date.parse(at)) < 5_000
  return isSoon && headOf(alert) === headOf({ text })
}

/** Steps are many, and runs that wait say the same again and again. */
async function readLately(operator: Asking['operator'], now: Date): Promise<Pick<Overview, 'lately'>> {
  const since = new Date(now.getTime() - lately).toISOString()
  // One look at the newest is bounded, however much was written; steps are most of it.
  const all = operator.journal({ limit: looked, since }).items.filter(({ kind }) => kind !== 'step' && kind !== 'run')
  const alerts = all.filter(({ kind }) => kind === 'alert')
  // What is an alert as well is said once.
  const said = all.filter((one) => one.kind === 'alert' || !alerts.some((alert) => saysTheSame(alert, one)))
  return { lately: counting(said.toSorted((one, other) => other.id - one.id)).slice(0, shown) }
}

/** An alert that opens again and again stands there once, with how often. */
export function counting(newestFirst: readonly Entry[]): readonly Entry[] {
  const same = Map.groupBy(newestFirst, ({ id, kind, subject, text }) =>
    kind === 'alert' ? `${subject ?? ''} ${openedOrSettled(text)}` : String(id),
  )
  return [...same.values()].map(([newest, ...others]) => {
    const { text } = newest!
    const head = openedOrSettled(text)
    if (others.length === 0) return newest!
    return { ...newest!, text: `${head} (${others.length + 1} times)${text.slice(head.length)}` }
  })
}

/** The first words of an alert, and whether it is over. */
function openedOrSettled(text: string): string {
  const [over = ''] = /^settled: /.exec(text) ?? []
  return `${over}${headOf({ text: text.slice(over.length) })}`
}
