import { describeDuration } from '../core/duration.ts'
import { machinesOf } from '../core/power/machines.ts'
import { needOf } from '../core/power/shutdown.ts'
import type { Config } from './config.ts'
import { doubtful, type Mistake, wrong } from './mistake.ts'

/** In ms. A battery of a homelab lasts minutes; a shutdown that needs more than this begins with every power cut. */
const longDrain = 20 * 60_000
const endlessDrain = 60 * 60_000
/** In %. Many UPSes settle at 98 or 99. */
const neverReached = 99

/** What is wrong with the limits of the power: those that never come true, and those that always do. */
export function findPowerMistakes(config: Config): readonly Mistake[] {
  const { power, upgrade, upses } = config
  if (upses.length === 0) return []
  const { wake, minimumCharge } = power
  const need = needOf(machinesOf(config), power)
  const found: Mistake[] = []
  if (power.drainTimeout >= endlessDrain)
    found.push(
      wrong(
        ['power', 'drainTimeout'],
        `no battery lasts for a drain of ${describeDuration(power.drainTimeout)}: every machine would be shut down at once in any power cut`,
      ),
    )
  else if (need > longDrain)
    found.push(
      doubtful(
        ['power', 'drainTimeout'],
        `a shutdown takes up to ${describeDuration(need)} (drainTimeout, the time of each tier, reserve): most batteries do not last that long`,
      ),
    )
  if (wake.minimumCharge > neverReached)
    found.push(
      doubtful(
        ['power', 'wake', 'minimumCharge'],
        `many batteries never report ${wake.minimumCharge} %, and then nothing is woken: use 95 or less`,
      ),
    )
  if (upgrade.minimumCharge > neverReached)
    found.push(
      doubtful(
        ['upgrade', 'minimumCharge'],
        `many batteries never report ${upgrade.minimumCharge} %, and then nothing is upgraded: use 95 or less`,
      ),
    )
  if (minimumCharge !== undefined && minimumCharge > neverReached)
    found.push(
      wrong(
        ['power', 'minimumCharge'],
        `any moment on battery is below ${minimumCharge} %: every blip would shut everything down`,
      ),
    )
  else if (minimumCharge !== undefined && wake.minimumCharge <= minimumCharge)
    found.push(
      doubtful(
        ['power', 'wake', 'minimumCharge'],
        `machines are woken at ${wake.minimumCharge} % and shut down below ${minimumCharge} % (power.minimumCharge): the next blip would shut them down again; use more than ${minimumCharge}`,
      ),
    )
  for (const [index, ups] of upses.entries())
    if (ups.minimumCharge !== undefined && ups.minimumCharge > neverReached)
      found.push(
        wrong(
          ['upses', index, 'minimumCharge'],
          `any moment on battery is below ${ups.minimumCharge} %: every blip would shut everything down`,
        ),
      )
  if (power.maxOnBattery !== undefined && power.shed.length > 0 && power.shedAfter >= power.maxOnBattery)
    found.push(doubtful(['power', 'shedAfter'], `workloads are shed after the shutdown has begun (power.maxOnBattery)`))
  if (wake.retryInterval > wake.giveUpAfter)
    found.push(doubtful(['power', 'wake', 'retryInterval'], 'it is longer than giveUpAfter: only one packet is sent'))
  return found
}
