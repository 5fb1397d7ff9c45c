import { type Incoming, type Outgoing, RetryAfter } from './outgoing.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** The JSON object that a text holds; undefined where it holds none. */
export function objectOf(text: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(text))
  } catch {
    return undefined
  }
}

export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
}

/** In ms: until a proxy may have found its server, or a captive portal has let us through. */
const othersPass = 60_000

/**
 * What answers in the place of a server: a router's page, a captive portal, a proxy that does not know where its server is
 * since that restarts. It passes by itself, so nothing is given up for it.
 */
export function anotherAnswers({ doing }: Outgoing, { status }: Incoming, whose: string): RetryAfter {
  return new RetryAfter(
    `${doing}: HTTP ${status}, and not from ${whose}: a proxy or a captive portal answers`,
    othersPass,
  )
}

/** Statuses that whoever stands in between answers too: a sign-in of its own, a path that it does not know. */
const ofAnyDoor = [401, 403, 404, 405, 407, 421]

/** Whether an answer that is not in a server's own words may be of another: what is about the request itself is not. */
export function mayBeAnothers({ status }: Incoming): boolean {
  return ofAnyDoor.includes(status)
}
