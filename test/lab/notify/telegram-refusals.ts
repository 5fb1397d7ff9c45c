import type { WireAnswer } from './wire.ts'

/** What a method throws to be answered with, in Telegram's shape. */
export class TelegramError extends Error {
  readonly status: number
  readonly parameters: Readonly<Record<string, number>> | undefined
  constructor(status: number, description: string, parameters?: Readonly<Record<string, number>>) {
    super(description)
    this.status = status
    this.parameters = parameters
  }
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  429: 'Too Many Requests',
}

export function badRequest(what: string, parameters?: Readonly<Record<string, number>>): TelegramError {
  return new TelegramError(400, what, parameters)
}

export function tooMany(seconds: number): TelegramError {
  return new TelegramError(429, `retry after ${seconds}`, { retry_after: seconds })
}

export const conflicts = {
  poller: new TelegramError(
    409,
    'terminated by other getUpdates request; make sure that only one bot instance is running',
  ),
  webhook: new TelegramError(
    409,
    "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
  ),
}

/** `{ok: false, error_code, description, parameters}`: the description begins with the status' name. */
export function telegramRefuses({ status, message, parameters }: TelegramError): WireAnswer {
  const title = titles[status] ?? 'Internal Server Error'
  const description = message === '' ? title : `${title}: ${message}`
  return telegramAnswers(status, {
    ok: false,
    error_code: status,
    description,
    ...(parameters === undefined ? {} : { parameters }),
  })
}

/** JSON as Telegram writes it: ASCII only. */
export function telegramAnswers(status: number, value: unknown): WireAnswer {
  const body = JSON.stringify(value).replaceAll(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return { status, body, headers: { 'content-type': 'application/json' } }
}
