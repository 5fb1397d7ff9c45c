import { AgentError } from '../../src/core/errors.ts'
import type { Ups } from '../../src/core/power/ports.ts'
import type { UpsReading } from '../../src/core/power/ups.ts'

const online: UpsReading = { status: ['OL'], charge: 100, runtime: 3_600_000 }

export interface FakeUpses {
  /** What each says, by label. */
  readonly readings: Map<string, UpsReading | 'silent'>
  readonly ports: ReadonlyMap<string, Ups>
}

/** UPSes that tell their own readings. `note` is told of what is asked of them: of one alone without its name. */
export function fakeUpses(labels: readonly string[], note: (entry: string) => Promise<void>): FakeUpses {
  const readings: FakeUpses['readings'] = new Map(labels.map((label) => [label, online]))
  const fakeUps = (label: string): Ups => {
    const of = labels.length > 1 ? ` ${label}` : ''
    return {
      name: label,
      readStatus: async (signal) => (await fakeUps(label).read(signal)).status,
      read: async (signal) => {
        const reading = readings.get(label)!
        if (reading === 'silent' || signal.aborted) throw new AgentError('unreachable', 'the UPS does not answer')
        return reading
      },
      details: async (signal) => {
        const { status, charge, runtime } = await fakeUps(label).read(signal)
        const variables = {
          ...(charge === undefined ? {} : { 'battery.charge': String(charge) }),
          ...(runtime === undefined ? {} : { 'battery.runtime': String(runtime / 1_000) }),
          'ups.status': status.join(' '),
        }
        return { variables, writable: [], commands: ['shutdown.return'], clients: [], secure: false }
      },
      logOut: () => note(`log-out${of}`),
      logIn: () => note(`log-in${of}`),
      command: (command) => note(`${command}${of}`),
    }
  }
  return { readings, ports: new Map(labels.map((label) => [label, fakeUps(label)])) }
}
