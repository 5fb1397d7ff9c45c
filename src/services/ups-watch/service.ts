import type { Config } from '../../config/config.ts'
import { defineService } from '../../operations/service.ts'

/** Reads every UPS for as long as the daemon runs: it guards the power. */
export default defineService({
  name: 'ups-watch',
  starts: 'first',
  pages: [{ path: '/power', title: 'Power', order: 40, load: () => import('./page/page.ts') }],

  async start({ config, ports, power, notice, signal }) {
    const { watchUps } = await import('./watch.ts')
    const ended = Promise.all(
      [...ports.upses].map(([label, ups]) =>
        watchUps(ups, {
          polls: () => pollsOf(config(), label),
          power: () => power.upses.get(label),
          notice: (seen) => notice.ups(label, seen),
          signal,
        }),
      ),
    )
    return {
      // Without a UPS there is nothing that could end.
      ...(ports.upses.size === 0 ? {} : { ended }),
      [Symbol.asyncDispose]: async () => void (await ended),
    }
  },
})

/** How often this UPS is asked: as it says itself, or as all are. */
function pollsOf({ power, upses }: Pick<Config, 'power' | 'upses'>, label: string) {
  const own = upses.find((ups) => ups.label === label)
  return {
    pollInterval: own?.pollInterval ?? power.pollInterval,
    pollIntervalOnBattery: own?.pollIntervalOnBattery ?? power.pollIntervalOnBattery,
  }
}
