import drillPower from '../../jobs/drill-power.ts'
import { parseConfig } from '../../src/config/config.ts'
import { AgentError } from '../../src/core/errors.ts'
import type { DrillRequest } from '../../src/core/power/drill-shape.ts'
import { remembered } from '../../src/operations/facts.ts'
import { worker } from '../core/cluster/nodes.ts'
import { powerOf, stateOf } from '../core/power/states.ts'
import { clock, cp1, outage, w1, w2 } from './begun.ts'
import { type Course, runs, type Scene } from './running.ts'

/** A rehearsal of a power cut in a homelab where nothing is wrong, of a control plane and a worker. */

const hour = 3_600_000
const figures = { charge: 100, runtime: hour }
export const mains = stateOf('on-mains', figures, clock, clock)
export const battery = stateOf('on-battery', figures, clock, clock)
export const config = parseConfig(
  JSON.stringify({
    cluster: { talosconfig: 'talosconfig', kubeconfig: 'kubeconfig' },
    nodes: ['cp-1', 'w-1'].map((name, index) => ({
      name,
      role: name === 'w-1' ? 'worker' : 'controlplane',
      address: `10.0.0.${index + 1}`,
    })),
    schematic: 'homelab',
    share: { directory: 'share' },
    upses: [{ host: '10.0.0.9', label: 'rack' }],
  }),
  'test.yaml',
)

export interface Drill extends Partial<Course> {
  readonly request?: DrillRequest | undefined
  /** What happens while everything is checked. */
  readonly checking?: ((scene: Pick<Scene, 'journal' | 'stop'>) => void) | undefined
  /** Names of machines that would not take an order. */
  readonly silent?: readonly string[]
}

export function drills({ request = { id: 'one' }, checking, silent = [], ...more }: Drill = {}) {
  const ports: Course['ports'] = (scene) => ({
    talos: {
      version: async (name: string) => {
        checking?.(scene)
        if (silent.includes(name)) throw new AgentError('unreachable', `${name} does not answer`)
      },
    },
    waker: { rehearse: async () => 'eth0' },
    upses: new Map([['rack', { read: async () => ({ status: ['OL'], ...figures }) }]]),
  })
  return runs(drillPower, {
    machines: [cp1, w1],
    recently: ['cp-1', 'w-1'],
    nodes: [worker('cp-1'), worker('w-1')],
    power: powerOf({ rack: mains }),
    kubernetes: { forbidden: async () => [], nodes: async () => [] } as never,
    ports,
    config,
    ...more,
    remembers: (journal) => {
      remembered.drillRequest.remember(journal, request)
      more.remembers?.(journal)
    },
  })
}

export { cp1, outage, w1, w2 }
