import { expect, onTestFinished, test } from 'vitest'
import { sendMail } from '../../../../../src/services/notifications/channels/email/smtp.ts'
import { startMail } from '../../../../lab/notify/mail.ts'
import { failureOf } from '../../failure.ts'

const address = '127.0.75.12'
const { signal } = new AbortController()

test('a port with TLS from the start, taken for another, is told as what it may be', async () => {
  const mail = await startMail({ address, tls: 'implicit' })
  onTestFinished(() => mail[Symbol.asyncDispose]())
  const send = (tls: 'starttls' | 'none') =>
    sendMail(
      { host: address, port: mail.port, tls },
      { from: 'caretaker@home.lan', to: ['alice@home.lan'], content: Buffer.from('x') },
      signal,
      300,
    )
  for (const tls of ['starttls', 'none'] as const)
    expect(await failureOf(send(tls))).toMatchObject({
      code: 'timed-out',
      message: 'no greeting within 0.3 s; if its port has TLS from the start, set `tls: implicit`',
    })
  expect(mail.mails).toEqual([])
})
