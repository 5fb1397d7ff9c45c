import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import { createAuthority, type LabAuthority } from '../authority.ts'

/** A mail as it came over the wire. */
export interface LabMail {
  readonly from: string
  readonly to: readonly string[]
  readonly raw: string
  /** Whether it came encrypted. */
  readonly secure: boolean
  /** As whom the sender signed in. */
  readonly user: string | undefined
}

/** What a server says no with. */
export interface SmtpNo {
  readonly code: number
  readonly text: string
}

export interface LabMailOptions {
  readonly address: string
  /** `none`: it offers no STARTTLS. */
  readonly tls?: 'starttls' | 'implicit' | 'none'
  /** Who may sign in, and must. */
  readonly login?: { readonly user: string; readonly password: string }
  /** The name and the address in its certificate. */
  readonly certificate?: { readonly dns?: readonly string[]; readonly ips?: readonly string[] }
}

/** smtp-server, with what real ones refuse. */
export interface LabMailServer extends AsyncDisposable {
  readonly port: number
  readonly mails: readonly LabMail[]
  /** Of its authority, PEM. */
  readonly ca: string
  /** Refusals, by recipient; taken away again they let mail through. */
  readonly refused: Map<string, SmtpNo>
  /** Refusals of a step for everybody. */
  readonly no: { connect?: SmtpNo; from?: SmtpNo; data?: SmtpNo; login?: SmtpNo }
  /** How many connections there were. */
  readonly connections: number
}

let authority: Promise<LabAuthority> | undefined

export async function startMail({
  address,
  tls = 'starttls',
  login,
  certificate = { ips: [address] },
}: LabMailOptions): Promise<LabMailServer> {
  const lab = await (authority ??= createAuthority('mail'))
  const identity = await lab.issueServer({ common: 'mail.lab', ...certificate })
  const mails: LabMail[] = []
  const refused = new Map<string, SmtpNo>()
  const no: LabMailServer['no'] = {}
  let connections = 0

  const server = new SMTPServer({
    ...identity,
    logger: false,
    secure: tls === 'implicit',
    hideSTARTTLS: tls !== 'starttls',
    disabledCommands: [...(tls === 'none' ? ['STARTTLS'] : []), ...(login ? [] : ['AUTH'])],
    // As a server that takes passwords over TLS alone; one without TLS has no choice.
    allowInsecureAuth: tls === 'none',
    disableReverseLookup: true,
    authOptional: login === undefined,
    onConnect: (_, done) => {
      connections += 1
      done(errorOf(no.connect))
    },
    onAuth: ({ username, password }, _, done) => {
      if (no.login) return done(errorOf(no.login))
      const isKnown = username === login?.user && password === login?.password
      done(
        isKnown ? null : errorOf({ code: 535, text: `5.7.8 no: ${password}, ${btoa(`\0${username}\0${password}`)}` }),
        { user: username },
      )
    },
    onMailFrom: (_, __, done) => done(errorOf(no.from)),
    onRcptTo: ({ address: recipient }, _, done) => done(errorOf(refused.get(recipient))),
    onData: (stream, session, done) => {
      void buffer(stream).then((content) => {
        if (no.data) return done(errorOf(no.data))
        const { mailFrom, rcptTo } = session.envelope
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map((one) => one.address),
          raw: content.toString('latin1'),
          secure: session.secure,
          user: typeof session.user === 'string' ? session.user : undefined,
        })
        done(null, 'taken')
      })
    },
  })
  // A client that breaks off is no failure of the test.
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    ca: lab.ca,
    refused,
    no,
    get connections() {
      return connections
    },
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

function errorOf(refusal: SmtpNo | undefined): Error | null {
  return refusal === undefined ? null : Object.assign(new Error(refusal.text), { responseCode: refusal.code })
}

/** A mail as a reader takes it apart (RFC 5322, 2045). */
export interface ReadMail {
  /** In their order, unfolded and decoded. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly text: string
  readonly html: string
}

export function readMail(raw: string): ReadMail {
  const { headers, body } = splitPart(raw)
  const boundary = /boundary="([^"]+)"/.exec(valueOf(headers, 'content-type'))?.[1]
  const parts = boundary === undefined ? [raw] : body.split(`--${boundary}`).slice(1, -1)
  const textOf = (type: string) => {
    const part = parts
      .map((one) => splitPart(one.replace(/^\r\n/, '')))
      .find((one) => valueOf(one.headers, 'content-type').startsWith(type))
    return part === undefined ? '' : decodeBody(part.body, valueOf(part.headers, 'content-transfer-encoding'))
  }
  return { headers, text: textOf('text/plain'), html: textOf('text/html') }
}

function splitPart(raw: string): { readonly headers: readonly (readonly [string, string])[]; readonly body: string } {
  const end = raw.indexOf('\r\n\r\n')
  const lines = raw
    .slice(0, end)
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), decodeWords(line.slice(colon + 1).trim())]
  })
  return { headers, body: raw.slice(end + 4) }
}

function valueOf(headers: ReadMail['headers'], name: string): string {
  return headers.find(([one]) => one.toLowerCase() === name)?.[1] ?? ''
}

/** Encoded words (RFC 2047); between two of them spaces are none. */
function decodeWords(text: string): string {
  return text
    .replaceAll(/(=\?[^?]+\?[BQ]\?[^?]*\?=)\s+(?==\?)/gi, '$1')
    .replaceAll(/=\?utf-8\?([BQ])\?([^?]*)\?=/gi, (_, how: string, word: string) =>
      how.toUpperCase() === 'B' ? Buffer.from(word, 'base64').toString() : quotedPrintable(word.replaceAll('_', ' ')),
    )
}

function decodeBody(body: string, encoding: string): string {
  const text = body.replaceAll('\r\n', '\n')
  if (encoding === 'base64') return Buffer.from(text, 'base64').toString()
  return encoding === 'quoted-printable'
    ? quotedPrintable(text.replaceAll('=\n', ''))
    : Buffer.from(text, 'latin1').toString()
}

function quotedPrintable(text: string): string {
  const bytes = text.replaceAll(/=([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}
