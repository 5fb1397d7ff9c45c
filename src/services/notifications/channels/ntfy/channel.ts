import { AgentError } from '../../../../core/errors.ts'
import type { Files } from '../../../../operations/service.ts'
import { anotherAnswers, objectOf } from '../../answer.ts'
import type { OpenChannel, OutgoingMessage, Sent } from '../../channel.ts'
import { ask, type Outgoing } from '../../outgoing.ts'
import { below } from '../shapes.ts'
import { listenForCommands } from './commands.ts'
import { type NtfyConfig, topicPattern } from './config.ts'
import { answerPayload, type NtfyPayload, payloadOf } from './payload.ts'
import { ntfyRefusal } from './refusal.ts'

/**
 * ntfy (docs/publish.md, docs/subscribe/api.md). What was sent is replaced by its sequence, which is the message's thread;
 * a server before 2.16 knows none, and shows each message anew.
 */
export const open: OpenChannel<NtfyConfig> = async (config, means) => {
  const { name, files, log, trust } = means
  const access = await readAccess(config, name, files)
  const { topic, commandTopic, headers, secrets } = access
  const url = below(config.server, '')
  const doing = `${name} (ntfy at ${url.host})`
  const commands =
    commandTopic === undefined ? undefined : { server: config.phoneServer ?? config.server, topic: commandTopic }
  let saidOld = false

  const publish = async (payload: NtfyPayload, signal: AbortSignal): Promise<Sent> => {
    const outgoing: Outgoing = { doing, url, trust, headers, secrets, body: payload }
    const answer = await ask(outgoing, signal)
    if (answer.status !== 200) throw ntfyRefusal(outgoing, answer)
    const taken = objectOf(answer.text)
    if (typeof taken?.['id'] !== 'string') throw anotherAnswers(outgoing, answer, 'an ntfy server')
    const { sequence_id: sequence } = payload
    if (sequence === undefined) return {}
    if (taken['sequence_id'] === sequence) return { ref: sequence }
    if (!saidOld)
      log.info({}, `${doing}: the server is older than 2.16, so each message stays next to the previous one`)
    saidOld = true
    return {}
  }
  const send = (message: OutgoingMessage, signal: AbortSignal) =>
    publish(payloadOf(message, { topic, commands }), signal)

  return {
    send,
    update: (_, message, signal) => send(message, signal),
    ...(commandTopic === undefined
      ? {}
      : {
          listen: (press, signal) => {
            const stream = { doing, url: below(config.server, `${commandTopic}/json`), trust, headers, secrets }
            const answer = async (said: { done: boolean; said: string }) =>
              void (await publish(answerPayload(topic, said), signal))
            return listenForCommands({ stream, press, answer, means, signal })
          },
        }),
  }
}

interface Access {
  readonly topic: string
  readonly commandTopic: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
}

async function readAccess(config: NtfyConfig, name: string, files: Files): Promise<Access> {
  const setting = (key: string) => `notifications.channels.${name}.${key}`
  const readTopic = async (source: NtfyConfig['topic'], key: string) => {
    const topic = typeof source === 'string' ? source : await files.readSecret(source, setting(key))
    if (!topicPattern.test(topic))
      throw new AgentError('misconfigured', `${setting(key)}: use letters, digits, - and _, 64 at most`)
    return topic
  }
  const topic = await readTopic(config.topic, 'topic')
  const commandTopic = config.commands === undefined ? undefined : await readTopic(config.commands, 'commands')
  if (commandTopic === topic)
    throw new AgentError('misconfigured', `${setting('commands')}: use a topic other than that of the messages`)
  const topics = commandTopic === undefined ? [topic] : [topic, commandTopic]
  const credentials = await readCredentials(config, setting, files)
  const headers = credentials.header === undefined ? {} : { authorization: credentials.header }
  return { topic, commandTopic, headers, secrets: [...topics, ...credentials.secrets] }
}

async function readCredentials(
  { token, user, password }: NtfyConfig,
  setting: (key: string) => string,
  files: Files,
): Promise<{ readonly header?: string; readonly secrets: readonly string[] }> {
  if (token !== undefined) {
    const text = await files.readSecret(token, setting('token'))
    return { header: `Bearer ${text}`, secrets: [text] }
  }
  if (user === undefined || password === undefined) return { secrets: [] }
  const text = await files.readSecret(password, setting('password'))
  const encoded = Buffer.from(`${user}:${text}`).toString('base64')
  return { header: `Basic ${encoded}`, secrets: [text, encoded] }
}
