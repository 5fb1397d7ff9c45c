import { expect, onTestFinished, test } from 'vitest'
import { open } from '../../../../../src/services/notifications/channels/email/channel.ts'
import { config } from '../../../../../src/services/notifications/channels/email/config.ts'
import { readTrust } from '../../../../../src/services/notifications/trust.ts'
import { startAiosmtpd, whyNoAiosmtpd } from '../../../../lab/notify/aiosmtpd.ts'
import { readMail } from '../../../../lab/notify/mail.ts'
import { lacks } from '../../../../lab/needs.ts'
import { failureOf } from '../../failure.ts'
import { meansWith } from '../../means.ts'
import { messageWith } from '../../outgoing-message.ts'

const address = '127.0.75.11'
const { signal } = new AbortController()
const isMissing = lacks(whyNoAiosmtpd())

async function lab(tls: 'starttls' | 'implicit' | 'none', as = tls) {
  const server = await startAiosmtpd({ address, tls, largest: 20_000 })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const given = { type: 'email', host: address, port: server.port, tls: as, ca: 'ca', from: 'caretaker@home.lan' }
  const means = meansWith({ ca: server.ca })
  const trust = await readTrust({ own: 'ca', shared: undefined }, 'mail', means.files)
  const channel = await open(config.parse({ ...given, to: 'alice@home.lan' }), Object.assign(means, { trust }))
  return { server, channel }
}

/** As it comes from the mailbox, whose lines end as this machine's do. */
const readStored = (mail: string) => readMail(mail.replaceAll('\n', '\r\n'))

test.skipIf(isMissing).for(['starttls', 'implicit', 'none'] as const)(
  'a mail arrives whole at Python’s mail server: %s',
  async (tls) => {
    const { server, channel } = await lab(tls)
    await channel.send(messageWith({ title: 'home: ü 🔋 is on battery', text: '.\n..\nQUIT\nżółw' }), signal)
    const mails = await server.mails()
    expect(mails).toHaveLength(1)
    const { headers, text } = readStored(mails[0]!)
    expect(headers).toContainEqual(['Subject', 'home: ü 🔋 is on battery'])
    expect(text).toMatch(/^\.\n\.\.\nQUIT\nżółw\n/)
  },
)

test.skipIf(isMissing)('a mail that it finds too large is refused for good', async () => {
  const { server, channel } = await lab('starttls')
  const failure = await failureOf(channel.send(messageWith({ text: 'x'.repeat(30_000) }), signal))
  expect(failure).toMatchObject({ code: 'rejected', message: expect.stringContaining(': 552') })
  expect(await server.mails()).toEqual([])
})

test.skipIf(isMissing)('without TLS it gets no mail that is to come encrypted', async () => {
  const { server, channel } = await lab('none', 'starttls')
  const failure = await failureOf(channel.send(messageWith(), signal))
  expect(failure).toMatchObject({ code: 'misconfigured', message: expect.stringContaining('it offers no STARTTLS') })
  expect(await server.mails()).toEqual([])
})
