import { describeDuration } from '../duration.ts'
import { type Outage, wentDown } from './outage.ts'

/**
 * What an outage that is over came to, with how long each part took: `the cluster is back, 14 min after the power cut
 * started: down in 3 min, down for 9 min, up again in 2 min; slowest to stop w-2 (48 s), to come back cp-1 (95 s)`.
 */
export function summarize(outage: Outage): string {
  const { startedAt, endedAt = startedAt, stoppedAt, wokenAt } = outage
  const took = (from: string, to: string) => describeDuration(Date.parse(to) - Date.parse(from))
  if (outage.reason === 'on-battery')
    return `mains power is back; shed workloads are back after ${took(startedAt, endedAt)}`
  if (outage.reason === 'drill') return 'a rehearsal, and everything was undone'
  if (!wentDown(outage) || !Object.values(outage.nodes).some(({ at }) => at?.['shutdown-sent']))
    return 'nothing went down: mains power came back in time, or the shutdown was cancelled'
  const parts = [
    ...(stoppedAt ? [`down in ${took(startedAt, stoppedAt)}`] : []),
    ...(stoppedAt && wokenAt ? [`down for ${took(stoppedAt, wokenAt)}`] : []),
    ...(wokenAt ? [`up again in ${took(wokenAt, endedAt)}`] : []),
  ]
  const slowest = [
    slowestOf(outage, 'shutdown-sent', 'off', 'to stop'),
    slowestOf(outage, 'wake-sent', 'back', 'to come back'),
  ]
  const told = slowest.filter((text) => text !== undefined).join(', ')
  const details = [parts.join(', '), ...(told ? [`slowest ${told}`] : [])].filter(Boolean).join('; ')
  return `the cluster is back, ${took(startedAt, endedAt)} after the power cut began${details ? `: ${details}` : ''}`
}

function slowestOf(
  { nodes }: Outage,
  from: 'shutdown-sent' | 'wake-sent',
  to: 'off' | 'back',
  words: string,
): string | undefined {
  const times = Object.entries(nodes).flatMap(([name, { at = {} }]) => {
    const [begin, end] = [at[from], at[to]]
    const ms = Date.parse(end ?? '') - Date.parse(begin ?? '')
    return ms >= 0 ? [{ name, ms }] : []
  })
  const [first] = times.toSorted((a, b) => b.ms - a.ms)
  return first && `${words} ${first.name} (${describeDuration(first.ms)})`
}
