import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Entry } from '../../src/core/journal.ts'
import { readTicket } from '../../src/core/notify/action.ts'
import type { Config } from '../../src/config/config.ts'
import type { Operator } from '../../src/core/operator.ts'
import { createActions } from '../../src/operations/actions.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { waitFor } from '../lab/daemon.ts'
import { type LabNtfy, startNtfy } from '../lab/notify/ntfy.ts'
import type { NtfyMessage } from '../lab/notify/ntfy-publish.ts'
import { startToldLab, type ToldLab } from './told-lab.ts'

const label = 'Cancel shutdown'
const day = 86_400_000

/** How a pressed button comes back to the agent. */
interface Way {
  readonly name: string
  readonly net: number
  readonly settings: (ntfy: LabNtfy) => { readonly channel: object; readonly api?: Readonly<Record<string, unknown>> }
  readonly tokenOf: (message: NtfyMessage) => string
  /** What a preview of the link, or a mail scanner, gets to see; and what that is. */
  readonly look: (message: NtfyMessage) => Promise<string>
  readonly shows: RegExp
  /** Sends a token as the phone does; resolves when the agent has refused it with this. */
  readonly isRefused: (it: ToldLab, ntfy: LabNtfy, token: string, why: string) => Promise<void>
}

const page = (net: number) => `http://127.0.${net}.20:8420`

const ways: readonly Way[] = [
  {
    name: 'a page of the API, on the LAN alone',
    net: 207,
    settings: () => ({ channel: {}, api: { address: '127.0.207.20', port: 8420, url: page(207) } }),
    tokenOf: (message) => actionOf(message).url.split('/').at(-1)!,
    look: async (message) => (await fetch(actionOf(message).url, { headers: { accept: 'text/html' } })).text(),
    shows: /Cancel the shutdown of the power cut that began .*<form method="post">/s,
    isRefused: async (_it, _ntfy, token, why) => {
      const answer = await fetch(`${page(207)}/act/phone/${token}`, { method: 'POST' })
      expect({ status: answer.status, body: await answer.json() }).toEqual({
        status: 409,
        body: { done: false, said: `Nothing was done: ${why}` },
      })
    },
  },
  {
    name: 'a topic of ntfy, while nothing can reach the agent',
    net: 208,
    settings: () => ({ channel: { commands: 'home-buttons' } }),
    tokenOf: (message) => actionOf(message).body!,
    // A topic has no page.
    look: async () => '',
    shows: /^$/,
    isRefused: async ({ daemon }, ntfy, token, why) => {
      const times = () => daemon.output.split(`a button was pressed: ${why}`).length
      const before = times()
      await fetch(`${ntfy.url}/home-buttons`, { method: 'POST', body: token })
      await waitFor(`the button to be refused: ${why}`, 20_000, () => times() > before)
    },
  },
]

function actionOf(message: NtfyMessage) {
  return message.actions!.find((action) => action.label === label)!
}

/** What the phone shows of the power cut, once it looks so. */
async function shown(ntfy: LabNtfy, title: RegExp): Promise<NtfyMessage> {
  const find = () => ntfy.shown('home').find((message) => title.test(message.title ?? ''))
  await waitFor(`the phone to show ${title}`, 40_000, () => find() !== undefined)
  return find()!
}

/** Signed with the agent's own key, as it would have been at that time, for that channel. */
async function tokenOfOurs({ directory }: ToldLab, channel: string, subject: string, at: number): Promise<string> {
  const key = await readFile(join(directory, 'state', 'keys', 'actions'))
  const parts = {
    operator: {} as Operator,
    alerts: { find: () => undefined },
    power: { upses: new Map() },
    config: () => ({}) as Config,
  }
  const actions = createActions({ key, journal: memoryJournal(), now: () => new Date(at), ...parts })
  return actions.issue(channel, { do: 'cancel', subject })
}

/** With another last letter of the signature. */
function forged(token: string): string {
  const place = 1 + 6 + 6 + 21
  return token.slice(0, place) + (token[place] === 'A' ? 'B' : 'A') + token.slice(place + 1)
}

const isCordoned = ({ lab }: ToldLab) => lab.nodes.some(({ name }) => lab.kubernetes.node(name)?.spec.unschedulable)
const begun = /^lab: a shutdown of the cluster has begun$/

describe.concurrent('a shutdown that has begun is cancelled from a phone', () => {
  test.each(ways)(
    'by $name; a button that was pressed, has expired, is forged or of another power cut stops nothing',
    async ({ net, settings, tokenOf, look, shows, isRefused }) => {
      await using stack = new AsyncDisposableStack()
      const ntfy = stack.use(await startNtfy({ address: `127.0.${net}.9` }))
      const { channel, ...api } = settings(ntfy)
      const it = await startToldLab(stack, net, {
        ...api,
        power: { maxOnBattery: '4s', drainTimeout: '60s' },
        notifications: { channels: { phone: { type: 'ntfy', server: ntfy.url, topic: 'home', ...channel } } },
      })
      const { lab, upsd } = it
      // Long enough for a person to find the phone.
      lab.kubernetes.addPod({ name: 'slow', node: 'w-1', terminateMs: 20_000 })
      await it.start()
      const refuses = (token: string, why: string) => isRefused(it, ntfy, token, why)

      await upsd.status('OB DISCHRG')
      const unpressed = tokenOf(await shown(ntfy, /^lab: mains power failed$/))
      const alert = await shown(ntfy, begun)
      const pressed = tokenOf(alert)
      await waitFor('a node to be cordoned', 20_000, () => isCordoned(it))
      // Looking does nothing.
      expect(await look(alert)).toMatch(shows)
      expect((await it.outage())?.stage).toBe('draining')
      expect(await ntfy.press(alert, label)).toBe(200)
      await waitFor('every node to be uncordoned', 40_000, () => !isCordoned(it))
      expect(ntfy.shown('home')).not.toContain(alert)
      await refuses(pressed, 'this button was pressed before')
      await upsd.status('OL CHRG')
      await shown(ntfy, /^lab: over: /)
      expect(lab.nodes.flatMap(({ calls }) => calls.filter(({ method }) => method.endsWith('.Shutdown')))).toEqual([])
      const entries = await it.daemon.control.list<Entry>('/journal?limit=200')
      const cancelled = entries.filter(({ text }) => text.startsWith('the shutdown is cancelled for ups: '))
      expect(cancelled).toMatchObject([
        { text: expect.stringMatching(/; by somebody (at [\d.]+ )?with a button of channel phone$/) },
      ])

      await upsd.status('OB DISCHRG')
      const current = tokenOf(await shown(ntfy, begun))
      const { subject } = readTicket(current)!.ticket.action
      await refuses(pressed, 'this button was pressed before')
      await refuses(unpressed, 'that power cut is over')
      await refuses(forged(current), 'this button is not one of ours')
      await refuses(await tokenOfOurs(it, 'phone', subject, Date.now() - 2 * day), 'this button has expired')
      await refuses(await tokenOfOurs(it, 'tablet', subject, Date.now()), 'this button is not one of ours')
      await waitFor('everything to be off', 90_000, () => lab.nodes.every(({ power }) => power === 'off'))
    },
  )
})
