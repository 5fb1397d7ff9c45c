import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { open } from '../../../../../src/services/notifications/channels/email/channel.ts'
import { config } from '../../../../../src/services/notifications/channels/email/config.ts'
import { readTrust } from '../../../../../src/services/notifications/trust.ts'
import { type LabMailOptions, type LabMailServer, readMail, startMail } from '../../../../lab/notify/mail.ts'
import { failureOf } from '../../failure.ts'
import { meansWith } from '../../means.ts'
import { buttonWith, messageWith } from '../../outgoing-message.ts'

const { signal } = new AbortController()
const address = '127.0.202.9'
const password = 'canary-mail-password'
const login = { user: 'caretaker', password }
const button = buttonWith({ url: 'https://nas.lan/act/canary-button?a=1&b=2' })
const canaries = [password, btoa(password), btoa(`\0caretaker\0${password}`), button.token]
const at = new Date('2026-11-26T02:00:05Z')

async function lab(options: Partial<LabMailOptions> = {}, more: object = {}) {
  const mail = await startMail({ address, ...options })
  onTestFinished(() => mail[Symbol.asyncDispose]())
  return { mail, ...(await openFor(mail, more)) }
}

async function openFor(mail: Pick<LabMailServer, 'port' | 'ca'>, more: object = {}, secret = password) {
  const { ca = 'ca' in more ? undefined : 'ca', ...settings }: { ca?: string } = more
  const alone = meansWith({ ca: mail.ca, password: secret }, () => at)
  const trust = await readTrust({ own: ca, shared: undefined }, 'mail', alone.files)
  const means = Object.assign(alone, { trust })
  const given = {
    type: 'email',
    host: address,
    port: mail.port,
    tls: 'starttls',
    from: 'caretaker@home.lan',
    to: 'alice@home.lan',
  }
  return { channel: await open(config.parse({ ...given, ...settings }), means), means }
}

test('an alert is a mail in text and HTML, which a person can read and act on', async () => {
  const { mail, channel } = await lab()
  const message = messageWith({ details: ['w-1: <4 min>', 'w-2: ü'], buttons: [button], link: 'https://nas.lan/' })
  expect(await channel.send(message, signal)).toEqual({})
  expect(mail.mails).toEqual([
    expect.objectContaining({ from: 'caretaker@home.lan', to: ['alice@home.lan'], secure: true, user: undefined }),
  ])
  const { headers, text, html } = readMail(mail.mails[0]!.raw)
  expect(Object.fromEntries(headers)).toMatchObject({
    From: 'Caretaker home <caretaker@home.lan>',
    To: 'alice@home.lan',
    Subject: message.title,
    Date: 'Thu, 26 Nov 2026 02:00:05 +0000',
    'Message-ID': '<m-1@home.lan>',
    References: `<thread.${message.thread}@home.lan>`,
    'Auto-Submitted': 'auto-generated',
    Importance: 'high',
    'MIME-Version': '1.0',
  })
  expect(text.trimEnd()).toBe(
    `${message.text}\nw-1: <4 min>\nw-2: ü\n\nCancel shutdown: ${button.url}\nDetails: https://nas.lan/\n\n-- \nhome`,
  )
  expect(html).toContain('<a href="https://nas.lan/act/canary-button?a=1&amp;b=2">Cancel shutdown</a>')
  expect(html).toContain('w-1: &lt;4 min&gt;<br>\nw-2: ü')
})

test('what belongs together is one thread, and what is over is not urgent', async () => {
  const { mail, channel } = await lab()
  await channel.send(messageWith(), signal)
  await channel.send(messageWith({ id: 'm-2', kind: 'settled' }), signal)
  const [first, second] = mail.mails.map(({ raw }) => Object.fromEntries(readMail(raw).headers))
  expect(second!['References']).toBe(first!['References'])
  expect(second!['In-Reply-To']).toBe(first!['References'])
  expect(first).not.toHaveProperty('In-Reply-To')
  expect(second).not.toHaveProperty('Importance')
})

test('what is sent again has the same Message-ID', async () => {
  const { mail, channel } = await lab()
  mail.no.data = { code: 451, text: 'try later' }
  expect(await failureOf(channel.send(messageWith(), signal), canaries)).toMatchObject({ code: 'not-now' })
  delete mail.no.data
  await channel.send(messageWith(), signal)
  expect(mail.mails[0]!.raw).toContain('\r\nMessage-ID: <m-1@home.lan>\r\n')
})

test('nothing that a text holds becomes a header, and no line is longer than a server takes', async () => {
  const { mail, channel } = await lab()
  const evil = 'x\r\nBcc: mallory@evil.lan\r\n\r\nbody'
  await channel.send(
    messageWith({
      title: evil,
      homelab: `${evil}" <mallory@evil.lan>`,
      text: `.\r\n.\r\nQUIT\r\n${'y'.repeat(3_000)}`,
      details: ['ü🔋'.repeat(800)],
    }),
    signal,
  )
  expect(mail.mails).toHaveLength(1)
  const { raw, to } = mail.mails[0]!
  expect(to).toEqual(['alice@home.lan'])
  expect(
    readMail(raw)
      .headers.map(([name]) => name.toLowerCase())
      .toSorted(),
  ).toEqual(
    [
      'from',
      'to',
      'subject',
      'date',
      'message-id',
      'references',
      'auto-submitted',
      'x-auto-response-suppress',
      'importance',
      'x-priority',
      'mime-version',
      'content-type',
    ].toSorted(),
  )
  expect(readMail(raw).headers.find(([name]) => name === 'From')![1]).toMatch(/<caretaker@home\.lan>$/)
  expect(Math.max(...raw.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998)
  expect(readMail(raw).text).toContain('y'.repeat(3_000))
})

test('it signs in over TLS alone', async () => {
  for (const tls of ['starttls', 'implicit'] as const) {
    const { mail, channel } = await lab({ login, tls }, { tls, user: login.user, password: { file: 'password' } })
    await channel.send(messageWith(), signal)
    expect(mail.mails).toEqual([expect.objectContaining({ secure: true, user: 'caretaker' })])
  }
})

test('a server without STARTTLS gets neither password nor mail, unless that is said', async () => {
  const { mail, channel } = await lab({ login, tls: 'none' }, { user: login.user, password: { file: 'password' } })
  const failure = await failureOf(channel.send(messageWith(), signal), canaries)
  expect(failure).toMatchObject({ code: 'misconfigured', message: expect.stringContaining('it offers no STARTTLS') })
  expect(mail.mails).toEqual([])
  const plain = await openFor(mail, { tls: 'none', user: login.user, password: { file: 'password' } })
  await plain.channel.send(messageWith(), signal)
  expect(mail.mails).toEqual([expect.objectContaining({ secure: false, user: 'caretaker' })])
})

test('on this machine mail needs no TLS, and it is left alone where it is offered', async () => {
  const { mail } = await lab()
  const { channel } = await openFor(mail, { tls: undefined, ca: undefined })
  await channel.send(messageWith(), signal)
  expect(mail.mails).toEqual([expect.objectContaining({ secure: false })])
})

test('a certificate of nobody that is trusted, or of another host, is told, and no mail goes there', async () => {
  const { mail } = await lab()
  const untrusted = await openFor(mail, { ca: undefined })
  expect(await failureOf(untrusted.channel.send(messageWith(), signal))).toMatchObject({
    code: 'unreachable',
    message: expect.stringMatching(/certificate.*name that in `notifications\.ca`$/),
  })
  const other = await lab({ certificate: { dns: ['other.lan'] } })
  expect(await failureOf(other.channel.send(messageWith(), signal))).toMatchObject({
    code: 'unreachable',
    message: expect.stringMatching(/does not match|altnames/i),
  })
  expect([...mail.mails, ...other.mail.mails]).toEqual([])
})

test('a wrong password is told, and never shown, even if the server repeats it', async () => {
  const { mail } = await lab({ login })
  const wrong = 'canary-wrong-password'
  const { channel } = await openFor(mail, { user: login.user, password: { file: 'password' } }, wrong)
  const failure = await failureOf(channel.send(messageWith(), signal), [wrong, btoa(`\0caretaker\0${wrong}`)])
  expect(failure).toMatchObject({ code: 'misconfigured', message: expect.stringContaining('535') })
})

test.each([
  { what: 'a sign-in that fails for now', no: { login: { code: 454, text: '4.7.0 later' } }, code: 'not-now' },
  { what: 'a server that is too busy', no: { connect: { code: 421, text: '4.3.2 too busy' } }, code: 'not-now' },
  { what: 'a server that takes nothing', no: { connect: { code: 554, text: '5.7.1 go away' } }, code: 'rejected' },
  { what: 'a sender who is not taken', no: { from: { code: 553, text: '5.7.1 not yours' } }, code: 'rejected' },
  { what: 'a full disk', no: { from: { code: 452, text: '4.3.1 no space' } }, code: 'not-now' },
  { what: 'a mail that looks like spam', no: { data: { code: 550, text: '5.7.1 spam' } }, code: 'rejected' },
  { what: 'a mail that is to come later', no: { data: { code: 451, text: '4.7.1 greylisted' } }, code: 'not-now' },
  { what: 'a sign-in that is asked for', no: { from: { code: 530, text: '5.7.0 sign in' } }, code: 'misconfigured' },
])('$what means $code', async ({ no, code }) => {
  const { mail, channel } = await lab({ login }, { user: login.user, password: { file: 'password' } })
  Object.assign(mail.no, no)
  const failure = await failureOf(channel.send(messageWith(), signal), canaries)
  expect(failure).toMatchObject({ code, message: expect.stringContaining(Object.values(no)[0]!.text) })
  expect(failure.message).toMatch(/^phone \(mail by 127\.0\.202\.9\): /)
})

test('a recipient who is greylisted gets it later, and the others only once', async () => {
  const { mail, channel } = await lab({}, { to: ['alice@home.lan', 'bob@home.lan'] })
  mail.refused.set('bob@home.lan', { code: 450, text: '4.2.0 greylisted' })
  expect(await failureOf(channel.send(messageWith(), signal))).toMatchObject({
    code: 'not-now',
    message: expect.stringContaining('bob@home.lan: 450'),
  })
  mail.refused.clear()
  await channel.send(messageWith(), signal)
  await channel.send(messageWith({ id: 'm-2' }), signal)
  expect(mail.mails.map(({ to }) => to)).toEqual([
    ['alice@home.lan'],
    ['bob@home.lan'],
    ['alice@home.lan', 'bob@home.lan'],
  ])
})

test('a recipient who does not exist keeps it from nobody else, and is told', async () => {
  const { mail, channel, means } = await lab({}, { to: ['alice@home.lan', 'nobody@home.lan'] })
  mail.refused.set('nobody@home.lan', { code: 550, text: '5.1.1 unknown' })
  await channel.send(messageWith(), signal)
  expect(mail.mails.map(({ to }) => to)).toEqual([['alice@home.lan']])
  expect(means.lines).toEqual([expect.stringMatching(/^warn phone .*not to all: nobody@home\.lan: 550/)])
})

test('where nobody exists, it is refused, also when some were only told to wait at first', async () => {
  const { mail, channel } = await lab({}, { to: ['alice@home.lan', 'bob@home.lan'] })
  mail.refused
    .set('alice@home.lan', { code: 550, text: '5.1.1 unknown' })
    .set('bob@home.lan', { code: 450, text: '4.2.0 wait' })
  expect(await failureOf(channel.send(messageWith(), signal))).toMatchObject({ code: 'not-now' })
  mail.refused.set('bob@home.lan', { code: 550, text: '5.1.1 unknown' })
  expect(await failureOf(channel.send(messageWith(), signal))).toMatchObject({ code: 'rejected' })
  expect(await failureOf(channel.send(messageWith({ id: 'm-2' }), signal))).toMatchObject({ code: 'rejected' })
})

/** A server that does this with each connection. */
async function rawServer(each: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    each(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return { sockets, port: (server.address() as AddressInfo).port, ca: '' }
}

test.each([
  { what: 'one that closes at once', each: (socket: Socket) => void socket.end() },
  { what: 'one that resets', each: (socket: Socket) => void socket.resetAndDestroy() },
  { what: 'one that closes after its greeting', each: (socket: Socket) => void socket.end('220 mail.lab ESMTP\r\n') },
  { what: 'one that speaks HTTP', each: (socket: Socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') },
])('a server that is none is tried again: $what', async ({ each }) => {
  const server = await rawServer(each)
  const { channel } = await openFor(server, { ca: undefined, tls: 'none' })
  expect(await failureOf(channel.send(messageWith(), signal))).toMatchObject({ code: 'unreachable' })
})

test('a server that hangs is let go with the signal, and its connection is cut', async () => {
  const server = await rawServer(() => {})
  const { channel } = await openFor(server, { ca: undefined, tls: 'none' })
  const ends = new AbortController()
  const sending = channel.send(messageWith(), ends.signal)
  sending.catch(() => {})
  await expect.poll(() => server.sockets.size).toBe(1)
  ends.abort()
  expect(await failureOf(sending)).toMatchObject({ code: 'unreachable' })
  await expect.poll(() => server.sockets.size).toBe(0)
})

test('a server that is gone is tried again', async () => {
  const mail = await startMail({ address })
  await mail[Symbol.asyncDispose]()
  const { channel } = await openFor(mail)
  expect(await failureOf(channel.send(messageWith(), signal))).toMatchObject({ code: 'unreachable' })
})

test.each([
  'alice',
  'alice@',
  '@home.lan',
  'Alice <alice@home.lan>',
  'a@b, c@d',
  'a@b\r\nBcc: c@d',
  'a b@home.lan',
  'a@home.lan>',
])('“%s” is no address', (to) => {
  const given = { type: 'email', host: 'mail.lan', from: 'caretaker@home.lan' }
  expect(config.safeParse({ ...given, to }).success).toBe(false)
  expect(config.safeParse({ ...given, from: to, to: 'alice@home.lan' }).success).toBe(false)
})
