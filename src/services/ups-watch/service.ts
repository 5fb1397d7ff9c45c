import { defineService } from '../../operations/service.ts'

/** Reads every UPS for as long as the daemon runs: it guards the power. */
export default defineService({
  name: 'ups-watch',
  starts: 'first',

  async start({ config, ports, power, notice, signal }) {
    const { watchUps } = await import('./watch.ts')
    const stop = new AbortController()
    const ended = Promise.all(
      [...ports.upses].map(([label, ups]) =>
        watchUps(ups, {
          polls: () => config().power,
          power: () => power.upses.get(label),
          notice: (seen) => notice.ups(label, seen),
          signal: AbortSignal.any([signal, stop.signal]),
        }),
      ),
    )
    return {
      // Without a UPS there is nothing that could end.
      ...(ports.upses.size === 0 ? {} : { ended }),
      [Symbol.asyncDispose]: async () => {
        stop.abort()
        await ended
      },
    }
  },
})
