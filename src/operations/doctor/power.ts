import { about, failed, type Found, skipped, warning } from '../../core/doctor/check.ts'
import { judgeFigures, judgeFit, judgeLogin, judgeServerSupply, judgeStatus } from '../../core/doctor/ups.ts'
import { messageOf } from '../../core/errors.ts'
import { beginOutage } from '../../core/power/outage.ts'
import { startPower } from '../../core/power/state.ts'
import { nextPowerState } from '../../core/power/transitions.ts'
import { policyFor, triggersOf } from '../../core/power/triggers.ts'
import { planNow } from '../rehearse.ts'
import type { Look, Means } from './look.ts'

/** UPSes: what they tell, whether they let us in, and what they feed. */
export function powerLooks({ context, machines }: Means): readonly Look[] {
  const { config } = context
  if (config.upses.length === 0)
    return [
      {
        id: 'ups.none',
        subject: 'power',
        look: async () => [
          about(
            'ups.none',
            'power',
            warning('no UPS is configured: nothing is shut down when the power fails', 'List it under upses'),
          ),
        ],
      },
    ]
  return [
    ...config.upses.map((ups): Look => ({
      id: `ups.status:${ups.label}`,
      subject: ups.label,
      within: 12_000,
      look: (signal) => lookAtUps({ context, machines }, ups, signal),
    })),
    {
      id: 'power.fit',
      subject: 'power',
      look: async (signal) => [about('power.fit', 'power', await judgeBattery(context, signal))],
    },
    {
      id: 'power.feed',
      subject: 'power',
      look: async () =>
        machines
          .filter(({ feed, tier }) => !feed && tier !== 'own-machine')
          .map(({ name }) =>
            about(
              `power.feed:${name}`,
              name,
              warning(
                'is connected to no UPS of the configuration: it is not shut down in a power cut',
                'Set its feed, or take it out',
              ),
            ),
          ),
    },
  ]
}

async function lookAtUps(
  { context: { config, ports }, machines }: Pick<Means, 'context' | 'machines'>,
  ups: Means['context']['config']['upses'][number],
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const { label, host, user, password, login, cutPower } = ups
  const reading = await ports.upses
    .get(label)!
    .read(signal)
    .catch((error: unknown) => messageOf(error))
  const machine = machines.find(({ name }) => name === machineAt(config, host))
  const isHere = isLoopback(host)
  const own = machines.find(({ tier }) => tier === 'own-machine')
  const server = about(
    `ups.server:${label}`,
    label,
    judgeServerSupply(host, { machine: machine ?? (isHere ? own : undefined), isHere }),
  )
  if (typeof reading === 'string')
    return [
      about(
        `ups.status:${label}`,
        label,
        failed(
          `does not report its status: ${reading}`,
          `See that upsd runs on ${host}, listens there, and allows this machine: \`upsc -l ${host}\``,
        ),
      ),
      server,
    ]
  const found = [
    about(`ups.status:${label}`, label, judgeStatus(reading)),
    about(`ups.figures:${label}`, label, judgeFigures(reading, triggersOf(reading, policyFor(config, label)))),
  ]
  const { doctor } = ports
  if (!doctor) return [...found, server]
  const details = await doctor.upses.details(label, signal).catch(() => undefined)
  const loggedIn = judgeLogin({
    hasUser: user !== undefined && password !== undefined,
    isWanted: login,
    refused: doctor.upses.loginRefused(label),
    isIn: doctor.upses.isLoggedIn(label),
    logins: details?.logins,
    command: cutPower?.command,
    commands: details?.commands ?? (cutPower ? [cutPower.command] : []),
  })
  return [...found, about(`ups.login:${label}`, label, loggedIn), server]
}

/** The configured machine at an address. */
function machineAt({ nodes, hosts }: Means['context']['config'], address: string): string | undefined {
  return [...nodes, ...hosts].find((one) => one.address.toLowerCase() === address.toLowerCase() || one.name === address)
    ?.name
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.|::1$)/.test(host)
}

/** Whether the batteries last for a shutdown, by a fresh reading where the guard has none. */
async function judgeBattery(context: Means['context'], signal: AbortSignal) {
  const { config, ports, power } = context
  const states = await Promise.all(
    config.upses.map(async ({ label }) => {
      const known = power.upses.get(label)
      if (known && 'reading' in known && known.reading) return [label, known] as const
      const reading = await ports.upses
        .get(label)!
        .read(signal)
        .catch(() => undefined)
      const start = startPower(0)
      return [
        label,
        reading ? nextPowerState(start, { kind: 'reading', at: 0, reading }, policyFor(config, label)) : start,
      ] as const
    }),
  )
  if (context.machines.every(({ feed }) => !feed))
    return skipped('no machine is connected to a UPS of the configuration')
  const present = { ...power, upses: new Map(states) }
  const { runtime, why, needs } = planNow(
    { ...pick(context), power: present, monotonic: () => 0 },
    beginOutage(context.now(), 'drill'),
  )
  return judgeFit({ runtime, why }, needs)
}

/** Of a context whose fields may be getters, what a plan takes. */
function pick({ config, machines, ports, now, wording }: Means['context']) {
  return { config, machines, ports, now, wording }
}
