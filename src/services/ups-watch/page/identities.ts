import { setTimeout as sleep } from 'node:timers/promises'
import type { Operator } from '../../../core/operator.ts'
import type { UpsAnswer } from '../../../core/power/answers.ts'
import { type UpsIdentity, upsIdentityOf } from '../../../core/power/identity.ts'

/** What a UPS is changes when somebody replaces it; it is asked for again after so long, and after a failure sooner. In ms. */
const keptFor = 3_600_000
const triedAgainAfter = 60_000
/** How long a page waits for it, and how long the answer may take at all; in ms. */
const shownWithin = 500
const answersWithin = 10_000

interface Known {
  readonly asked: Promise<void>
  readonly askedAt: number
  /** Undefined until it answers. */
  identity?: UpsIdentity
}

/** By who is asked: one daemon has one. */
const known = new WeakMap<object, Map<string, Known>>()

/**
 * What the UPSes are, by label, as far as they have told. It is not asked for on battery: there every answer of upsd is of the
 * power, and a page that many people have open is no reason to delay one.
 */
export async function identitiesOf(
  power: Pick<Operator['power'], 'ups'>,
  upses: readonly Pick<UpsAnswer, 'label' | 'state'>[],
): Promise<ReadonlyMap<string, UpsIdentity>> {
  const own = known.get(power) ?? new Map<string, Known>()
  known.set(power, own)
  const now = performance.now()
  for (const { label, state } of upses) {
    const before = own.get(label)
    const isDue = !before || now - before.askedAt >= (before.identity ? keptFor : triedAgainAfter)
    if (isDue && state.mode === 'on-mains') own.set(label, ask(power, label, now, before?.identity))
  }
  const all = upses.flatMap(({ label }) => own.get(label) ?? [])
  if (all.some(({ identity }) => identity === undefined))
    await Promise.race([Promise.all(all.map(({ asked }) => asked)), sleep(shownWithin, undefined, { ref: false })])
  return new Map(
    upses.flatMap(({ label }) => {
      const identity = own.get(label)?.identity
      return identity === undefined ? [] : [[label, identity] as const]
    }),
  )
}

/** What was known before is shown until the answer comes. */
function ask(
  power: Pick<Operator['power'], 'ups'>,
  label: string,
  now: number,
  before: UpsIdentity | undefined,
): Known {
  const answer = power.ups({ ups: label }, AbortSignal.timeout(answersWithin))
  const asked = answer.then(
    ({ details }) => {
      if (details.ok) one.identity = upsIdentityOf(details.value.variables)
    },
    // The page says elsewhere that it does not answer.
    () => {},
  )
  const one: Known = { asked, askedAt: now, ...(before === undefined ? {} : { identity: before }) }
  return one
}
