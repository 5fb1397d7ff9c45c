import { arguedBatteries } from './argued-batteries.ts'
import { arguedEngine } from './argued-engine.ts'
import { arguedImages } from './argued-images.ts'
import { arguedJobs } from './argued-jobs.ts'
import { type Argued, arguedPlans } from './argued-plans.ts'
import { arguedStates } from './argued-states.ts'
import { arguedUpgrades } from './argued-upgrades.ts'

/** All mutants that may survive. */
export const argued: readonly Argued[] = [
  ...arguedStates,
  ...arguedBatteries,
  ...arguedPlans,
  ...arguedUpgrades,
  ...arguedImages,
  ...arguedEngine,
  ...arguedJobs,
]
