import { expect, test } from 'vitest'
import type { Alert } from '../../../src/core/alert.ts'
import type { Node } from '../../../src/core/cluster/cluster.ts'
import type { StatusAnswer } from '../../../src/core/operator.ts'
import type { UpsAnswer } from '../../../src/core/power/answers.ts'
import type { Outage } from '../../../src/core/power/outage.ts'
import { judge } from '../../../src/services/dashboard/verdict.ts'
import { worker } from '../../core/cluster/nodes.ts'

const since = '2027-01-01T20:00:00.000Z'

function ups(mode: UpsAnswer['state']['mode'], more: Partial<UpsAnswer> = {}): UpsAnswer {
  return {
    label: 'rack',
    state: { mode, since, forMs: 0 },
    loginRefused: undefined,
    silentForMs: undefined,
    driver: undefined,
    triggers: [],
    ...more,
  }
}

const alert = (severity: Alert['severity'], text: string, subject = 'rollout'): StatusAnswer['alerts'] => ({
  open: 2,
  worst: { id: 'rollout.stuck', severity, subject, text, since },
})
const outage = (stage: Outage['stage'], reason: Outage['reason'] = 'low-battery'): Outage => ({
  startedAt: since,
  reason,
  stage,
  nodes: {},
})

/** All is well, less what a case says. */
function status(given: Partial<StatusAnswer> = {}): StatusAnswer {
  return {
    alerts: { open: 0, worst: undefined },
    power: { upses: [ups('on-mains')], shutdownRequestedAt: undefined },
    outage: undefined,
    activities: [],
    cluster: { nodes: [worker('w-1'), worker('w-2')] },
    paused: undefined,
    services: [],
    ...given,
  } as unknown as StatusAnswer
}

const power = (one: UpsAnswer, shutdownRequestedAt?: string) => ({ power: { upses: [one], shutdownRequestedAt } })
const nodes = (second: Node) => ({ cluster: { nodes: [worker('w-1'), second] } }) as unknown as Partial<StatusAnswer>
/** It reboots, cordoned by us; or what was tried has failed. */
const upgrading = (failure?: string) =>
  worker('w-2', {
    talos: { stage: 'rebooting' },
    kubernetes: {
      cordon: { why: 'upgrade', at: since },
      attempts: { release: 'v1.14.1', count: 1, at: since, failure } as never,
    },
  })
const nothing = { cluster: { nodes: [] } } as unknown as Partial<StatusAnswer>

test.each([
  { of: {}, is: 'All is well: 2 nodes ready', tone: 'fine', short: undefined },
  { of: { paused: { reason: 'guests' } }, is: 'All is well: 2 nodes ready. Rollouts are paused', tone: 'fine' },
  { of: nothing, is: 'The power is guarded', tone: 'fine' },
  {
    of: { ...nothing, power: { upses: [], shutdownRequestedAt: undefined } },
    is: 'Nothing is configured to look after yet',
    tone: 'fine',
  },
  {
    of: { activities: [{ job: 'upgrade-node', step: 'drain w-1', since }] },
    is: 'At work: drain w-1',
    tone: 'busy',
    short: 'At work',
  },
  { of: alert('info', 'an image was staged'), isAlert: true, is: 'All is well: 2 nodes ready', tone: 'fine' },
  {
    of: alert('warning', 'the rollout is stuck: w-2 booted its previous release'),
    isAlert: true,
    is: 'The rollout is stuck (and 1 more alert)',
    tone: 'warning',
    short: 'Attention',
  },
  {
    of: alert('critical', 'w-1 lost its disk', 'w-1'),
    isAlert: true,
    is: 'w-1 lost its disk (and 1 more alert)',
    tone: 'critical',
    short: 'Alert',
  },
  {
    of: power(ups('on-battery')),
    is: 'Mains power failed: rack runs on battery',
    tone: 'critical',
    short: 'On battery',
  },
  { of: power(ups('critical')), is: 'A shutdown of the cluster has begun', tone: 'critical', short: 'Shutting down' },
  {
    of: power(ups('unknown', { noReading: { forMs: 1, why: 'it does not answer' } })),
    is: 'rack does not answer',
    tone: 'warning',
  },
  {
    of: power(ups('on-mains'), since),
    is: 'Everything is kept shut down until someone wakes it',
    tone: 'warning',
    short: 'Kept down',
  },
  {
    of: { outage: outage('draining') },
    is: 'A shutdown of the cluster has begun: the battery is low (OB LB)',
    tone: 'critical',
  },
  {
    of: { outage: outage('stopping'), alerts: alert('critical', 'w-1 lost its disk', 'w-1') },
    is: 'The machines are shutting down: the battery is low (OB LB)',
    tone: 'critical',
  },
  { of: { leaseHolder: 'recovery' }, is: 'At work: the recovery from a power cut', tone: 'busy', short: 'At work' },
  { of: nodes(upgrading()), is: 'w-2 is being upgraded', tone: 'busy', short: 'At work' },
  { of: nodes(upgrading('its pods would not go')), is: 'w-2 is unhealthy', tone: 'warning', short: 'Attention' },
  { of: nodes(worker('w-2', { talos: 'silent' })), is: 'w-2 is unhealthy', tone: 'warning' },
  {
    of: { outage: outage('stopped') },
    is: 'The cluster is shut down, and waits for mains power',
    tone: 'critical',
    short: 'Shut down',
  },
  {
    of: { outage: outage('waking') },
    is: 'Mains power is back: the machines are being woken',
    tone: 'warning',
    short: 'Waking',
  },
  {
    of: { outage: outage('draining', 'drill') },
    is: 'A power cut is being rehearsed',
    tone: 'warning',
    short: 'Rehearsal',
  },
  { of: { outage: outage('over') }, is: 'All is well: 2 nodes ready', tone: 'fine' },
])('the verdict is “$is”', ({ of, isAlert, is, ...more }) => {
  const given = (isAlert ? { alerts: of } : of) as Partial<StatusAnswer>
  expect(judge(status(given))).toMatchObject({ text: is, ...more })
})

test('a power cut is told before any other alert', () => {
  const given = { ...power(ups('on-battery')), alerts: alert('critical', 'w-1 lost its disk', 'w-1') }
  expect(judge(status(given)).short).toBe('On battery')
})
