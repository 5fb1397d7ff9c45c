import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Claim } from '../../core/provision/question.ts'

/** What a code of a device flow says: who got it, and from where. */
export interface FlowClaim {
  readonly claim: Claim
  readonly address: string
  /** What its console shows. */
  readonly code: string
  /** What makes it another flow than all others. */
  readonly flow: string
}

export type FlowKind = 'device' | 'token'

export type ReadFlow = ({ readonly kind: 'good' } & FlowClaim) | { readonly kind: 'expired' | 'forged' }

/** Makes the codes of device flows, and reads them. */
export interface FlowCodes {
  issue(kind: FlowKind, flow: FlowClaim): string
  read(kind: FlowKind, text: string): ReadFlow
}

/** Longer ones are nobody's. */
const longest = 1_024

interface Written {
  readonly c: Claim
  readonly a: string
  readonly u: string
  /** In s since the epoch. */
  readonly t: number
  /** The flow. */
  readonly n: string
}

/**
 * Codes that carry what they stand for, and are signed: nothing is kept of a stranger's, and a restart of ours leaves no
 * machine with a token that nobody knows. Talos asks for no other one.
 *
 * @param life how long they are good, in ms
 */
export function createFlowCodes(key: Uint8Array, life: number, now: () => Date): FlowCodes {
  const sign = (kind: FlowKind, body: string) => createHmac('sha256', key).update(`${kind} ${body}`).digest()
  return {
    issue: (kind, { claim, address, code, flow }) => {
      const at = Math.floor(now().getTime() / 1_000)
      const written: Written = { c: claim, a: address, u: code, t: at, n: flow }
      const body = Buffer.from(JSON.stringify(written)).toString('base64url')
      return `${body}.${sign(kind, body).toString('base64url')}`
    },
    read: (kind, text) => {
      if (text.length > longest) return { kind: 'forged' }
      const [body = '', signature = ''] = text.split('.')
      const [wanted, given] = [sign(kind, body), Buffer.from(signature, 'base64url')]
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return { kind: 'forged' }
      // What we have signed is what we have written.
      const { c, a, u, t, n } = JSON.parse(Buffer.from(body, 'base64url').toString()) as Written
      if (now().getTime() - t * 1_000 > life) return { kind: 'expired' }
      return { kind: 'good', claim: c, address: a, code: u, flow: n }
    },
  }
}
