import { object, optional, type Shape, text, time } from '../shape.ts'

/** What a Factory has answered to a schematic. */
export interface Registered {
  /** 64 hex digits: the Factory's own, whatever we compute. */
  readonly id: string
  /** Why the Factory that nodes pull installers from was not told, where another one has answered. */
  readonly untold?: string | undefined
}

/** What is remembered of it. */
export interface Registration {
  readonly id: string
  /** The registry that serves installers of this id, where that one was told; absent where only a fallback was. */
  readonly registry?: string | undefined
  /** When it was told, ISO 8601. */
  readonly at?: string | undefined
}

const whole = object<Registration>({ id: text, registry: optional(text), at: optional(time) })

/** Earlier records have the id alone. */
export const registrationShape: Shape<Registration> = (value, at) =>
  typeof value === 'string' ? { id: value } : whole(value, at)

/** In ms: a Factory that has lost what it was told is told again after this time, well before a soak is over. */
const toldAgainAfter = 86_400_000

/**
 * Whether the registry that nodes pull from can know the schematic. Without having been told it answers 404, and an
 * upgrade fails half-way.
 */
export function isTold(known: Registration | undefined, registry: string): boolean {
  return known?.registry === registry
}

/** Whether it is to be told, for the first time or once more. */
export function isToBeTold(known: Registration | undefined, registry: string, now: Date): boolean {
  if (known?.at === undefined || !isTold(known, registry)) return true
  const age = now.getTime() - Date.parse(known.at)
  // A clock that was set back must not keep it from being told.
  return age >= toldAgainAfter || age < 0
}

/** What is remembered after an answer: what the registry has been told once stays told while it is away. */
export function registrationAfter(
  known: Registration | undefined,
  { id, untold }: Registered,
  { registry, now }: { readonly registry: string; readonly now: Date },
): Registration {
  if (untold === undefined) return { id, registry, at: now.toISOString() }
  return known !== undefined && isTold(known, registry) ? known : { id }
}
