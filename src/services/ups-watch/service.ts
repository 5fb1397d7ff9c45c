import { defineService } from '../../operations/service.ts'

/** Reads every UPS for as long as the daemon runs: it guards the power. */
export default defineService({
  name: 'ups-watch',
  starts: 'first',

  async start({ config, ports, power, notice, signal }) {
    const { watchUps } = await import('./watch.ts')
    const ended = Promise.all(
      [...ports.upses].map(([label, ups]) =>
        watchUps(ups, {
          polls: () => config().power,
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
