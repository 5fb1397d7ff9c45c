import { defineService } from '../../operations/service.ts'

/** Between two signs of life asked of a node, in ms. */
const every = 30_000

/** Asks every node for a sign of life for as long as the daemon runs. */
export default defineService({
  name: 'node-watch',
  pages: [
    { path: '/nodes', title: 'Nodes', order: 10, load: () => import('./nodes/page.ts') },
    { path: '/rollout', title: 'Rollout', order: 20, load: () => import('./rollout/page.ts') },
  ],

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
