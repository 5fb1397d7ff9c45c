import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { runCli, waitFor } from '../lab/daemon.ts'
import { type LabGotify, startGotify } from '../lab/notify/gotify.ts'
import { type LabStandIn, startStandIn } from '../lab/notify/stand-in.ts'
import { startToldLab } from './told-lab.ts'

const net = 209
const address = `127.0.${net}.20`

/** Every secret has this in it, and each is another. */
const canary = 'cAnArY'
const base64 = (text: string) => Buffer.from(text).toString('base64')

const secrets: Readonly<Record<string, string>> = {
  gotify: `A${canary}0gotify`,
  'ntfy-topic': `${canary}1-topic`,
  'ntfy-commands': `${canary}2-commands`,
  'ntfy-password': `${canary}3/pass word~`,
  'ntfy-token': `tk_${canary}4token`,
  'pushover-token': `a${canary}5pushovertoken00000000`.slice(0, 30),
  'pushover-user': `u${canary}6pushoveruser000000000`.slice(0, 30),
  telegram: `123456789:AA${canary}7-telegram_0123456789ab`,
  discord: `/api/webhooks/1234567890/${canary}8-discord`,
  slack: `/services/T0/B0/${canary}9slack`,
  matrix: `syt_${canary}10_matrix`,
  'webhook-url': `/hook/${canary}11webhook`,
  'webhook-header': `Bearer ${canary}12header`,
  'webhook-secret': `whsec_${base64(`${canary}13 of a webhook, signed`)}`,
  'apprise-key': `${canary}14-key`,
  'apprise-password': `${canary}15/apprise`,
  'apprise-urls': `json://user:${canary}16@10.0.0.1`,
  heartbeat: `/ping/${canary}17-heartbeat`,
  'email-password': `${canary}18/mail`,
  'api-token': `${canary}19-0123456789abcdef0123456789abcdef`,
  witness: `A${canary}20witness`,
}

/** Kept in variables of the daemon's environment; the others in files. */
const inEnvironment = ['gotify', 'ntfy-token', 'webhook-header', 'email-password', 'api-token']

const variableOf = (name: string) => `TOLD_${name.replaceAll('-', '_').toUpperCase()}`
const from = (name: string) => (inEnvironment.includes(name) ? { env: variableOf(name) } : { file: name })

/** Each kind of channel, and the secrets that its server may see. `url` names what is a whole URL. */
const channels: Readonly<
  Record<string, { readonly own: readonly string[]; readonly url?: string; readonly more: object }>
> = {
  gotify: { own: ['gotify'], more: { type: 'gotify', token: from('gotify') } },
  ntfy: {
    own: ['ntfy-topic', 'ntfy-commands', 'ntfy-password'],
    more: {
      type: 'ntfy',
      topic: from('ntfy-topic'),
      commands: from('ntfy-commands'),
      user: 'u',
      password: from('ntfy-password'),
    },
  },
  'ntfy-token': {
    own: ['ntfy-topic', 'ntfy-token'],
    more: { type: 'ntfy', topic: from('ntfy-topic'), token: from('ntfy-token') },
  },
  pushover: {
    own: ['pushover-token', 'pushover-user'],
    more: { type: 'pushover', token: from('pushover-token'), user: from('pushover-user') },
  },
  telegram: { own: ['telegram'], more: { type: 'telegram', token: from('telegram'), chat: 1 } },
  discord: { own: ['discord'], url: 'discord', more: { type: 'discord' } },
  slack: { own: ['slack'], url: 'slack', more: { type: 'slack' } },
  matrix: { own: ['matrix'], more: { type: 'matrix', token: from('matrix'), room: '!room:home.lan' } },
  webhook: {
    own: ['webhook-url', 'webhook-header'],
    url: 'webhook-url',
    more: { type: 'webhook', headers: { 'X-Key': from('webhook-header') }, secret: from('webhook-secret') },
  },
  apprise: {
    own: ['apprise-key', 'apprise-password'],
    more: { type: 'apprise', key: from('apprise-key'), user: 'u', password: from('apprise-password') },
  },
  'apprise-urls': { own: ['apprise-urls'], more: { type: 'apprise', urls: from('apprise-urls') } },
  heartbeat: { own: ['heartbeat'], url: 'heartbeat', more: { type: 'heartbeat', every: '30s' } },
}

const statuses = [400, 500, 401, 403, 429, 302, 413, 404]

/** A server that refuses everything, as soon as it may each time in another way, and repeats all that it got. */
function startEcho(mood: { readonly varies: boolean }): Promise<LabStandIn> {
  let count = 0
  return startStandIn(address, ({ target, headers, body }) => {
    // 400 is for one message alone, so that the next comes at once.
    const status = mood.varies ? statuses[count % statuses.length]! : 400
    count += 1
    const shown = ['authorization', 'x-gotify-key', 'x-key'].map((name) => String(headers[name] ?? ''))
    const said = [target, decodeURIComponent(target), ...shown, body].join(' ')
    const json = {
      error: said,
      errcode: 'M_X',
      message: said,
      description: said,
      errors: [said],
      errorDescription: said,
    }
    return { status, body: count % 2 === 0 ? said : { ...json, code: 1, ok: false, error_code: status } }
  })
}

/** A mail server that refuses every login, and repeats it. */
async function startEchoingMail(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write('220 mail.lab ESMTP\r\n')
    socket.setEncoding('utf8').on('data', (line: string) => {
      const word = line.trim()
      if (/^EHLO/i.test(word)) return socket.write('250-mail.lab\r\n250 AUTH PLAIN LOGIN\r\n')
      const sent = word.split(' ').at(-1)!
      return socket.write(`535 no: ${word} ${Buffer.from(sent, 'base64').toString('utf8').replaceAll('\0', ' ')}\r\n`)
    })
  })
  server.listen(0, address)
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}

/** In what forms a secret may stand somewhere. */
function formsOf(name: string): readonly string[] {
  const secret = secrets[name]!
  const inner = secret.replace(/^whsec_/, '')
  const logins = [base64(`u:${secret}`), base64(`\0u\0${secret}`), base64(secret)]
  return [secret, inner, encodeURIComponent(secret), ...logins]
}

const allForms = Object.keys(secrets).flatMap(formsOf)

/** The canaries in a text, whole or in part. */
function found(text: string): readonly string[] {
  const parts = text.includes(canary) ? [text.slice(text.indexOf(canary) - 60, text.indexOf(canary) + 40)] : []
  return [...parts, ...allForms.filter((form) => text.includes(form))]
}

/** The daemon's children, and theirs. */
async function descendantsOf(pid: number): Promise<readonly number[]> {
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const pairs = await Promise.all(
    all.map(async (name) => {
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
      return { pid: Number(name), parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) }
    }),
  )
  const children = pairs.filter(({ parent }) => parent === pid).map((one) => one.pid)
  return [...children, ...(await Promise.all(children.map(descendantsOf))).flat()]
}

async function bytesBelow(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return (await Promise.all(files.map((file) => readFile(file, 'latin1')))).join('\n')
}

test('no secret of a channel or of the API stands in an answer, a message, the log, the journal or the list of processes, whatever servers repeat', async () => {
  await using stack = new AsyncDisposableStack()
  const mood = { varies: false }
  const echoes = new Map<string, LabStandIn>()
  for (const name of Object.keys(channels)) echoes.set(name, stack.use(await startEcho(mood)))
  const mail = stack.use(await startEchoingMail())
  const witness: LabGotify = stack.use(await startGotify({ address, token: secrets['witness']! }))
  const configured = Object.fromEntries(
    Object.entries(channels).map(([name, { url, more }]) => {
      const place = url === undefined ? { server: echoes.get(name)!.url } : { url: { file: `${url}.url` } }
      return [name, { ...more, ...place }]
    }),
  )
  const api = `http://127.0.${net}.21:8420`
  const it = await startToldLab(stack, net, {
    api: {
      address: `127.0.${net}.21`,
      port: 8420,
      url: api,
      tokens: [{ name: 'desk', scope: 'admin', token: from('api-token') }],
    },
    notifications: {
      channels: {
        ...configured,
        email: {
          type: 'email',
          host: address,
          port: mail.port,
          tls: 'none',
          user: 'u',
          password: from('email-password'),
          from: 'a@home.lan',
          to: 'b@home.lan',
        },
        witness: { type: 'gotify', server: witness.url, token: from('witness') },
      },
    },
  })
  const { directory, config, upsd } = it
  for (const [name, secret] of Object.entries(secrets))
    await writeFile(join(directory, name), `${secret}\n`, { mode: 0o600 })
  for (const [name, { url }] of Object.entries(channels))
    if (url !== undefined)
      await writeFile(join(directory, `${url}.url`), `${echoes.get(name)!.url}${secrets[url]}\n`, { mode: 0o600 })
  await it.start(Object.fromEntries(inEnvironment.map((name) => [variableOf(name), secrets[name]!])))

  const said: string[] = []
  const command = async (...args: string[]) => {
    const { stdout, stderr } = await runCli([...args, '-c', config])
    said.push(stdout, stderr)
    return stdout
  }
  /** Tokens of buttons: each is worth as much as a password, once. */
  const pressable = () =>
    [...echoes.values()].flatMap(({ requests }) =>
      requests.flatMap(({ body }) =>
        [...body.matchAll(/\/act\/[a-z-]+\/([-_.A-Za-z0-9]{20,64})/g)].map(([, token]) => token!),
      ),
    )
  await upsd.status('OB DISCHRG')
  await waitFor('a message with a button', 20_000, () => pressable().length > 0)
  mood.varies = true
  for (const _ of statuses) await command('notify', 'test', '--json')
  await command('notify', 'test')
  await waitFor('the witness to be told of a channel that fails', 60_000, () =>
    witness.messages.some(({ title }) => title.includes('messages do not get through by')),
  )
  const created = (await command('token', 'create', 'phone', '--scope', 'read')).trim().split('\n').at(-1)!
  expect(created).toMatch(/^caretaker_/)
  said.splice(
    said.findIndex((text) => text.includes(created)),
    1,
  )
  for (const text of ['status', 'alerts --all', 'journal', 'notify log', 'token list', 'power plan'])
    for (const json of [[], ['--json']]) await command(...text.split(' '), ...json)
  await writeFile(join(directory, 'created'), created, { mode: 0o600 })
  const remote = ['--server', api, '--token-file', join(directory, 'created')]
  for (const text of ['status', 'notify log'])
    said.push(...Object.values(await runCli([...remote, ...text.split(' '), '--json'])).map(String))
  const ask = async (path: string, token: string) => {
    const answer = await fetch(`${api}${path}`, { headers: { authorization: `Bearer ${token}` } })
    said.push(JSON.stringify([...answer.headers]), await answer.text())
    return answer.status
  }
  for (const path of ['status', 'notifications', 'alerts?all=true', 'journal', 'tokens', 'openapi.json'])
    await ask(`/api/v1/${path}`, secrets['api-token']!)
  expect(await ask('/api/v1/status', secrets['api-token']!)).toBe(200)
  expect(await ask('/api/v1/status', `${secrets['api-token']}x`)).toBe(401)

  const { pid } = it.daemon
  const children = await descendantsOf(pid)
  expect(children.length).toBeGreaterThan(0)
  const processes = [
    `/proc/${pid}/cmdline`,
    ...children.flatMap((one) => [`/proc/${one}/cmdline`, `/proc/${one}/environ`]),
  ]
  for (const file of processes) said.push(await readFile(file, 'latin1').catch(() => ''))
  said.push(
    it.daemon.output,
    await bytesBelow(join(directory, 'state')),
    ...witness.messages.map((one) => JSON.stringify(one)),
  )
  await it.daemon.stop()
  said.push(it.daemon.output, await bytesBelow(join(directory, 'state')))

  // Servers were asked, and what they repeated was shown as far as it is no secret.
  for (const [name, { requests }] of echoes) expect({ name, asked: requests.length > 0 }).toEqual({ name, asked: true })
  expect(said.join('\n')).toContain('HTTP 400')
  expect(said.flatMap(found)).toEqual([])
  const tokens = pressable()
  const all = said.join('\n')
  expect([...tokens, created].filter((token) => all.includes(token))).toEqual([])
  // No server hears of another's.
  for (const [name, { requests }] of echoes) {
    const heard = requests.map((request) => JSON.stringify(request)).join('\n')
    const others = Object.keys(secrets).filter((one) => !channels[name]!.own.includes(one))
    expect({ name, heard: others.filter((one) => formsOf(one).some((form) => heard.includes(form))) }).toEqual({
      name,
      heard: [],
    })
  }
})
