// The agent's figures, each with a peer beside it in the same run where there is one: `npm run bench`, or a part of it:
// `npm run bench -- rollout`. Absolute numbers are this machine's; the ratios are what to compare.
import { cpus, loadavg } from 'node:os'
import { measureApi } from './api.ts'
import { megabytes, rounds, startEveryday } from './everyday.ts'
import { measureCommands } from './commands.ts'
import { measureFootprint } from './footprint.ts'
import { measureIdle } from './idle.ts'
import { measureManyShutdowns } from './many-shutdowns.ts'
import { type Measure, measureWithin } from './measure.ts'
import { measureObservation } from './observation.ts'
import { measureFalseAlarms } from './power-race-false.ts'
import { measurePages } from './pages.ts'
import { measurePowerRace } from './power-race.ts'
import { measureRollout } from './rollout.ts'
import { measureStaging } from './staging.ts'
import { measureStagingSizes } from './staging-sizes.ts'
import { measureStatus } from './status.ts'
import { measureTftp } from './tftp.ts'
import { measureTold } from './told.ts'
import { measureWatching } from './watching.ts'

const minutes = 60_000
const subjects: Readonly<Record<string, { readonly within: number; readonly measure: Measure }>> = {
  everyday: {
    within: 8 * minutes,
    measure: async (stack) => {
      const everyday = await startEveryday(stack)
      await measureIdle(everyday, stack)
      await measureStatus(everyday)
      await measureStaging(everyday)
    },
  },
  commands: { within: 4 * minutes, measure: measureCommands },
  power: { within: 20 * minutes, measure: measurePowerRace },
  told: { within: 20 * minutes, measure: measureTold },
  'false-alarms': { within: 6 * minutes, measure: measureFalseAlarms },
  shutdowns: { within: 6 * minutes, measure: measureManyShutdowns },
  rollout: { within: 4 * minutes, measure: measureRollout },
  footprint: { within: 12 * minutes, measure: measureFootprint },
  watching: { within: 8 * minutes, measure: measureWatching },
  staging: { within: 20 * minutes, measure: measureStagingSizes },
  api: { within: 12 * minutes, measure: measureApi },
  tftp: { within: 30 * minutes, measure: measureTftp },
  pages: { within: 12 * minutes, measure: measurePages },
  observation: { within: 2 * minutes, measure: measureObservation },
}

const named = process.argv.slice(2)
const unknown = named.find((name) => !Object.hasOwn(subjects, name))
if (unknown !== undefined) {
  console.error(`there is no ${unknown}: ${Object.keys(subjects).join(', ')}`)
  process.exit(2)
}
console.log(
  `${cpus().length} cores, load ${loadavg()[0]!.toFixed(1)}, Node ${process.version}, ${megabytes} MB image, ${rounds} rounds; medians\n`,
)
for (const [name, { within, measure }] of Object.entries(subjects))
  if (named.length === 0 || named.includes(name)) await measureWithin(name, within, measure)
// What a measuring that ran out of its time was still waiting for keeps nobody waiting.
process.exit()
