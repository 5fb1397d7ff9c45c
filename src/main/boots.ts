import { networkInterfaces } from 'node:os'
import type { Agent } from '../agent.ts'
import type { Config } from '../config/config.ts'
import type { Alerts } from '../core/alert.ts'
import type { Journal } from '../core/journal.ts'
import { type BootKeeper, createBootKeeper } from '../operations/netboot/keeper.ts'

/** Between two looks at machines that may have fallen silent, and at what they have just done, in ms. */
const [looksEvery, looksAgainEvery] = [30_000, 1_000]

export interface BootsOptions {
  readonly agent: Pick<Agent, 'onLook' | 'now'>
  readonly journal: Journal
  readonly alerts: Alerts
  readonly config: () => Config
}

/** Keeps what machines do that boot from the network, for as long as the daemon runs. */
export function keepBoots({ agent, journal, alerts, config }: BootsOptions): BootKeeper & Disposable {
  const keeper = createBootKeeper({ journal, alerts, config, now: agent.now, isOwn })
  const subscription = agent.onLook(keeper.noteCluster)
  const timers = [setInterval(keeper.look, looksEvery).unref(), setInterval(keeper.lookAgain, looksAgainEvery).unref()]
  return {
    ...keeper,
    [Symbol.dispose]: () => {
      for (const timer of timers) clearInterval(timer)
      subscription[Symbol.dispose]()
    },
  }
}

function isOwn(address: string): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some((one) => one.address === address))
}
