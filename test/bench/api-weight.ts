import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StatusAnswer } from '../../src/core/operator.ts'
import type { TestAnswer } from '../../src/core/notify/test-answer.ts'
import { createClient } from '../../src/http/client.ts'
import { endStore, type LabDaemon, startDaemon, waitFor } from '../lab/daemon.ts'
import { startMail } from '../lab/notify/mail.ts'
import { startNtfy } from '../lab/notify/ntfy.ts'
import { startTelegram } from '../lab/notify/telegram.ts'
import { startManyNodes } from './many-nodes.ts'
import { goal, median, residentMb, say, sleep } from './measure.ts'

/** So many homelabs with API and channels, and as many without, side by side. */
const pairs = 3
const nodes = 5
/** The second octet of the first one's addresses. */
const firstNet = 196
/** In MB. */
const allowed = 12
/** How long is waited for the start's own garbage to be collected, and then watched, in s. */
const [settles, watched] = [45, 45]

/** What API and three channels weigh once they have been used: memory of idle daemons with them less that of others without. */
export async function measureApiWeight(launcher: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const [plain, telling]: [LabDaemon[], LabDaemon[]] = [[], []]
  for (let pair = 0; pair < pairs; pair++) {
    plain.push(await startIdle(stack, launcher, firstNet + 2 * pair))
    const net = firstNet + 2 * pair + 1
    const sections = await startChannels(stack, `127.${net}.0.95`)
    const daemon = await startIdle(stack, launcher, net, sections)
    telling.push(daemon)
    await use(daemon, `http://127.${net}.0.94:8420`)
  }
  await sleep(settles * 1_000)
  const samples = new Map([...plain, ...telling].map((daemon) => [daemon, [] as number[]]))
  for (let second = 0; second < watched; second++) {
    await sleep(1_000)
    for (const [{ pid }, own] of samples) own.push(await residentMb(pid))
  }
  const weigh = (daemons: readonly LabDaemon[]) => daemons.map((daemon) => median(samples.get(daemon)!))
  const [without, having] = [weigh(plain), weigh(telling)]
  const more = median(having) - median(without)
  const list = (all: readonly number[]) => all.map((mb) => mb.toFixed(0)).join(', ')
  say(
    'API and 3 channels, RSS',
    `${more.toFixed(1)} MB more: ${list(having)} MB, without them ${list(without)} MB ${goal(`${allowed} MB`, more <= allowed)}`,
  )
}

async function startIdle(
  stack: AsyncDisposableStack,
  launcher: string,
  net: number,
  sections: Readonly<Record<string, unknown>> = {},
): Promise<LabDaemon> {
  const { directory, config } = stack.use(await startManyNodes(net, nodes, sections))
  if (Object.hasOwn(sections, 'notifications')) await writeSecrets(directory)
  stack.defer(() => endStore(directory))
  const daemon = stack.use(await startDaemon({ config, directory, launcher, pollEvery: 2_000 }))
  await waitFor(
    'the first image',
    60_000,
    async () => (await daemon.control.get<StatusAnswer>('/status')).published !== undefined,
    500,
  )
  return daemon
}

const telegramToken = '110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw'

/** Those that take most: two that listen for buttons, and mail. */
async function startChannels(stack: AsyncDisposableStack, address: string): Promise<Readonly<Record<string, unknown>>> {
  const ntfy = stack.use(await startNtfy({ address }))
  const chat = { id: 17, type: 'private' } as const
  const telegram = stack.use(await startTelegram({ address, token: telegramToken, chats: [chat] }))
  const mail = stack.use(await startMail({ address, tls: 'none' }))
  return {
    api: { address: address.replace(/\d+$/, '94'), port: 8_420 },
    notifications: {
      channels: {
        phone: { type: 'ntfy', server: ntfy.url, topic: 'caretaker', commands: 'pressed' },
        chat: { type: 'telegram', server: telegram.url, token: { file: 'telegram-token' }, chat: chat.id },
        mail: {
          type: 'email',
          host: address,
          port: mail.port,
          tls: 'none',
          from: 'caretaker@home.lan',
          to: 'alice@home.lan',
        },
      },
    },
  }
}

function writeSecrets(directory: string): Promise<void> {
  return writeFile(join(directory, 'telegram-token'), `${telegramToken}\n`, { mode: 0o600 })
}

/** Everything is loaded and has worked once. */
async function use({ control }: LabDaemon, url: string): Promise<void> {
  const tests = await control.post<readonly TestAnswer[]>('/notifications/test', {})
  const failed = tests.find(({ sent }) => !sent)
  if (failed) throw new Error(`${failed.channel}: ${failed.detail}`)
  await createClient({ url }).status.$get()
}
