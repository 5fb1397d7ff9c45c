import { type LabStandIn, startStandIn } from './stand-in.ts'
import type { WireAnswer } from './wire.ts'

export interface Ping {
  readonly kind: 'success' | 'fail' | 'log'
  readonly body: string
}

/** A check as healthchecks has it (http_api.md), with its log of pings. */
export interface LabHealthchecks extends LabStandIn {
  readonly pingUrl: string
  readonly pings: readonly Ping[]
  /** As its page shows it: a message in its log changes nothing. */
  readonly status: 'new' | 'up' | 'down'
}

/** A check may be called by its name too, in a project's key; two that have one are not told apart. */
const pingKey = 'canary-key'
const slug = 'attic'
const twin = 'twin'
const uuid = '5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278'

/** Self-hosted it answers 404 for a check that it does not know; healthchecks.io says so in a text, with 200. */
export async function startHealthchecks(
  address: string,
  { hosted = false }: { readonly hosted?: boolean } = {},
): Promise<LabHealthchecks> {
  const pings: Ping[] = []
  let status: LabHealthchecks['status'] = 'new'
  const unknown: WireAnswer = hosted ? { status: 200, body: 'OK (not found)' } : { status: 404, body: 'not found' }
  const malformed: WireAnswer = hosted
    ? { status: 400, body: 'invalid url format' }
    : { status: 404, body: '<!doctype html>\n<html lang="en"><head><title>Not Found</title></head></html>' }
  const standIn = await startStandIn(address, ({ method, target, body }) => {
    if (!['HEAD', 'GET', 'POST'].includes(method)) return { status: 405 }
    const [, id = '', ...rest] = new URL(target, 'http://healthchecks').pathname.split('/')
    const [named, ...ends] = id === pingKey ? rest : [undefined, ...rest]
    if (named === twin) return { status: 409, body: 'ambiguous slug' }
    if (named !== slug && !/^[0-9a-f-]{36}$/.test(id)) return malformed
    if (named !== slug && id !== uuid) return unknown
    const kind = ends.length === 0 ? 'success' : ends.join('/')
    if (kind !== 'success' && kind !== 'fail' && kind !== 'log') return { status: 404, body: 'not found' }
    if (kind !== 'log') status = kind === 'success' ? 'up' : 'down'
    pings.push({ kind, body })
    return { status: 200, headers: { 'ping-body-limit': '10000' }, body: 'OK' }
  })
  return {
    ...standIn,
    pingUrl: `${standIn.url}/${uuid}`,
    pings,
    get status() {
      return status
    },
    [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
  }
}
