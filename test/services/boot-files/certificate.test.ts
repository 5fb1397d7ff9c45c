import { describe, expect, test } from 'vitest'
import { alertOfLife, judgeCertificates } from '../../../src/services/boot-files/certificate.ts'
import { createChain, type Link } from '../../lab/authority.ts'

const now = Date.now()
const day = 86_400_000
const past = { from: new Date(now - 2 * day), to: new Date(now - day) }
const future = { from: new Date(now + day), to: new Date(now + 2 * day) }
const rsa: Link = { kind: 'RSA' }
const curve: Link = { kind: 'P-256' }
const dated = (date: Date) => date.toISOString().slice(0, 10)

interface Case {
  readonly name: string
  readonly links: readonly Link[]
  /** Which of the certificates stand in the file, in this order; all where nothing is said. */
  readonly file?: readonly number[]
  readonly says: readonly RegExp[]
  /** Whether nothing can be served with it. */
  readonly isError?: boolean
}

describe('of a file of certificates is said', () => {
  test.each<Case>([
    { name: 'nothing of one of RSA', links: [rsa], says: [] },
    { name: 'nothing of a whole chain of RSA', links: [rsa, rsa, rsa], says: [] },
    { name: 'nothing where the root is left out', links: [rsa, rsa, rsa], file: [0, 1], says: [] },
    {
      name: 'that its own key is no RSA',
      links: [curve],
      says: [/^the key of it is of type ec, and much firmware/],
    },
    {
      name: 'that the key of an authority in it is no RSA',
      links: [rsa, rsa, curve],
      says: [/^the key of certificate 3 of 3 in it is of type ec, /],
    },
    {
      name: 'that the authority that is left out is no RSA',
      links: [rsa, rsa, curve],
      file: [0, 1],
      says: [/^certificate 2 of 2 in it is signed with ecdsa\S+, and much firmware/],
    },
    { name: 'that it is over', links: [{ ...rsa, ...past }], says: [new RegExp(`^it expired on ${dated(past.to)}`)] },
    {
      name: 'that an intermediate is over',
      links: [rsa, { ...rsa, ...past }, rsa],
      says: [new RegExp(`^certificate 2 of 3 in it expired on ${dated(past.to)}`)],
    },
    {
      name: 'that it has not begun',
      links: [{ ...rsa, ...future }],
      says: [new RegExp(`^it is not valid before ${dated(future.from)}`)],
    },
    {
      name: 'that the authority stands first',
      links: [rsa, rsa],
      file: [1, 0],
      says: [/begins with an authority/],
      isError: true,
    },
    {
      name: 'that authorities are out of order',
      links: [rsa, rsa, rsa],
      file: [0, 2, 1],
      says: [/^certificate 2 in it did not sign certificate 1:/],
    },
  ])('$name', async ({ links, file, says, isError = false }) => {
    const { certs } = await createChain(links)
    const pem = (file ?? certs.keys().toArray()).map((index) => certs[index]).join('')
    const found = judgeCertificates(pem, now)
    expect(found.map(({ why }) => why)).toEqual(says.map((one) => expect.stringMatching(one)))
    expect(found.map(({ severity }) => severity)).toEqual(says.map(() => (isError ? undefined : 'warning')))
  })

  test('that an authority with the right name has another key', async () => {
    const [own, other] = [await createChain([rsa, rsa]), await createChain([rsa, rsa])]
    expect(judgeCertificates(own.certs[0]! + other.certs[1]!, now)).toMatchObject([
      { severity: 'warning', why: expect.stringMatching(/^certificate 2 in it did not sign certificate 1:/) },
    ])
  })

  test.each([
    { name: 'that it is none', pem: async () => 'text', says: /^it is no certificate in PEM/ },
    {
      name: 'which one is broken',
      pem: async () =>
        `${(await createChain([rsa])).certs[0]}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
      says: /^certificate 2 of 2 in it can't be read/,
    },
  ])('$name', async ({ pem, says }) => {
    expect(judgeCertificates(await pem(), now)).toEqual([
      { setting: 'bootFiles.http.tls.certificate', why: expect.stringMatching(says) },
    ])
  })
})

describe('of the life of a certificate that is served is told', () => {
  const long = (days: number): Link => ({
    kind: 'RSA',
    from: new Date(now - 300 * day),
    to: new Date(now + days * day),
  })
  test('nothing 31 days before its end', async () => {
    expect(alertOfLife((await createChain([long(31)])).certs.join(''), 'boot.crt', now)).toBeUndefined()
  })

  test.each<{ readonly name: string; readonly links: readonly Link[]; readonly alert: object }>([
    {
      name: 'a word 29 days before',
      links: [long(29)],
      alert: {
        severity: 'info',
        text: expect.stringMatching(/^the certificate in boot\.crt expires on .*than a month;/),
      },
    },
    {
      name: 'a warning 6 days before',
      links: [long(6)],
      alert: { severity: 'warning', text: expect.stringContaining('in less than a week'), action: expect.any(String) },
    },
    {
      name: 'that it is over',
      links: [long(-1)],
      alert: { severity: 'warning', text: expect.stringContaining(`expired on ${dated(new Date(now - day))}`) },
    },
    {
      name: 'what ends first in the chain',
      links: [long(29), long(6), long(100)],
      alert: { severity: 'warning', text: expect.stringMatching(/^certificate 2 of 3 in boot\.crt expires on /) },
    },
    {
      name: 'that it has not begun, which nobody renews',
      links: [{ kind: 'RSA', from: new Date(now + day), to: new Date(now + 300 * day) }],
      alert: { severity: 'warning', text: expect.stringContaining('check the clock of this machine') },
    },
  ])('$name', async ({ links, alert }) => {
    const found = alertOfLife((await createChain(links)).certs.join(''), 'boot.crt', now)
    expect(found).toMatchObject({ subject: 'boot-files', ...alert })
  })
})
