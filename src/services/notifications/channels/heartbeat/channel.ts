import { AgentError, messageOf } from '../../../../core/errors.ts'
import type { ChannelMeans, OpenChannel } from '../../channel.ts'
import { cutBytes } from '../../cut.ts'
import { ask, type Outgoing, refusalOf, RetryAfter, saysYes } from '../../outgoing.ts'
import { plainText, secretsIn } from '../../plain-text.ts'
import { readUrl, within } from '../../url.ts'
import type { HeartbeatConfig } from './config.ts'

/** In ms: how soon a critical alert that opens or settles is told. */
const lookEvery = 10_000
/** Pings a minute (healthchecks, http_api.md); one of them is kept for the heartbeat itself. */
const mostPerMinute = 5
/** In ms: how long to wait at least where pings were too many. */
const tooManyPause = 15_000
/** In bytes: what is kept of a body (healthchecks, Ping-Body-Limit). */
const longestBody = 10_000

/** A ping URL that says always the same, whatever is the matter (http_api.md). */
const signals = /\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\/(start|fail|log|\d{1,3})\/?$/i

/**
 * Pings of https://healthchecks.io (healthchecks, http_api.md): a success by itself, `/fail` while something critical is
 * open, and `/log` for messages, which leaves the check as it is: so its page shows the last words of an agent that fell
 * silent.
 */
export const open: OpenChannel<HeartbeatConfig> = async (config, means) => {
  const { name, files, now, trust } = means
  const url = await readUrl(config.url, `notifications.channels.${name}.url`, files)
  if (signals.test(url.pathname))
    throw new AgentError('misconfigured', `notifications.channels.${name}.url: leave out what follows the UUID`)
  let pings: readonly number[] = []

  const ping = async (
    kind: '' | 'fail' | 'log',
    body: string,
    more: { secrets?: readonly string[]; kept: number },
    signal: AbortSignal,
  ) => {
    const at = now().getTime()
    pings = pings.filter((one) => Math.abs(at - one) < 60_000)
    if (pings.length >= mostPerMinute - more.kept)
      throw new RetryAfter(`${name}: ${mostPerMinute} pings a minute are the most`, 60_000 - Math.abs(at - pings[0]!))
    pings = [...pings, at]
    const outgoing: Outgoing = {
      doing: `${name} (heartbeat to ${url.host})`,
      url: kind === '' ? url : within(url, kind),
      trust,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: cutBytes(body, longestBody),
      secrets: [...url.pathname.split('/'), ...(more.secrets ?? [])],
    }
    await expectOk(outgoing, signal)
  }
  return {
    send: async (message, signal) => {
      if (!config.messages) return {}
      await ping('log', `${message.title}\n${plainText(message)}`, { secrets: secretsIn(message), kept: 1 }, signal)
      return {}
    },
    run: (signal) =>
      beat(config, means, signal, ({ failing, text }) => ping(failing ? 'fail' : '', text, { kept: 0 }, signal)),
  }
}

/** Pings in its interval, and at once when something critical opens or settles. A failure is logged once, until it is over. */
async function beat(
  { every, fail }: Pick<HeartbeatConfig, 'every' | 'fail'>,
  { name, log, worst, pause }: ChannelMeans,
  signal: AbortSignal,
  ping: (how: { failing: boolean; text: string }) => Promise<void>,
): Promise<void> {
  let left = 0
  let told: boolean | undefined
  let isDown = false
  while (!signal.aborted) {
    const open = worst()
    const failing = fail && open?.critical === true
    if (left <= 0 || failing !== told) {
      left = every
      try {
        await ping({ failing, text: open?.text ?? 'nothing is open' })
        told = failing
        if (isDown) log.info({}, `${name}: the heartbeat is heard again`)
        isDown = false
      } catch (error) {
        if (signal.aborted) return
        if (!isDown) log.warn({}, `${messageOf(error)}; it is tried again in its turn`)
        isDown = true
        // What could not be told is no change any more: its turn comes, sooner where pings were only too many.
        told = failing
        if (error instanceof RetryAfter) left = Math.min(every, Math.max(error.after, tooManyPause))
      }
    }
    const wait = Math.min(left, lookEvery)
    await pause(wait, signal)
    left -= wait
  }
}

/** healthchecks.io says `OK (not found)` with status 200 where there is no such check. */
async function expectOk(outgoing: Outgoing, signal: AbortSignal): Promise<void> {
  const answer = await ask(outgoing, signal)
  const said = answer.text.trim()
  if (!saysYes(answer)) {
    const refusal = refusalOf(outgoing, answer)
    // No such check, no address of one, or two with the same name (409). The heartbeat goes on whatever becomes of a
    // message, so this never turns the channel off.
    throw [400, 404, 409, 410].includes(answer.status) ? new AgentError('misconfigured', refusal.message) : refusal
  }
  if (/\(rate limited/i.test(said)) throw new RetryAfter(`${outgoing.doing}: rate limited`, 60_000)
  if (/\(not found/i.test(said)) throw new AgentError('misconfigured', `${outgoing.doing}: there is no such check`)
  if (said.startsWith('<')) throw new AgentError('unreachable', `${outgoing.doing}: a page answers in its place`)
}
