import { withoutEnd } from './text-end.ts'

/** What stands in the place of a secret. */
const hidden = '…'
/** A shorter one is not secret, and would match in every text. */
const shortest = 4

/** Names of settings and of fields whose values are secrets. */
const secretNames = /token|pass|pwd|secret|auth|key|cookie|credential|pin$/i

/**
 * A text of others without these secrets, however they are written in a URL, in JSON or in base64. Servers repeat what they
 * are sent, in their errors above all, and errors end in logs, alerts and answers.
 */
export function withoutSecrets(text: string, secrets: readonly (string | undefined)[]): string {
  return secrets
    .flatMap((secret) => (secret === undefined ? [] : formsOf(secret)))
    .filter((form) => form.length >= shortest)
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, form) => rest.replaceAll(form, hidden), text)
}

function formsOf(secret: string): readonly string[] {
  const inUrl = orItself(encodeURIComponent, secret)
  return [secret, inUrl, orItself(decodeURIComponent, secret), JSON.stringify(secret).slice(1, -1), btoa8(secret)]
}

/** Lone halves of characters, and a `%` that begins nothing, have no other form. */
function orItself(write: (text: string) => string, text: string): string {
  try {
    return write(text)
  } catch {
    return text
  }
}

/** What is secret of a header's value: all of it, what follows the scheme (RFC 9110 11.4), and what `Basic` stands for. */
export function secretsOfHeader(value: string): readonly string[] {
  const [scheme = '', ...rest] = value.trim().split(/\s+/)
  const parameters = [...value.matchAll(/"([^"]*)"/g)].map(([, quoted]) => quoted!)
  if (rest.length === 0) return [value, ...parameters]
  if (!/^basic$/i.test(scheme)) return [value, rest.join(' '), rest.at(-1)!, ...parameters]
  const login = atob8(rest[0]!)
  return [value, rest[0]!, login, login.slice(login.indexOf(':') + 1)]
}

/** What is secret of a URL: where it leads on its host, what is asked, and who logs in by it. */
export function secretsOfUrl(url: URL): readonly string[] {
  const { username, password, pathname, search } = url
  const login = username === '' && password === '' ? [] : secretsOfLogin(url)
  const all = [pathname, ...pathname.split('/').filter((part) => part.length >= 16), search]
  return [...login, ...all, ...url.searchParams.values()]
}

/** The password of a URL, and the header that it is sent in. */
export function secretsOfLogin({ username, password }: URL): readonly string[] {
  const [user, word] = [username, password].map((text) => orItself(decodeURIComponent, text))
  return [password, word!, btoa8(`${user}:${word}`)]
}

/** What is secret of a request's body: all of it, and the values of JSON or of a form whose names say so. */
export function secretsOfBody(body: string): readonly string[] {
  const found = new Set([body])
  try {
    JSON.parse(body, (name, value: unknown) => {
      const isSecret = typeof value === 'string' && secretNames.test(name)
      if (isSecret) found.add(value)
      return value
    })
  } catch {
    for (const [name, value] of new URLSearchParams(body)) if (secretNames.test(name)) found.add(value)
  }
  return [...found]
}

/** Without the `=` at its end, which some leave out. */
function btoa8(text: string): string {
  const bytes = [...new TextEncoder().encode(text)]
  return withoutEnd(btoa(bytes.map((byte) => String.fromCodePoint(byte)).join('')), '=')
}

function atob8(text: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(text), (one) => one.codePointAt(0)!))
  } catch {
    return text
  }
}
