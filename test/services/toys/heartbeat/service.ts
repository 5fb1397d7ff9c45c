import { z } from 'zod'
import { defineService } from '../../../../src/operations/service.ts'

/** A service of no use: it counts what happens, and dies when it is told to. This folder is all that there is of it. */
export default defineService({
  name: 'heartbeat',
  pages: [{ path: '/heartbeat', title: 'Heartbeat', order: 1, load: () => import('./page.ts') }],
  config: z.strictObject({ word: z.string().min(1).default('beat') }).prefault({}),

  async check({ section: { word } }) {
    return word === 'never' ? [{ setting: 'heartbeat.word', why: 'a heart that never beats' }] : []
  },

  async start({ section: { word }, onEvent, alerts, ports }) {
    let beats = 0
    const death = Promise.withResolvers<void>()
    onEvent((event) => {
      beats += 1
      ports.journal.write({ kind: 'event', subject: 'heartbeat', text: `heard ${event.type}` })
      if (event.type === 'rollout.stuck') throw new Error('a listener that fails')
      if (event.type === 'cluster.stopped') death.reject(new Error('it has no cluster to beat for'))
    })
    const heard: string[] = []
    const alert = alerts.subscribe(({ id }) => heard.push(id))
    return {
      ended: death.promise,
      status: () => `${beats} ${word}${beats === 1 ? '' : 's'}${heard.length === 0 ? '' : `, ${heard.length} alerts`}`,
      [Symbol.asyncDispose]: async () => {
        alert[Symbol.dispose]()
        ports.journal.write({ kind: 'event', subject: 'heartbeat', text: `stopped after ${beats}` })
      },
    }
  },
})
