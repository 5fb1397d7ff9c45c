import { waitFor } from '../lab/daemon.ts'
import type { Homelab } from '../lab/homelab.ts'
import { type Everyday, rounds } from './everyday.ts'
import { median, say, worst } from './measure.ts'

/** From OB LB at upsd, when already on battery, to the first Shutdown call at a node. */
export async function measureBattery({ lab, upsd, status }: Everyday): Promise<void> {
  const latencies: number[] = []
  for (let round = 0; round < rounds; round++) {
    await upsd.set('battery.runtime', '30')
    await upsd.status('OB DISCHRG')
    await waitFor(
      'the agent to be on battery',
      15_000,
      async () => (await status()).power.upses[0]?.state.mode === 'on-battery',
    )
    const before = ordersIn(lab).length
    const at = Date.now()
    await upsd.status('OB DISCHRG LB')
    await waitFor('the first order', 20_000, () => ordersIn(lab).length > before)
    latencies.push(ordersIn(lab)[before]! - at)
    await waitFor('all to be off', 30_000, () => lab.nodes.every(({ power }) => power === 'off'))
    await upsd.status('OL CHRG')
    await waitFor(
      'all to be back',
      60_000,
      async () => lab.nodes.every(({ ready }) => ready) && (await status()).outage === undefined,
    )
  }
  say(
    'OB LB to the first Shutdown',
    `${median(latencies).toFixed(0)} ms, longest ${worst(latencies).toFixed(0)} ms (upsd is asked every 1000 ms on battery)`,
  )
}

/** When each order to shut down came, ms since the epoch, oldest first. */
function ordersIn({ nodes }: Homelab): number[] {
  return nodes
    .flatMap(({ calls }) => calls.filter(({ method }) => method === 'MachineService.Shutdown').map(({ at }) => at))
    .toSorted((a, b) => a - b)
}
