import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Delivery, deliveryKind } from '../../src/core/notify/delivery.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import type { PowerAnswer } from '../../src/core/operator.ts'
import { endStore, type LabDaemon, startDaemon, waitFor } from '../lab/daemon.ts'
import { type ConfigOverrides, type Homelab, startHomelab } from '../lab/homelab.ts'
import { temporaryFolder } from '../lab/process.ts'
import { startUpsdStandIn, type UpsdStandIn } from '../lab/upsd/stand-in.ts'

/** A homelab with one control plane, two workers, a NAS and a UPS, whose agent tells people what happens. */
export interface ToldLab {
  readonly lab: Homelab
  readonly upsd: UpsdStandIn
  readonly directory: string
  readonly config: string
  /** The agent that runs. */
  readonly daemon: LabDaemon
  /** Starts an agent, which knows of mains power where there is any. */
  start(environment?: Readonly<Record<string, string>>): Promise<void>
  kill(): Promise<void>
  /** The newest outage. */
  outage(): Promise<Outage | undefined>
  /** What is on record of what was told, oldest first. For when the agent has ended. */
  deliveries(): readonly Delivery[]
}

export async function startToldLab(
  stack: AsyncDisposableStack,
  net: number,
  { power, ...overrides }: ConfigOverrides,
): Promise<ToldLab> {
  const { path: directory } = stack.use(await temporaryFolder())
  stack.defer(() => endStore(directory))
  const upsd = stack.use(await startUpsdStandIn({ address: `127.0.${net}.93` }))
  const lab = stack.use(
    await startHomelab({ net, controlPlanes: 1, workers: 2, nas: true, pace: { stop: 700, boot: 900, settle: 200 } }),
  )
  const config = await lab.writeConfig(directory, {
    ups: { host: upsd.address, port: upsd.port },
    upgrade: { enabled: false },
    power: { drainTimeout: '4s', shutdownTimeout: '6s', reserve: '1s', ...power },
    ...overrides,
  })
  await upsd.set('battery.runtime', '900')
  let daemon: LabDaemon | undefined
  const running = () => daemon ?? raise('no agent was started')
  return {
    lab,
    upsd,
    directory,
    config,
    get daemon() {
      return running()
    },
    start: async (environment = {}) => {
      daemon = stack.use(await startDaemon({ config, directory, environment }))
      await waitFor('the agent to know its UPS', 20_000, async () =>
        (await running().control.get<PowerAnswer>('/power')).upses.every(({ state }) => state.mode !== 'unknown'),
      )
    },
    kill: () => running().kill(),
    outage: async () =>
      (
        await running()
          .control.list<Outage>('/outages')
          .catch(() => [])
      )[0],
    deliveries: () => deliveriesIn(directory),
  }
}

function deliveriesIn(directory: string): readonly Delivery[] {
  using database = new DatabaseSync(join(directory, 'state', 'journal.db'), { readOnly: true })
  const rows = database.prepare('SELECT value FROM records WHERE kind = ? ORDER BY key').all(deliveryKind.name)
  return rows.map(({ value }) => deliveryKind.parse(JSON.parse(String(value))))
}

function raise(why: string): never {
  throw new Error(why)
}
