import { describe, expect, test } from 'vitest'
import { createNutUps } from '../../src/adapters/nut/ups.ts'
import type { UpsReading } from '../../src/core/power/ups.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { isUpsdInstalled, startUpsd, type LabUpsd } from '../lab/upsd/upsd.ts'
import { startUpsdStandIn } from '../lab/upsd/stand-in.ts'
import { upsContract, type UpsUnderTest } from './ups.contract.ts'
import { soon } from '../patience.ts'

const address = '127.0.43.14'
const isSkipped = !isUpsdInstalled() && process.env['CI'] !== 'true'

describe('the UPS of the fake homelab', () => {
  upsContract(async () => {
    const homelab = fakeHomelab({})
    let said: UpsReading = { status: ['OL', 'CHRG'], charge: 100, runtime: 3_600_000 }
    const say = async (change: Partial<UpsReading>) => {
      said = { ...said, ...change }
      homelab.upses.set('ups', said)
    }
    return {
      ups: homelab.ports.upses.get('ups')!,
      status: (tokens) => say({ status: tokens.split(' ') }),
      battery: async (charge, runtime) => {
        said = { status: said.status }
        await say({
          ...(charge === undefined ? {} : { charge }),
          ...(runtime === undefined ? {} : { runtime: runtime * 1_000 }),
        })
      },
      silence: async () => void homelab.upses.set('ups', 'silent'),
      speakAgain: () => say({}),
      [Symbol.asyncDispose]: async () => {},
    }
  })
})

test('of two UPSes each tells its own', async () => {
  const { ports, upses } = fakeHomelab({}, { upses: ['rack', 'desk'] })
  upses.set('rack', { status: ['OB', 'LB'] })
  expect(await ports.upses.get('rack')!.read(soon())).toEqual({ status: ['OB', 'LB'] })
  expect(await ports.upses.get('desk')!.read(soon())).toMatchObject({ status: ['OL'] })
  upses.set('desk', 'silent')
  await expect(ports.upses.get('desk')!.read(soon())).rejects.toMatchObject({ code: 'unreachable' })
  expect(await ports.upses.get('rack')!.read(soon())).toEqual({ status: ['OB', 'LB'] })
})

async function overNut(upsd: LabUpsd): Promise<UpsUnderTest> {
  const { certificates } = upsd
  const ups = createNutUps({
    host: upsd.address,
    port: upsd.port,
    name: upsd.upsName,
    credentials: { user: upsd.users.secondary.name, password: upsd.users.secondary.password },
    ...(certificates ? { tls: 'required', ca: certificates.ca } : {}),
  })
  return {
    ups,
    status: upsd.status,
    battery: async (charge, runtime) => {
      await upsd.set('battery.charge', charge?.toString() ?? '')
      await upsd.set('battery.runtime', runtime?.toString() ?? '')
    },
    silence: upsd.stop,
    speakAgain: upsd.start,
    [Symbol.asyncDispose]: async () => {
      await ups[Symbol.asyncDispose]()
      await upsd[Symbol.asyncDispose]()
    },
  }
}

// At once, because a real one takes two seconds to begin.
describe
  .skipIf(isSkipped)
  .concurrent(`NUT with a real upsd${isSkipped ? ' (skipped: nut-server is not installed)' : ''}`, () => {
    upsContract(async () => overNut(await startUpsd({ address })))
  })

describe('NUT with the upsd stand-in', () => {
  upsContract(async () => overNut(await startUpsdStandIn({ address })))
})

describe("NUT with a Synology's dialect", () => {
  upsContract(async () => overNut(await startUpsdStandIn({ address, dialect: 'synology' })))
})

describe('NUT over TLS', () => {
  upsContract(async () => overNut(await startUpsdStandIn({ address, tls: true })))
})
