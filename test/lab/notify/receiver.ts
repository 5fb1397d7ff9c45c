import { createHmac, timingSafeEqual } from 'node:crypto'
import { type LabStandIn, startStandIn } from './stand-in.ts'
import type { WireRequest } from './wire.ts'

/** Whatever takes webhooks: it answers with 204, and checks signatures as standardwebhooks.com says a receiver does. */
export interface LabReceiver extends LabStandIn {
  /** Why a request is not believed; undefined where it is. `secret` is the key itself, `at` the receiver's clock. */
  whyNotBelieved(request: WireRequest, secret: Buffer, at: Date): string | undefined
}

export async function startReceiver(address: string): Promise<LabReceiver> {
  const standIn = await startStandIn(address, () => ({ status: 204 }))
  return {
    ...standIn,
    whyNotBelieved: ({ headers, body }, secret, at) => {
      const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map((name) => headers[`webhook-${name}`])
      if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string')
        return 'headers are missing'
      if (Math.abs(at.getTime() / 1_000 - Number(timestamp)) > 300) return 'it is too old'
      const expected = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest()
      const isOurs = signatures.split(' ').some((one) => {
        const given = Buffer.from(one.replace(/^v1,/, ''), 'base64')
        return one.startsWith('v1,') && given.length === expected.length && timingSafeEqual(given, expected)
      })
      return isOurs ? undefined : 'no signature fits'
    },
    [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
  }
}
