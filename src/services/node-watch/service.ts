import { defineService } from '../../operations/service.ts'

/** Between two signs of life asked of a node, in ms. */
const every = 30_000

/** Asks every node for a sign of life for as long as the daemon runs. */
export default defineService({
  name: 'node-watch',

  async start({ config, ports, notice, signal }) {
    const { watchNodes } = await import('./watch.ts')
    const ended = watchNodes(() => config().nodes.map(({ name }) => name), ports.talos, {
      every,
      notice: notice.node,
      signal,
    })
    return { ended, [Symbol.asyncDispose]: () => ended }
  },
})
