import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startHttp } from '../../lab/http.ts'
import { notifier } from './notifier.ts'
import { patience } from '../../patience.ts'

const stuck = { severity: 'warning', subject: 'w-1', text: 'w-1 is stuck' } as const

/** A Gotify server that shows the titles of what it was told. */
async function gotify() {
  const titles: string[] = []
  const server = await startHttp((incoming, response) => {
    let text = ''
    incoming.setEncoding('utf8').on('data', (part: string) => (text += part))
    incoming.on('end', () => {
      titles.push(JSON.parse(text).title)
      response.end(`{"id":${titles.length}}`)
    })
  })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const settings = { channels: { phone: { type: 'gotify', server: `http://${server.host}`, token: { file: 't' } } } }
  return { settings, titles }
}

const sevenTens = Array.from({ length: 70 }, (_, index) => `node.armed:n-${index}` as const)

describe('the end of an alert is told', () => {
  test('however many were opened and settled while it was open', async () => {
    const { settings, titles } = await gotify()
    const { alerts } = await notifier({ settings })
    alerts.open('rollout.stuck', stuck)
    await vi.waitFor(() => expect(titles).toEqual(['homelab: w-1 is stuck']), patience)
    for (const id of sevenTens) {
      alerts.open(id, { ...stuck, severity: 'info' })
      alerts.settle(id)
    }
    alerts.settle('rollout.stuck')
    await vi.waitFor(() => expect(titles.at(-1)).toBe('homelab: over: w-1 is stuck'), patience)
    expect(titles).toHaveLength(2)
  })

  test('of each of many that are settled at once', async () => {
    const { settings, titles } = await gotify()
    const { alerts } = await notifier({ settings })
    for (const id of sevenTens) alerts.open(id, { ...stuck, text: `${id} is stuck` })
    await vi.waitFor(() => expect(titles).toHaveLength(70), patience)
    alerts.settleWhere(() => true)
    await vi.waitFor(() => expect(titles.filter((title) => title.includes('over: '))).toHaveLength(70), patience)
  })

  test('when it was settled while nobody told anything, however many others were', async () => {
    const { settings, titles } = await gotify()
    const first = await notifier({ settings })
    first.alerts.open('rollout.stuck', stuck)
    await vi.waitFor(() => expect(titles).toEqual(['homelab: w-1 is stuck']), patience)
    await first.stop()
    for (const id of sevenTens) {
      first.alerts.open(id, stuck)
      first.alerts.settle(id)
    }
    first.alerts.settle('rollout.stuck')
    await notifier({ homelab: first.homelab, it: first.it, settings })
    await vi.waitFor(() => expect(titles.at(-1)).toBe('homelab: over: w-1 is stuck'), patience)
  })
})
