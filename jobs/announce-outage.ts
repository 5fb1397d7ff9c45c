import { planNow } from '../src/operations/rehearse.ts'
import { describeDuration } from '../src/core/duration.ts'
import { failingMachines } from '../src/core/power/machines.ts'
import { defineJob } from '../src/operations/job.ts'
import { done, on } from '../src/core/job.ts'
import { isInSpell } from '../src/core/power/flapping.ts'
import { remembered } from '../src/operations/facts.ts'
import { describeStarts, describeTurns } from '../src/operations/power-failed.ts'

/** Announces on battery what will go down, and when, if mains power stays off. */
export default defineJob({
  name: 'announce-outage',
  about: 'on battery, announces what starts a shutdown, and when each tier then goes down',
  triggers: [on('power.on-battery')],
  runs: 'in-process',

  async run(context) {
    const { machines, ports, power, now } = context
    const onBattery = [...power.upses].filter(([, { mode }]) => mode === 'on-battery')
    if (onBattery.length === 0 || failingMachines(machines, power).length > 0) return done('nothing is on battery')
    const announced = remembered.announced.recall(ports.journal)
    const ago = now().getTime() - Date.parse(announced ?? '')
    if (
      onBattery.every(([, state]) =>
        isInSpell('failures' in state ? state.failures : undefined, context.monotonic(), ago),
      )
    )
      return done(`announced ${describeDuration(ago)} ago, and mains power has not lasted since`)
    const { timeline, runtime } = planNow(context, ports.journal.openOutage())
    const turns = describeTurns(timeline, context.wording)
    const lasts = runtime === undefined ? '' : `; the battery lasts ${describeDuration(runtime)}`
    const text = `if mains power stays off, a shutdown starts ${describeStarts(context, onBattery)}. Then: ${turns}${lasts}`
    ports.journal.write({ kind: 'power', text })
    remembered.announced.remember(ports.journal, now().toISOString())
    return done(text)
  },
})
