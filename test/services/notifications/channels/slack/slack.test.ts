import { expect, onTestFinished, test } from 'vitest'
import { open } from '../../../../../src/services/notifications/channels/slack/channel.ts'
import { config } from '../../../../../src/services/notifications/channels/slack/config.ts'
import { startSlack } from '../../../../lab/notify/slack.ts'
import type { WireAnswer } from '../../../../lab/notify/wire.ts'
import { failureOf } from '../../failure.ts'
import { meansWith } from '../../means.ts'
import { buttonWith, messageWith } from '../../outgoing-message.ts'

const { signal } = new AbortController()
const button = buttonWith({ url: 'https://nas.lan/act/canary-button?a=1&b=2' })
const canaries = ['canarySlackToken', button.token, 'canary-button']

async function lab(
  server: 'slack' | 'mattermost' | 'rocket.chat' = 'slack',
  more: object = server === 'slack' ? { format: 'blocks' } : {},
) {
  const slack = await startSlack({ address: '127.0.202.3', server })
  onTestFinished(() => slack[Symbol.asyncDispose]())
  const channel = await open(
    config.parse({ type: 'slack', url: { file: 'url' }, ...more }),
    meansWith({ url: slack.webhook }),
  )
  return { slack, channel }
}

test('Slack gets blocks, a short text for the lock screen, and no preview opens a button’s page', async () => {
  const { slack, channel } = await lab('slack', { format: 'blocks', username: 'Caretaker', channel: '#ups' })
  const message = messageWith({ details: ['w-1: 4 min', 'w-2: 4 min'], buttons: [button], link: 'https://nas.lan/' })
  expect(await channel.send(message, signal)).toEqual({})
  const mrkdwn = (text: string) => ({ type: 'mrkdwn', text, verbatim: true })
  expect(slack.messages).toEqual([
    {
      text: message.title,
      blocks: [
        { type: 'section', text: mrkdwn(`*${message.title}*\n${message.text}`) },
        { type: 'section', text: mrkdwn('w-1: 4 min\nw-2: 4 min') },
        { type: 'section', text: mrkdwn(`<${button.url}|Cancel shutdown> · <https://nas.lan/|Details>`) },
        { type: 'context', elements: [mrkdwn('home')] },
      ],
      unfurl_links: false,
      unfurl_media: false,
      username: 'Caretaker',
      channel: '#ups',
    },
  ])
})

test.each(['mattermost', 'rocket.chat'] as const)('%s, which knows no blocks, shows all of it', async (server) => {
  const { slack, channel } = await lab(server)
  const message = messageWith({ details: ['w-1: 4 min'], buttons: [button], kind: 'settled' })
  await channel.send(message, signal)
  for (const part of [message.title, message.text, 'w-1: 4 min', button.url!]) expect(slack.shown).toContain(part)
  expect(slack.messages[0]!.attachments).toEqual([expect.objectContaining({ color: '#2e7d32', footer: 'home' })])
})

test('blocks are for Slack’s own addresses, unless it is said otherwise', async () => {
  const { slack } = await lab('slack')
  const plain = await open(config.parse({ type: 'slack', url: { file: 'url' } }), meansWith({ url: slack.webhook }))
  await plain.send(messageWith(), signal)
  expect(slack.messages[0]).not.toHaveProperty('blocks')
  expect(slack.messages[0]).toHaveProperty('attachments')
})

test.each(['slack', 'mattermost', 'rocket.chat'] as const)(
  'nobody is called on %s by what a text says',
  async (server) => {
    const { slack, channel } = await lab(server)
    await channel.send(messageWith({ title: 'a @channel b', text: '<!channel> @all & @here' }), signal)
    expect(slack.calls).toBe(false)
    expect(slack.shown).toContain('&lt;!channel&gt;')
  },
)

test.each(['slack', 'mattermost'] as const)(
  'a long form without end is cut to what %s takes, and links stay whole',
  async (server) => {
    const { slack, channel } = await lab(server)
    const details = Array.from({ length: 2_000 }, (_, index) => `w-${index}: drained & off`)
    await channel.send(messageWith({ details, text: 'x'.repeat(9_000), buttons: [button] }), signal)
    expect(slack.shown).toContain(`<${button.url}|Cancel shutdown>`)
    expect(slack.shown.length).toBeLessThan(9_500)
  },
)

test.each<{ what: string; answer: WireAnswer; code: string; after?: number }>([
  { what: 'a payload that is refused', answer: { status: 400, body: 'invalid_payload' }, code: 'rejected' },
  { what: 'a user who is unknown', answer: { status: 400, body: 'user_not_found' }, code: 'rejected' },
  { what: 'blocks that are too long', answer: { status: 400, body: 'msg_blocks_too_long' }, code: 'rejected' },
  { what: 'an admin who forbids it', answer: { status: 403, body: 'action_prohibited' }, code: 'misconfigured' },
  { what: 'a channel that is gone', answer: { status: 404, body: 'channel_not_found' }, code: 'not-found' },
  { what: 'a webhook that was removed', answer: { status: 404, body: 'no_service' }, code: 'not-found' },
  { what: 'a channel that is archived', answer: { status: 410, body: 'channel_is_archived' }, code: 'not-found' },
  { what: 'a failure of Slack', answer: { status: 500, body: 'rollup_error' }, code: 'unreachable' },
  {
    what: 'a limit',
    answer: { status: 429, headers: { 'retry-after': '30' }, body: 'rate_limited' },
    code: 'not-now',
    after: 30_000,
  },
  {
    what: 'a proxy that has lost the server',
    answer: { status: 404, body: '404 page not found' },
    code: 'not-now',
    after: 60_000,
  },
  {
    what: 'a page in its place',
    answer: { status: 200, body: '<html>sign in</html>' },
    code: 'not-now',
    after: 60_000,
  },
  { what: 'a word that is not ok', answer: { status: 200, body: 'no_text' }, code: 'rejected' },
  { what: 'Rocket.Chat’s no', answer: { status: 200, body: { success: false, error: 'no' } }, code: 'rejected' },
  { what: 'Mattermost’s no', answer: { status: 400, body: { message: 'Invalid webhook.' } }, code: 'rejected' },
  { what: 'a redirect', answer: { status: 302, headers: { location: 'https://x/' } }, code: 'misconfigured' },
])('$what means $code', async ({ answer, code, after }) => {
  const { slack, channel } = await lab()
  slack.faults.next.push(answer)
  const failure = await failureOf(channel.send(messageWith({ buttons: [button] }), signal), canaries)
  expect({ code: failure.code, after: failure.after }).toEqual({ code, after })
})

test.each(['slack', 'mattermost', 'rocket.chat'] as const)(
  '%s tells of a wrong webhook, and its token is never shown',
  async (server) => {
    const { slack } = await lab(server)
    const url = slack.webhook.replace('canarySlackToken', 'canarySlackTokem')
    const wrong = await open(config.parse({ type: 'slack', url: { file: 'url' } }), meansWith({ url }))
    const failure = await failureOf(wrong.send(messageWith(), signal), ['canarySlack', ...canaries])
    expect(failure.code).toBe(server === 'mattermost' ? 'rejected' : 'not-found')
  },
)

test('a server that repeats the address gives no secret away', async () => {
  const { slack, channel } = await lab()
  slack.faults.next.push({
    status: 400,
    body: `cannot POST ${new URL(slack.webhook).pathname} canarySlackToken00000000`,
  })
  expect(await failureOf(channel.send(messageWith(), signal), canaries)).toMatchObject({ code: 'rejected' })
})
