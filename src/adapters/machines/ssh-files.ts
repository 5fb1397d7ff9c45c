import { createHmac, createPrivateKey } from 'node:crypto'

/** The files that ssh needs, judged before it is called: at night nobody is there to read what it says. */

/** As known_hosts names it (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). */
export function knownAs(address: string, port: number): string {
  const name = address.toLowerCase()
  return port === 22 ? name : `[${name}]:${port}`
}

const openssh = /-----BEGIN OPENSSH PRIVATE KEY-----([\sA-Za-z0-9+/=]*)-----END OPENSSH PRIVATE KEY-----/
const magic = 'openssh-key-v1\0'

/**
 * Why ssh can't log in with this private key by itself; undefined where it can. OpenSSH's own format (PROTOCOL.key) and
 * PEM. Nothing of the key is in the answer.
 */
export function whyUnusableKey(text: string): string | undefined {
  if (text.trim() === '') return 'it is empty'
  if (/^(ssh-|ecdsa-|sk-)\S+ AAAA/.test(text.trimStart()) || text.includes('BEGIN SSH2 PUBLIC KEY'))
    return 'it is the public key: name the private one, and put this one into authorized_keys on the host'
  if (text.startsWith('PuTTY-User-Key-File'))
    return 'it is in the format of PuTTY: convert it with `puttygen KEY -O private-openssh -o NEW`'
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(text)) return withPassphrase
  const body = openssh.exec(text)?.[1]
  if (body !== undefined) return whyUnusableOpenssh(Buffer.from(body, 'base64'))
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text))
    return 'it is not a private key: make one with `ssh-keygen -t ed25519`'
  try {
    createPrivateKey(text)
    return undefined
  } catch {
    return damaged
  }
}

const withPassphrase =
  "it has a passphrase, which nobody enters at night: take it off with `ssh-keygen -p -N '' -f KEY`"
const damaged = 'it is damaged: copy it again, whole'

/** magic, cipher, kdf, its options, how many keys, public key, private part; each a length and so many bytes. */
function whyUnusableOpenssh(data: Buffer): string | undefined {
  if (data.subarray(0, magic.length).toString('latin1') !== magic) return damaged
  let at = magic.length
  const next = (): Buffer | undefined => {
    if (at + 4 > data.length) return undefined
    const end = at + 4 + data.readUInt32BE(at)
    const found = end <= data.length ? data.subarray(at + 4, end) : undefined
    at = end
    return found
  }
  const [cipher, , options] = [next(), next(), next()]
  if (cipher === undefined || options === undefined) return damaged
  at += 4
  const [publicKey, privatePart] = [next(), next()]
  if (publicKey === undefined || privatePart === undefined || privatePart.length < 16) return damaged
  if (cipher.toString('latin1') !== 'none') return withPassphrase
  const kind = publicKey.subarray(4, 4 + Math.min(publicKey.readUInt32BE(0), 64)).toString('latin1')
  if (kind.startsWith('sk-')) return 'it is on a security key, which somebody would have to touch: use a key of its own'
  return privatePart.readUInt32BE(0) === privatePart.readUInt32BE(4) ? undefined : damaged
}

/** Why this known_hosts does not let ssh recognize the host; undefined where it does. */
export function whyUnknownHost(text: string, address: string, port: number): string | undefined {
  const name = knownAs(address, port)
  const scan = `run \`ssh-keyscan -p ${port} ${address}\`, compare what it prints with the host's own keys, and put it there`
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  if (lines.length === 0) return `it is empty: ${scan}`
  const entries = lines.map((line) => /^(@\S+\s+)?(\S+)\s+(\S+)\s+(AAAA\S+)/.exec(line))
  if (entries.every((entry) => entry === null)) return `no line of it is a host key: ${scan}`
  const own = entries.filter((entry) => entry && isNamed(entry[2]!, name))
  if (own.length === 0) return `it has no key of ${name}: ${scan}`
  const usable = own.some((entry) => entry![1]?.trim() !== '@revoked')
  return usable ? undefined : `the key of ${name} is revoked in it: ${scan}`
}

/** Names are separated by commas, may have `*` and `?`, and a `!` that excludes; or they are hashed: `|1|salt|HMAC-SHA1`. */
function isNamed(names: string, name: string): boolean {
  const hashed = /^\|1\|([^|]+)\|([^|]+)$/.exec(names)
  if (hashed) return createHmac('sha1', Buffer.from(hashed[1]!, 'base64')).update(name).digest('base64') === hashed[2]
  const patterns = names.toLowerCase().split(',')
  const matches = (pattern: string) =>
    new RegExp(
      `^${pattern
        .replaceAll(/[.+^$(){}|[\]\\]/g, '\\$&')
        .replaceAll('?', '.')
        .replaceAll(/\*+/g, '.*')}$`,
    ).test(name)
  if (patterns.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1)))) return false
  return patterns.some((pattern) => matches(pattern))
}
