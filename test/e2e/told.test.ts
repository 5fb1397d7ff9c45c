import { expect, test } from 'vitest'
import { waitFor } from '../lab/daemon.ts'
import { startInternetLine } from '../lab/internet-line.ts'
import { startGotify } from '../lab/notify/gotify.ts'
import { startNtfy } from '../lab/notify/ntfy.ts'
import type { NtfyMessage } from '../lab/notify/ntfy-publish.ts'
import { startToldLab } from './told-lab.ts'

const net = 206

/** A phone beyond the Internet, and a tablet at home, each by a channel of its own. */
async function setScene(stack: AsyncDisposableStack) {
  const ntfy = stack.use(await startNtfy({ address: `127.0.${net}.9` }))
  const gotify = stack.use(await startGotify({ address: `127.0.${net}.8`, token: 'secret' }))
  const line = stack.use(await startInternetLine(new URL(ntfy.url), { address: `127.0.${net}.10` }))
  const it = await startToldLab(stack, net, {
    notifications: {
      channels: {
        phone: { type: 'ntfy', server: `http://${line.host}`, topic: 'home' },
        tablet: { type: 'gotify', server: gotify.url, token: { file: 'ups-password' } },
      },
    },
  })
  return { it, ntfy, gotify, line }
}

/** By what a person tells messages apart: what they are about, and their title. */
const nameOf = ({ sequence_id: thread, title }: Pick<NtfyMessage, 'sequence_id' | 'title'>) => `${thread} ${title}`

const isAboutPower = ({ sequence_id: thread = '' }: NtfyMessage) => /-(power-failed|outage)$/.test(thread)

test('an outage without the Internet, and with two killed agents in it, is told when the line is back: whole, in order, and only what was in flight twice', async () => {
  await using stack = new AsyncDisposableStack()
  const { it, ntfy, gotify, line } = await setScene(stack)
  const { lab, upsd } = it
  await it.start()
  const before = ntfy.messages.length
  // Packets are dropped: a request hangs, and nobody knows why.
  line.set('silent')
  await upsd.status('OB DISCHRG')
  await waitFor('a request to the phone that hangs', 20_000, () => line.connections > 0)
  await waitFor('the tablet to be told all the same', 20_000, () => gotify.messages.length > 0)
  await it.kill()

  await it.start()
  await upsd.status('OB DISCHRG LB')
  await waitFor('the first machine to be off', 40_000, () => lab.nodes.some(({ power }) => power === 'off'))
  // The line holds for a request, and not for its answer.
  line.set('no-return')
  await waitFor('a message to be taken without an answer', 40_000, () => ntfy.messages.length > before)
  await it.kill()
  line.set('cut')

  await it.start()
  await waitFor('everything to be off', 60_000, async () => (await it.outage())?.stage === 'stopped')
  await upsd.status('OL CHRG')
  await waitFor('the outage to be over', 60_000, async () => (await it.outage())?.stage === 'over')
  // What was in flight when the second agent was killed; nothing got through since.
  expect(ntfy.messages).toHaveLength(before + 1)
  const inFlight = nameOf(ntfy.messages.at(-1)!)
  line.set('up')
  await waitFor('what the outage came to', 90_000, () => ntfy.messages.some(isDigest))
  expect(await it.daemon.stop()).toBe(0)

  const named = ntfy.messages.map(nameOf)
  const twice = named.filter((name, index) => named.indexOf(name) !== index)
  expect(twice).toEqual([inFlight])
  const deliveries = it.deliveries().filter(({ channel }) => channel === 'phone')
  // A message may be waiting that has come up since.
  const sent = deliveries.filter(({ state }) => state === 'sent')
  expect([...new Set(named)]).toEqual(sent.map(({ message: { thread, title } }) => `${thread} ${title}`))
  expect(deliveries.filter(({ state }) => state === 'refused' || state === 'expired')).toEqual([])
  expect(deliveries.filter(({ state, message }) => state === 'superseded' && message.kind !== 'update')).toEqual([])

  const [failed, begun, ...later] = ntfy.messages.filter(
    (message, index) => named.indexOf(named[index]!) === index && isAboutPower(message) && !isUpdate(message),
  )
  const [over, digest] = later.slice(-2)
  // Each stage is news, as far as there was somebody to see it.
  const said = [begun, ...later.slice(0, -2)].map((message) => stages.indexOf(message!.title!))
  expect(said).toEqual([...new Set(said)].toSorted((a, b) => a - b))
  expect(said).not.toContain(-1)
  expect(failed).toMatchObject({
    title: 'lab: mains power failed',
    priority: 4,
    message: expect.stringMatching(
      /^mains power failed: ups is on battery with 100 %\. If mains power stays off, a shutdown starts after 15 min at the latest, sooner on [^.]+\. Then: shut down workers after \d+ s, shut down control planes after \d+ s, shut down NAS after \d+ s\. The battery lasts 15 min\. Cancel it with `caretaker power cancel`\nSince \d{4}-/,
    ),
  })
  expect(begun).toMatchObject({
    // What goes first is the shutdown: by the time that it is told, it may have come this far.
    title: expect.stringMatching(/^lab: (a shutdown of the cluster has begun|the machines are shutting down)$/),
    priority: 5,
    message: expect.stringMatching(
      /: the battery is low \(OB LB\)\.( Nothing is off yet\.)? Cancel it with `caretaker power cancel`\n/,
    ),
  })
  expect(over).toMatchObject({
    title: 'lab: over: mains power failed',
    priority: 2,
    message: expect.stringMatching(
      /^mains power failed\. The cluster is back, \d+ s after the power cut began\. It lasted \d+ s\.?\nSince .*, until /,
    ),
  })
  expect(digest).toMatchObject({
    title: expect.stringMatching(/^lab: the cluster is back, \d+ s after the power cut began$/),
    message: expect.stringMatching(/\ncp-1: stopped in .*, was off for .*, came back in .*\nw-1: .*\nw-2: .*\nnas: /),
  })
  // On the phone one alert is left, which is over.
  expect(
    ntfy
      .shown('home')
      .filter(isAboutPower)
      .map(({ title }) => title),
  ).toEqual([over!.title, digest!.title])
  // At home nothing was in the way: the same, at once.
  expect(gotify.messages.map(({ title }) => title)).toEqual(
    expect.arrayContaining([failed, begun, over, digest].map((message) => message!.title)),
  )
})

/** The stages of a shutdown, as they are told. */
const stages = [
  'lab: a shutdown of the cluster has begun',
  'lab: the machines are shutting down',
  'lab: the machines are shut down',
  'lab: mains power is back',
]

function isDigest({ sequence_id: thread = '' }: NtfyMessage): boolean {
  return thread.endsWith('-outage')
}

/** What has changed since is shown without a sound: it has a lower priority than an alert. */
function isUpdate({ tags, priority }: NtfyMessage): boolean {
  return tags?.includes('white_check_mark') !== true && tags?.includes('information_source') !== true && priority! < 4
}
