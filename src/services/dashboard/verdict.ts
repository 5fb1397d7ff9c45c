import type { StatusAnswer } from '../../core/operator.ts'
import { type Alert, headOf } from '../../core/alert.ts'
import { capitalized } from '../../core/capitalized.ts'
import { agreeing, counted, listed } from '../../core/count.ts'
import { whyAway } from '../../core/cluster/away.ts'
import { whyUnhealthy } from '../../core/cluster/cluster.ts'
import { describeReason } from '../../core/event.ts'
import { describeBetweenSteps } from '../../core/lease.ts'
import type { Tone } from '../../http/markup/parts.ts'

/** How everything is, in one sentence. */
export interface Verdict {
  readonly tone: Exclude<Tone, 'quiet'>
  /** Without a full stop. */
  readonly text: string
  /** A few words for the title of a window; undefined where all is well. */
  readonly short: string | undefined
}

type Judged = Pick<
  StatusAnswer,
  'alerts' | 'power' | 'outage' | 'activities' | 'cluster' | 'leaseHolder' | 'paused' | 'services'
>

/** The worst first: the power, then what a person should know, then what is being done. */
export function judge(status: Judged): Verdict {
  return judgePower(status) ?? judgeAlerts(status) ?? judgeWork(status)
}

function judgePower({ power: { upses, shutdownRequestedAt }, outage }: Judged): Verdict | undefined {
  if (outage && outage.reason === 'drill' && outage.stage !== 'over')
    return { tone: 'warning', text: 'A power cut is being rehearsed', short: 'Rehearsal' }
  const isGoing = outage !== undefined && ['draining', 'stopping', 'stopped'].includes(outage.stage)
  if (isGoing && outage.stage === 'stopped')
    return { tone: 'critical', text: 'The cluster is shut down, and waits for mains power', short: 'Shut down' }
  const critical = upses.find(({ state }) => state.mode === 'critical')
  if (isGoing || critical) {
    const reason = isGoing ? outage.reason : critical?.state.reason
    const why = reason === undefined ? '' : `: ${describeReason(reason)}`
    const what = outage?.stage === 'stopping' ? 'The machines are shutting down' : 'A shutdown of the cluster has begun'
    return { tone: 'critical', text: `${what}${why}`, short: 'Shutting down' }
  }
  if (outage?.stage === 'waking')
    return { tone: 'warning', text: 'Mains power is back: the machines are being woken', short: 'Waking' }
  const battery = upses.filter(({ state }) => state.mode === 'on-battery').map(({ label }) => label)
  if (battery.length > 0)
    return { tone: 'critical', text: `Mains power failed: ${listed(battery)} runs on battery`, short: 'On battery' }
  if (shutdownRequestedAt !== undefined)
    return { tone: 'warning', text: 'Everything is kept shut down until someone wakes it', short: 'Kept down' }
  return undefined
}

function judgeAlerts({ alerts: { open, worst } }: Judged): Verdict | undefined {
  if (!worst || worst.severity === 'info') return undefined
  const more = open > 1 ? ` (and ${counted(open - 1, 'more alert')})` : ''
  const tone = worst.severity === 'critical' ? 'critical' : 'warning'
  return { tone, text: `${sentenceOf(worst)}${more}`, short: worst.severity === 'critical' ? 'Alert' : 'Attention' }
}

function judgeWork({ activities, cluster: { nodes }, outage, leaseHolder, paused, power }: Judged): Verdict {
  const [activity] = activities
  if (activity) return { tone: 'busy', text: `At work: ${activity.step}`, short: 'At work' }
  const unwell = nodes.filter((node) => whyUnhealthy(node) !== undefined)
  const ill = unwell.filter((node) => whyAway(node, outage) === undefined).map(({ name }) => name)
  if (ill.length > 0)
    return { tone: 'warning', text: `${listed(ill)} ${ill.length === 1 ? 'is' : 'are'} unhealthy`, short: 'Attention' }
  const [away] = unwell
  if (away) return { tone: 'busy', text: `${away.name} ${whyAway(away, outage)}`, short: 'At work' }
  const between = describeBetweenSteps(leaseHolder)
  if (between !== undefined) return { tone: 'busy', text: `At work: ${between}`, short: 'At work' }
  const rest = paused ? '. Rollouts are paused' : ''
  const silent = power.upses.filter(({ noReading }) => noReading !== undefined).map(({ label }) => label)
  if (silent.length > 0)
    return {
      tone: 'warning',
      text: `${listed(silent)} ${agreeing(silent, 'does', 'do')} not answer`,
      short: 'Attention',
    }
  if (nodes.length === 0 && power.upses.length === 0)
    return { tone: 'fine', text: 'Nothing is configured to look after yet', short: undefined }
  if (nodes.length === 0) return { tone: 'fine', text: `The power is guarded${rest}`, short: undefined }
  return { tone: 'fine', text: `All is well: ${counted(nodes.length, 'node')} ready${rest}`, short: undefined }
}

/** A name at its beginning stays as it is written. */
function sentenceOf(alert: Alert): string {
  const head = headOf(alert)
  return head.startsWith(alert.subject) ? head : capitalized(head)
}
