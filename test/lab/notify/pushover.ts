import { randomBytes } from 'node:crypto'
import { faultOf, PushoverRefusal } from './pushover-fields.ts'
import { type LabStandIn, startStandIn } from './stand-in.ts'
import type { WireAnswer, WireRequest } from './wire.ts'

export interface LabPushoverOptions {
  readonly address?: string
  readonly token: string
  readonly user: string
  /** Messages that the application may still send this month; default 10,000. */
  readonly quota?: number
  /** When that begins anew. */
  readonly reset?: Date
  readonly now?: () => Date
}

export interface PushoverReceipt {
  readonly id: string
  readonly fields: PushoverFields
  readonly expiresAt: number
  acknowledgedAt: number
  device: string
  cancelled: boolean
}

export type PushoverFields = Readonly<Record<string, string>>

/** Pushover's message API, as https://pushover.net/api describes it. */
export interface LabPushover extends LabStandIn {
  readonly messages: readonly PushoverFields[]
  readonly receipts: readonly PushoverReceipt[]
  /** What is shown again and again: not confirmed, not cancelled, not expired. */
  ringing(): string[]
  /** Somebody confirms the last message that is shown so. */
  confirm(device: string): void
}

export async function startPushover(options: LabPushoverOptions): Promise<LabPushover> {
  const { address, token, user, now = () => new Date(), reset = new Date(4_102_444_800_000) } = options
  const messages: PushoverFields[] = []
  const receipts: PushoverReceipt[] = []
  let left = options.quota ?? 10_000
  const seconds = () => Math.floor(now().getTime() / 1_000)
  const isRinging = ({ acknowledgedAt, cancelled, expiresAt }: PushoverReceipt) =>
    acknowledgedAt === 0 && !cancelled && expiresAt > seconds()
  const limits = () => ({
    'x-limit-app-limit': '10000',
    'x-limit-app-remaining': String(left),
    'x-limit-app-reset': String(Math.floor(reset.getTime() / 1_000)),
  })
  const receiptOf = (id: string) => {
    const receipt = receipts.find((one) => one.id === id)
    if (!receipt)
      throw new PushoverRefusal({ receipt: 'not found' }, 'receipt not found; may be invalid or expired', 404)
    return receipt
  }
  const checkToken = (given: string | undefined | null) => {
    if (given !== token)
      throw new PushoverRefusal({ token: 'invalid' }, 'application token is invalid, see https://pushover.net/api')
  }

  const send = (fields: PushoverFields): WireAnswer => {
    checkToken(fields['token'])
    if (fields['user'] !== user)
      throw new PushoverRefusal(
        { user: 'invalid' },
        'user identifier is not a valid user, group, or subscribed user key, see https://pushover.net/api#identifiers',
      )
    const fault = faultOf(fields)
    if (fault) throw fault
    if (left <= 0) throw new PushoverRefusal({}, 'application is over its message limit', 429)
    left -= 1
    messages.push(fields)
    if (fields['priority'] !== '2') return ok({}, limits())
    const id = randomBytes(15).toString('hex')
    receipts.push({
      id,
      fields,
      expiresAt: seconds() + Number(fields['expire']),
      acknowledgedAt: 0,
      device: '',
      cancelled: false,
    })
    return ok({ receipt: id }, limits())
  }
  const status = (id: string): WireAnswer => {
    const { acknowledgedAt, device, expiresAt } = receiptOf(id)
    return ok({
      acknowledged: acknowledgedAt > 0 ? 1 : 0,
      acknowledged_at: acknowledgedAt,
      acknowledged_by: acknowledgedAt > 0 ? user : '',
      acknowledged_by_device: device,
      last_delivered_at: seconds(),
      expired: expiresAt <= seconds() ? 1 : 0,
      expires_at: expiresAt,
      called_back: 0,
      called_back_at: 0,
    })
  }
  const route = ({ method, target, body }: WireRequest): WireAnswer => {
    const { pathname, searchParams } = new URL(target, 'http://pushover')
    const [, id, rest] = /^\/1\/receipts\/(\w+)(\.json|\/cancel\.json)$/.exec(pathname) ?? []
    const fields = Object.fromEntries(new URLSearchParams(body))
    if (method === 'POST' && pathname === '/1/messages.json') return send(fields)
    if (method === 'GET' && id !== undefined && rest === '.json') {
      checkToken(searchParams.get('token'))
      return status(id)
    }
    if (method === 'POST' && id !== undefined && rest === '/cancel.json') {
      checkToken(fields['token'])
      receiptOf(id).cancelled = true
      return ok({})
    }
    return { status: 404, body: '<html>The page you were looking for does not exist</html>' }
  }
  const standIn = await startStandIn(address, (request) => {
    try {
      return route(request)
    } catch (error) {
      if (error instanceof PushoverRefusal) return { ...error.answer, headers: limits() }
      throw error
    }
  })
  return {
    ...standIn,
    messages,
    receipts,
    ringing: () => receipts.filter(isRinging).map(({ fields }) => fields['title']!),
    confirm: (device) => {
      const receipt = receipts.findLast(isRinging)
      if (!receipt) throw new Error('nothing is shown to be confirmed')
      receipt.acknowledgedAt = seconds()
      receipt.device = device
    },
    [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
  }
}

function ok(value: object, headers: WireAnswer['headers'] = {}): WireAnswer {
  return { status: 200, headers, body: { status: 1, request: randomBytes(16).toString('hex'), ...value } }
}
