import { randomBytes } from 'node:crypto'
import type { ConfigAnswer, ProvisionDesk } from '../../core/provision/desk.ts'
import { type ConfigQuestion, idOf } from '../../core/provision/question.ts'
import { agreedClaim, readConfigQuery } from '../../core/provision/config-query.ts'
import type { FlowClaim, FlowCodes } from './flow-codes.ts'
import type { Notes } from './notes.ts'

/** How long a flow lasts, in ms: Talos looks for its configuration for 3 h before it begins anew. */
export const flowLasts = 11_700_000
/** In s, as the machine is told. */
const interval = 5
const slowerBy = 5
/** In ms. Both requests of a poll come at once: without an answer to the first, Talos' OAuth library sends the second. */
const samePoll = 1_000
/** In ms: how much earlier a poll may come than it was told to. */
const early = 500
/** Flows whose last poll is remembered. */
const mostPolls = 512
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** An answer of a token endpoint: the status, and what stands in it. */
export interface FlowAnswer {
  readonly status: number
  readonly body: object
}

export interface DeviceFlow {
  /** `POST /device/code` (RFC 8628, 3.1). A text is what it is refused with. */
  begin(address: string, query: string, form: string): FlowAnswer | string
  /** `POST /token` (RFC 8628, 3.4). */
  poll(address: string, form: string): FlowAnswer
  /** Who has this token; or a text: why nobody has. */
  whoHas(token: string, address: string, query: string): ConfigQuestion | string
}

export interface DeviceFlowOptions {
  readonly desk: ProvisionDesk
  readonly codes: FlowCodes
  /** Where a person compares the code. */
  readonly verifyUrl: string
  readonly notes: Notes
  /** Monotonic, in ms. */
  readonly now: () => number
  /** A machine has begun to wait. */
  readonly begun: (question: ConfigQuestion, answer: ConfigAnswer) => void
}

interface Poll {
  at: number
  count: number
  interval: number
  isSlow: boolean
}

/**
 * The device flow of RFC 8628, as Talos goes through it. It answers for the desk, and keeps nothing that it needs. Each flow has a code of
 * its own, so that whoever takes a machine's address shows another one than its console.
 */
export function createDeviceFlow({ desk, codes, verifyUrl, notes, now, begun }: DeviceFlowOptions): DeviceFlow {
  const polls = new Map<string, Poll>()

  /** Whether it asks more often than it was told to; both requests of one poll get the same answer. */
  function isTooFast(id: string): boolean {
    const time = now()
    const last = polls.get(id)
    if (!last) {
      polls.set(id, { at: time, count: 1, interval, isSlow: false })
      const [oldest] = polls.keys()
      if (polls.size > mostPolls && oldest !== undefined) polls.delete(oldest)
      return false
    }
    if (time - last.at < samePoll && last.count < 2) {
      last.count += 1
      return last.isSlow
    }
    last.isSlow = time - last.at < last.interval * 1_000 - early
    if (last.isSlow) last.interval += slowerBy
    last.at = time
    last.count = 1
    return last.isSlow
  }

  /** Whether it is on record: a poll makes nobody known. */
  function isKnown({ claim, flow }: FlowClaim): boolean {
    const own = idOf(claim)
    return desk.machines().some(({ id, claimants }) => id === own && claimants.some((one) => one.flow === flow))
  }

  function answerOf(begun: FlowClaim): FlowAnswer {
    const { claim, address, code, flow } = begun
    // It was forgotten, or another one took its place: its console is to show a code that counts.
    if (!isKnown(begun)) return failed('expired_token')
    const answer = desk.ask({ claim, address, way: 'device-flow', flow })
    if (answer.kind === 'refuse') return failed('access_denied')
    // What it was approved by is used up.
    if (answer.code !== code) return failed('expired_token')
    if (answer.kind === 'wait') return failed(isTooFast(flow) ? 'slow_down' : 'authorization_pending')
    return { status: 200, body: { access_token: codes.issue('token', begun), token_type: 'Bearer' } }
  }

  return {
    begin: (address, query, form) => {
      // Talos takes its query over as it stands, so that most of what it says there is `${uuid}`; the form has the values.
      const [{ claim: said }, { claim: written }] = [readConfigQuery(form), readConfigQuery(query)]
      const claim = agreedClaim(said, written)
      if (!claim) return 'two machines in one request'
      const flow = randomBytes(16).toString('base64url')
      const question: ConfigQuestion = { claim, address, way: 'device-flow', flow }
      const answer = desk.ask(question)
      begun(question, answer)
      if (answer.kind === 'refuse') return answer.text
      const { code } = answer
      return {
        status: 200,
        body: {
          device_code: codes.issue('device', { claim, address, code, flow }),
          user_code: code,
          verification_uri: verifyUrl,
          verification_uri_complete: `${verifyUrl}?user_code=${code}`,
          expires_in: flowLasts / 1_000,
          interval,
        },
      }
    },
    poll: (address, form) => {
      const said = new URLSearchParams(form)
      if (said.get('grant_type') !== deviceGrant) return failed('unsupported_grant_type')
      const flow = codes.read('device', said.get('device_code') ?? '')
      if (flow.kind !== 'good') return failed(flow.kind === 'expired' ? 'expired_token' : 'invalid_grant')
      if (flow.address !== address) {
        notes.note('code', address, `${address} uses a device code that ${flow.address} was given`)
        return failed('invalid_grant')
      }
      return answerOf(flow)
    },
    whoHas: (token, address, query) => {
      const flow = codes.read('token', token)
      if (flow.kind !== 'good') return `token ${flow.kind === 'expired' ? 'expired' : 'not valid'}`
      const stolen = flow.address === address ? undefined : `a token that ${flow.address} was given`
      const claim = agreedClaim(flow.claim, readConfigQuery(query).claim)
      const other = claim ? undefined : 'its token to ask for another machine'
      const odd = stolen ?? other
      if (odd !== undefined || !claim) {
        notes.note('token', address, `${address} uses ${odd}`)
        return 'token not valid here'
      }
      return { claim: flow.claim, address, way: 'device-flow', flow: flow.flow }
    },
  }
}

function failed(error: string): FlowAnswer {
  return { status: 400, body: { error } }
}
