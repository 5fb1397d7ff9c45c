import type { Switches } from './life.ts'
import type { LifePower } from './life-power.ts'
import type { StartOptions } from './agent.ts'

/** In s. */
export const onMainsAfter = 15
export const deadTime = 30
export const soak = 600
/** In %. */
export const minimumCharge = 25

/** The configuration of a homelab whose seconds pass in milliseconds. */
export function settingsOf({ clocks }: Switches, power: LifePower): StartOptions {
  const feed = (name: string) => (power.labels.length > 1 ? { feed: power.feedOf(name) } : {})
  return {
    upses: power.labels,
    hosts: [{ name: 'nas', nas: true, shutdownTimeout: '1s', ...feed('nas') }],
    node: (name) => ({ ...(name === 's-1' ? { storage: true } : {}), ...feed(name) }),
    upgrade: {
      rebootTimeout: '40ms',
      installTimeout: '60ms',
      drainTimeout: '25ms',
      retryAfter: '1ms',
      soak: clocks ? `${soak}s` : '0s',
    },
    power: {
      onBatteryAfter: '5s',
      onMainsAfter: `${onMainsAfter}s`,
      lowBatteryAfter: '3s',
      unconfirmedLowBatteryAfter: '15s',
      deadTime: `${deadTime}s`,
      maxOnBattery: '150s',
      minimumCharge: 30,
      minimumRuntime: '40s',
      reserve: '1s',
      shed: [{ selector: 'tier=batch' }],
      shedAfter: '30s',
      shutdownTimeout: '200ms',
      drainTimeout: '20ms',
      wake: {
        stableAfter: '20s',
        minimumCharge,
        minimumRuntime: '0s',
        unknownChargeAfter: '90s',
        retryInterval: '5ms',
        giveUpAfter: '1s',
      },
    },
  }
}
