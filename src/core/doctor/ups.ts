import { counted, listed } from '../count.ts'
import { describeBoth, describeClosely } from '../duration.ts'
import { describeReported, has, remarksOn, type UpsReading } from '../power/ups.ts'
import type { Feed } from '../power/feeds.ts'
import type { TriggerState } from '../power/triggers.ts'
import { failed, type Finding, ok, skipped, warning } from './check.ts'

/** What a UPS says of mains power at this moment. */
export function judgeStatus(reading: UpsReading): Finding {
  const { status, charge, runtime, load } = reading
  const figures = [
    status.join(' '),
    ...(charge === undefined ? [] : [`charge ${charge} %`]),
    ...(runtime === undefined ? [] : [`runtime ${describeClosely(runtime)}`]),
    ...(load === undefined ? [] : [`load ${load} %`]),
  ].join(', ')
  if (has(reading, 'FSD'))
    return failed(
      `reports a forced shutdown (${figures})`,
      'If none is meant, restart upsd, which keeps FSD until then',
    )
  if (has(reading, 'OL')) return ok(`is on mains power (${figures})`)
  return warning(`is not on mains power (${figures})`, 'Ask again when mains power is back')
}

/** Whether its figures can be used, and what would start a shutdown. */
export function judgeFigures(reading: UpsReading, triggers: readonly TriggerState[]): Finding {
  const doubts = (['charge', 'runtime'] as const).flatMap((figure) => {
    const doubt = reading.doubts?.[figure]
    return doubt && !doubt.isConfigured
      ? [`it reports ${describeReported(figure, doubt)}, which is not used: ${doubt.why}`]
      : []
  })
  const lacking = triggers.filter(({ lacks }) => lacks !== undefined)
  const remarks = Object.values(remarksOn(reading)).filter((text) => text !== undefined)
  const troubles = [
    ...remarks,
    ...doubts,
    ...lacking.map(({ text, disarmed }) => `${text} can't start a shutdown: ${disarmed}`),
  ]
  if (troubles.length === 0)
    return ok(
      `reports what ${counted(triggers.filter(({ disarmed }) => disarmed === undefined).length, 'trigger')} need, and nothing is odd about it`,
    )
  const next =
    doubts.length > 0
      ? 'Compare with `caretaker ups` and the display of the UPS; `trust` in its entry of upses leaves a figure out for good'
      : remarks.length > 0
        ? 'See the manual of the UPS: `caretaker ups` shows everything that it tells'
        : 'Set power.maxOnBattery to less than the battery lasts: time is what is left to go by'
  return warning(troubles.join('; '), next)
}

export interface LoginFacts {
  /** A user and a password are configured. */
  readonly hasUser: boolean
  /** `login: false` is not set. */
  readonly isWanted: boolean
  readonly refused: string | undefined
  readonly isIn: boolean
  /** How many are logged in; undefined where the server does not say. */
  readonly logins: number | undefined
  /** What only a user may do and is configured: `shutdown.return` of cutPower. */
  readonly command?: string | undefined
  readonly commands: readonly string[]
}

/** Whether upsd takes our login, for which its primary waits, and knows the command that cuts the power. */
export function judgeLogin({ hasUser, isWanted, refused, isIn, logins, command, commands }: LoginFacts): Finding {
  if (command !== undefined && !commands.includes(command))
    return failed(
      `has no command ${command}, which is to cut its power last of all`,
      `Set cutPower.command to one that it has (${commands.filter((one) => one.startsWith('shutdown.')).join(', ') || 'it has none of that kind'}), or take cutPower out`,
    )
  if (!hasUser)
    return skipped('no user is configured: its primary does not wait for the cluster, which a Synology never does')
  if (!isWanted) return skipped('its user is for commands only (login: false)')
  if (refused !== undefined)
    return failed(
      `refuses the login: ${refused}`,
      'Correct user and password of its entry in upses; in upsd.users it takes `upsmon secondary`',
    )
  if (!isIn) return warning('has not taken the login yet', 'Ask again in a moment')
  return ok(
    `took the login${logins === undefined ? '' : `: ${counted(logins, 'client')} of it ${logins === 1 ? 'is' : 'are'} logged in`}`,
  )
}

/** A machine, and which UPSes feed it. */
export interface Supplied {
  readonly name: string
  readonly feed: Feed | undefined
}

/** What Caretaker's own machine is fed by: who is to shut down others must outlive them. */
export function judgeOwnSupply(own: Supplied | undefined, upses: readonly string[]): Finding {
  if (upses.length === 0) return skipped('no UPS is configured')
  if (!own)
    return warning(
      'the machine that Caretaker runs on is not in the configuration: nobody knows which UPS feeds it, and it is not shut down before the battery is empty',
      'List it under hosts, with its address and its feed',
    )
  const fed = Object.keys(own.feed?.powerValue ?? {})
  if (fed.length === 0)
    return failed(
      `${own.name}, which Caretaker runs on, is fed by no UPS: it goes off with mains power, and shuts nothing down`,
      `Put it on a UPS, and set its feed`,
    )
  return ok(`${own.name}, which Caretaker runs on, is fed by ${listed(fed)}`)
}

/** What the machine that upsd runs on is fed by: one that goes off with mains power says nothing of the battery. */
export function judgeServerSupply(
  host: string,
  { machine, isHere }: { readonly machine: Supplied | undefined; readonly isHere: boolean },
): Finding {
  const where = isHere ? 'this machine' : (machine?.name ?? host)
  if (!machine)
    return isHere
      ? skipped('its upsd runs on this machine: see machine.supply')
      : warning(
          `its upsd runs on ${host}, which is not in the configuration: nobody knows whether a UPS feeds it`,
          'List it under hosts, with its feed; its switch belongs on the UPS too',
        )
  const fed = Object.keys(machine.feed?.powerValue ?? {})
  if (fed.length === 0)
    return failed(
      `its upsd runs on ${where}, which no UPS feeds: it falls silent with mains power`,
      'Put it on the UPS, and set its feed',
    )
  return ok(`its upsd runs on ${where}, which is fed by ${listed(fed)}`)
}

/** The battery against what a shutdown takes, in ms. */
export function judgeFit(
  { runtime, why }: { readonly runtime: number | undefined; readonly why?: string | undefined },
  needs: number,
): Finding {
  if (runtime === undefined)
    return warning(
      `a shutdown takes ${describeClosely(needs)} at most, and whether the battery lasts for it is not known: ${why ?? 'no UPS tells'}`,
      'Set power.assumedRuntime to what the battery surely lasts',
    )
  const [lasts, takes] = describeBoth(runtime, needs)
  if (runtime >= needs) return ok(`the battery lasts ${lasts}, and a shutdown takes ${takes} at most`)
  return warning(
    `the battery lasts ${lasts}, and a shutdown takes ${takes}: it would be shortened`,
    'Shorten power.drainTimeout, shutdownTimeout and power.reserve, or take load off the UPS',
  )
}
