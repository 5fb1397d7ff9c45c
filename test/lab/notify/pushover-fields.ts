import { randomBytes } from 'node:crypto'
import type { WireAnswer } from './wire.ts'

/** `{status: 0, errors: […]}`, beside it the field that is wrong. */
export class PushoverRefusal extends Error {
  readonly answer: WireAnswer
  constructor(fields: Readonly<Record<string, string>>, error: string, status = 400) {
    super(error)
    const request = randomBytes(16).toString('hex')
    this.answer = { status, body: { ...fields, errors: [error], status: 0, request } }
  }
}

const longest: Readonly<Record<string, number>> = { title: 250, message: 1_024, url: 512, url_title: 100 }

/** What is wrong with the fields of a message. */
export function faultOf(fields: Readonly<Record<string, string>>): PushoverRefusal | undefined {
  if ((fields['message'] ?? '').trim() === '') return wrong('message', 'cannot be blank')
  for (const [name, most] of Object.entries(longest))
    if (Array.from(fields[name] ?? '').length > most) return wrong(name, `is too long: ${most} characters at most`)
  const priority = Number(fields['priority'] ?? 0)
  if (!Number.isInteger(priority) || priority < -2 || priority > 2) return wrong('priority', 'is invalid')
  if (priority === 2) {
    for (const name of ['retry', 'expire'])
      if (fields[name] === undefined) return wrong(name, 'must be supplied with priority=2')
    if (!(Number(fields['retry']) >= 30)) return wrong('retry', 'must be at least 30 seconds')
    if (!(Number(fields['expire']) > 0 && Number(fields['expire']) <= 10_800))
      return wrong('expire', 'must be at most 10800 seconds')
  }
  if (fields['timestamp'] !== undefined && !/^\d+$/.test(fields['timestamp'])) return wrong('timestamp', 'is invalid')
  if (fields['url_title'] !== undefined && fields['url'] === undefined) return wrong('url', 'cannot be blank')
  return undefined
}

function wrong(name: string, what: string): PushoverRefusal {
  return new PushoverRefusal({ [name]: what }, `${name} ${what}`)
}
