import { capitalized } from '../../../core/capitalized.ts'
import { listed } from '../../../core/count.ts'
import { describeDuration } from '../../../core/duration.ts'
import { AgentError } from '../../../core/errors.ts'
import type { PowerAnswer } from '../../../core/operator.ts'
import { describeRestarts } from '../../../core/power/cancelled.ts'
import { describeFit } from '../../../core/power/timeline.ts'
import { isCalledOff } from '../../../core/power/triggers.ts'
import { english } from '../../../core/wording.ts'
import type { PageRequest } from '../../../operations/pages.ts'

/** What a person requests of the power. */
export const powerRequests: Readonly<Record<string, PageRequest>> = {
  cancel: {
    title: 'Cancel the shutdown?',
    label: 'Cancel the shutdown',
    scope: 'operate',
    isDangerous: true,
    preview: (_, { operator }) => previewCancel(operator.power.state()),
    perform: async (_, { operator }, asked) => (await operator.power.cancel(asked)).said,
  },
  wake: {
    title: 'Wake machines?',
    label: 'Wake them',
    scope: 'operate',
    fields: [
      { kind: 'given', name: 'machine' },
      { kind: 'check', name: 'all', label: 'Also those that were off before' },
    ],
    preview: ({ machine }) =>
      machine === undefined
        ? [
            'Every machine that was shut down is woken, without waiting for the battery to charge',
            'The NAS comes first, then control planes, then the others; what we cordoned is uncordoned when it is ready',
          ]
        : [`${machine} is woken by a magic packet, or as it is configured, whatever is on record`],
    perform: async ({ machine, all }, { operator }, asked) =>
      (await operator.power.wake(machine === undefined ? { all: all !== undefined } : { machine }, asked)).said,
  },
  shutdown: {
    title: 'Shut everything down?',
    label: 'Shut everything down',
    scope: 'operate',
    isDangerous: true,
    preview: (_, { operator }) => {
      const { timeline, needsMs, leftMs, leftUnknown } = operator.power.plan()
      const phases = timeline.map(({ phase }) => english.titleOf(phase))
      return [
        `Everything is shut down now: ${listed(phases)}`,
        `It ${describeFit(needsMs, leftMs ?? undefined, 0, leftUnknown)}`,
        'It stays down until someone wakes it, even when mains power is back',
      ]
    },
    perform: async (_, { operator }, asked) => (await operator.power.shutDown(asked)).said,
  },
  rehearse: {
    title: 'Check what a shutdown needs?',
    label: 'Check it',
    scope: 'operate',
    preview: () => [
      'Every machine is asked as a shutdown would ask it, and nothing is changed: no node is cordoned, nothing goes down',
      'It takes up to a minute; what it finds is shown here and in the journal',
    ],
    perform: async (_, { operator }, asked) => {
      const { report, run } = await operator.power.drill({ dryRun: true }, asked)
      const faults = report?.checks.filter(({ ok }) => !ok) ?? []
      if (!report) return run.detail
      if (faults.length === 0)
        return `No faults: a shutdown would take ${describeDuration(report.needsMs)} at most (${report.form}, ${report.reason})`
      return `Faults: ${faults.map(({ subject, text }) => `${subject}: ${text}`).join('; ')}`
    },
  },
}

/** @throws AgentError where there is nothing to cancel */
function previewCancel({ upses, shutdownRequestedAt }: PowerAnswer): readonly string[] {
  const failing = upses.filter(({ state }) => ['on-battery', 'critical', 'forced'].includes(state.mode))
  if (failing.length === 0 && shutdownRequestedAt === undefined)
    throw new AgentError('rejected', 'There is nothing to cancel: no shutdown is running or about to start')
  const after = failing.map(({ label, state, triggers }) => ({
    label,
    triggers: triggers.filter(
      ({ reason, disarmed }) => disarmed === undefined && !isCalledOff(reason, state.reason ?? 'not-begun'),
    ),
  }))
  const request = shutdownRequestedAt === undefined ? [] : ['The request to shut everything down is withdrawn']
  const power =
    after.length === 0
      ? []
      : [
          `No further machine is shut down because of ${listed(after.map(({ label }) => label))}`,
          capitalized(describeRestarts(after)),
        ]
  return [...request, ...power, 'Machines that are down already are woken when mains power is back']
}
