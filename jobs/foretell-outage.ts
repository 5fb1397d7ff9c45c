import { planNow } from '../src/core/drill.ts'
import { describeDuration } from '../src/core/duration.ts'
import { failingMachines, machinesOf } from '../src/core/machines.ts'
import { defineJob, done, on } from '../src/core/job.ts'
import { triggersOf } from '../src/core/triggers.ts'

/** Tells people at once what will go down, and when, if mains stays away. */
export default defineJob({
  name: 'foretell-outage',
  about: 'on battery, tells what will start a shutdown and when what then goes down',
  triggers: [on('power.on-battery')],
  runs: 'here',

  async run(context) {
    const { config, ports, power } = context
    const onBattery = [...power.upses].filter(([, { mode }]) => mode === 'on-battery')
    if (onBattery.length === 0 || failingMachines(machinesOf(config), power).length > 0)
      return done('nothing is on battery')
    const texts = onBattery.map(([label, state]) => {
      const reading = 'reading' in state ? state.reading : undefined
      const starts = triggersOf(reading, config.power).filter(({ disarmed }) => disarmed === undefined)
      return `${label}: ${starts.map(({ text }) => text).join(', or ')}`
    })
    const { timeline, runtime } = planNow(context, ports.journal.openOutage())
    const turns = timeline
      .filter(({ phase, reversible }) => !reversible && !phase.endsWith(' down'))
      .map(({ phase, from }) => `${phase} after ${describeDuration(from)}`)
    const lasts = runtime === undefined ? '' : `; the battery lasts ${describeDuration(runtime)}`
    const text = `a shutdown begins with one of these, ${texts.join('; ')}${lasts}. Then ${turns.join(', ')}`
    ports.journal.write({ kind: 'power', text })
    return done(text)
  },
})
