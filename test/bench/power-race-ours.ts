import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { power as powerSection } from '../../src/config/power.ts'
import type { PowerAnswer, StatusAnswer } from '../../src/core/operator.ts'
import type { Entry } from '../../src/core/journal.ts'
import { endStore, type LabDaemon, startDaemon, waitFor } from '../lab/daemon.ts'
import { type Homelab, startHomelab } from '../lab/homelab.ts'
import type { LabUpsd } from '../lab/upsd/upsd.ts'
import { openSession } from '../lab/upsd/session.ts'

/** What one event came to: all that lies between it and the first order. Times in ms. */
export interface Answer {
  readonly total: number
  /** Until the guard knew of it. */
  readonly seen: number
  /** From there until the nodes were looked at, and a plan made. */
  readonly planned: number
  /** From there until a node had the order. */
  readonly ordered: number
}

/** A daemon of ours and the homelab that it shuts down. */
export interface Ours {
  readonly name: string
  readonly lab: Homelab
  readonly daemon: LabDaemon
  mode(): Promise<string | undefined>
  entries(): Promise<readonly Entry[]>
  /** Rejects where no order has come in time. Both in ms, the first since the epoch. */
  firstOrder(since: number, within: number): Promise<Answer>
  /** All that was to be told since then, in ms since the epoch, was told, and everything is off that is not silent. */
  down(since: number): Promise<void>
  /** Mains is there, every node is ready, and there is nothing left to do. */
  recovered(): Promise<void>
}

export interface OursOptions {
  readonly name: string
  /** The second octet from the right of its addresses. */
  readonly net: number
  readonly upsd: LabUpsd
  readonly directory: string
  readonly power: Readonly<Record<string, unknown>>
  readonly controlPlanes?: number
  readonly workers?: number
  /** That section of the configuration. */
  readonly notifications?: Readonly<Record<string, unknown>>
}

/** Too little time for anything but telling every node: what is measured is the way from upsd to the first order. */
export const raceBattery = { 'battery.runtime': '30', 'battery.charge': '10', 'battery.charge.low': '5' }

/** The section `power` for it; both are durations as people write them. */
export function racePower(pollIntervalOnBattery: string, deadTime: string): Readonly<Record<string, unknown>> {
  return {
    pollInterval: `${Math.min(powerSection.parse({}).pollInterval, 300)}ms`,
    pollIntervalOnBattery,
    onBatteryAfter: '0s',
    lowBatteryAfter: '0s',
    minimumRuntime: '0s',
    drainTimeout: '0s',
    shutdownTimeout: '2s',
    reserve: '60s',
    deadTime,
    // All are woken again on the same battery.
    onBatteryBelow: 'never',
    wake: { stableAfter: '0s', minimumCharge: 0, minimumRuntime: '0s' },
  }
}

export async function startOurs(stack: AsyncDisposableStack, options: OursOptions): Promise<Ours> {
  const { name, net, upsd, power, notifications, controlPlanes = 3, workers = 2 } = options
  const directory = join(options.directory, `net-${net}`)
  await mkdir(directory)
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  stack.defer(() => endStore(directory))
  const pace = { stop: 50, boot: 50, settle: 40 }
  const lab = stack.use(await startHomelab({ net, controlPlanes, workers, pace }))
  const config = await lab.writeConfig(directory, {
    ups: { host: upsd.address, port: upsd.port },
    upgrade: { enabled: false, soak: '365d' },
    power,
    ...(notifications ? { notifications } : {}),
  })
  const daemon = stack.use(await startDaemon({ config, directory, pollEvery: 50 }))
  const { control } = daemon
  const mode = async () => (await control.get<PowerAnswer>('/power')).upses[0]?.state.mode
  const entries = () => control.list<Entry>('/journal?limit=300')
  await waitFor(`${name} to see mains`, 20_000, async () => (await mode()) === 'on-mains')
  return {
    name,
    lab,
    daemon,
    mode,
    entries,
    async firstOrder(since, within) {
      const first = () => ordersIn(lab).find((at) => at >= since)
      await waitFor(`the first order of ${name}`, within, () => first() !== undefined, 10)
      const told = (await entries()).filter(({ at }) => Date.parse(at) >= since - 5)
      const when = (test: RegExp) => Date.parse(told.findLast(({ text }) => test.test(text))?.at ?? '')
      const [seenAt, plannedAt] = [when(/is critical: /), when(/all machines are shut down at once/)]
      return {
        total: first()! - since,
        seen: seenAt - since,
        planned: plannedAt - seenAt,
        ordered: first()! - plannedAt,
      }
    },
    down: (since) =>
      waitFor(`${name} to have shut all down`, 30_000, async () => {
        const isOff = lab.nodes.every(({ power: its, faults }) => its === 'off' || faults.silent)
        if (!isOff) return false
        return (await entries()).some(
          ({ text, at }) => text === 'shutdown requested for every machine' && Date.parse(at) >= since,
        )
      }),
    recovered: () =>
      waitFor(
        `${name} to have all back`,
        60_000,
        async () =>
          lab.nodes.every(({ ready }) => ready) &&
          (await mode()) === 'on-mains' &&
          (await control.get<StatusAnswer>('/status')).outage === undefined,
        100,
      ),
  }
}

/** When each order to shut down came, ms since the epoch, oldest first. */
export function ordersIn({ nodes }: Homelab): number[] {
  return nodes
    .flatMap(({ calls }) => calls.filter(({ method }) => method === 'MachineService.Shutdown').map(({ at }) => at))
    .toSorted((a, b) => a - b)
}

/** Causes it, and answers when upsd first showed the token, ms since the epoch: the driver takes up to a second by itself. */
export async function firstSight({ address, port }: LabUpsd, token: string, cause: () => Promise<void>) {
  const session = await openSession(address, port)
  try {
    const caused = cause()
    while (true) {
      const [line] = await session.ask('GET VAR ups ups.status', /^VAR .*$/)
      const at = Date.now()
      if (new RegExp(`\\b${token}\\b`).test(line)) return await caused.then(() => at)
      await pause(3)
    }
  } finally {
    session.close()
  }
}
