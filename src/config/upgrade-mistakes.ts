import { describeDuration } from '../core/duration.ts'
import { parseVersion } from '../core/version.ts'
import type { Config } from './config.ts'
import { doubtful, type Mistake, wrong } from './mistake.ts'

/** In ms. Talos has a new minor version every four months, and supports two. */
const longSoak = 90 * 86_400_000
const oneDay = 1_440

/** What is wrong with which releases are taken, and when: above all what would never let an upgrade begin. */
export function findUpgradeMistakes({ upgrade, nodes }: Config, now: Date): readonly Mistake[] {
  const { pin, skip, channel, soak } = upgrade
  const found: Mistake[] = [...windowMistakes(upgrade)]
  if (pin !== undefined && skip.includes(pin))
    found.push(wrong(['upgrade', 'pin'], `${pin} is in upgrade.skip as well, so nothing would ever be upgraded`))
  if (pin !== undefined && channel === 'stable' && parseVersion(pin)?.prerelease !== undefined)
    found.push(wrong(['upgrade', 'pin'], `${pin} is a pre-release, and the channel is stable: set channel: prerelease`))
  if (soak > longSoak)
    found.push(
      doubtful(['upgrade', 'soak'], `a release is out of support before it has soaked for ${describeDuration(soak)}`),
    )
  for (const [index, { to, reason }] of upgrade.blackouts.entries())
    if (Date.parse(to) <= now.getTime())
      found.push(doubtful(['upgrade', 'blackouts', index], `${reason} is over: take it out`))
  const controlPlanes = nodes.filter(({ role }) => role === 'controlplane').length
  if (upgrade.enabled && controlPlanes === 2 && upgrade.twoMembers === 'refuse')
    found.push(
      doubtful(['upgrade', 'twoMembers'], 'two control planes are never upgraded: add a third one, or allow it'),
    )
  return found
}

function windowMistakes({ windows, nodeEstimate }: Config['upgrade']): readonly Mistake[] {
  const found: Mistake[] = []
  const lengths = windows.map(({ from, to }, index) => {
    if (from === to)
      found.push(
        wrong(
          ['upgrade', 'windows', index],
          `it begins and ends at ${from}: write when it ends (a whole day is 00:00 to 23:59; without windows it is always)`,
        ),
      )
    const length = (minutesOf(to) - minutesOf(from) + oneDay) % oneDay
    return length === 0 ? oneDay : length
  })
  const longest = Math.max(...lengths) * 60_000
  // Windows that touch count as one.
  const mayTouch = windows.some(({ from }) => windows.some(({ to }) => from === to))
  if (windows.length > 0 && nodeEstimate > longest && !mayTouch)
    found.push(
      wrong(
        ['upgrade', 'nodeEstimate'],
        `no window is as long as ${describeDuration(nodeEstimate)}, so no node would ever begin: the longest has ${describeDuration(longest)}`,
      ),
    )
  return found
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return hours * 60 + minutes
}
