import { createHmac } from 'node:crypto'
import { AgentError } from '../../../../core/errors.ts'
import { withoutEnd } from '../../../../core/text-end.ts'

/** In bytes: what Standard Webhooks asks of a secret. */
const shortest = 24
const longest = 64

/** The key in a secret, `whsec_` and base64. @throws AgentError `misconfigured` */
export function parseKey(secret: string, setting: string): Buffer {
  const text = secret.trim().replace(/^whsec_/, '')
  const key = Buffer.from(text, 'base64')
  // Node passes over what is no base64; the receiver may not.
  const isWhole = withoutEnd(key.toString('base64'), '=') === withoutEnd(text, '=')
  if (!isWhole || key.length < shortest || key.length > longest)
    throw new AgentError(
      'misconfigured',
      `${setting}: it holds no ${shortest} to ${longest} bytes in base64: make one by \`openssl rand -base64 32\``,
    )
  return key
}

/** Its headers (standardwebhooks.com, Signature scheme): over the very bytes of the body. */
export function sign(key: Buffer, { id, at, body }: { readonly id: string; readonly at: Date; readonly body: string }) {
  const timestamp = String(Math.floor(at.getTime() / 1_000))
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}
