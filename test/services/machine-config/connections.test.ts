import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { createNetworks } from '../../../src/http/addresses.ts'
import { createConnectionGate } from '../../../src/services/machine-config/connections.ts'
import { doorLimits } from '../../../src/services/machine-config/limits.ts'

/** A gate in fd00:1::/64, where a machine at fd00:9::5 is expected. Answers whether one more connection from there stays. */
function openGate() {
  const gate = createConnectionGate({
    limits: doorLimits,
    isAllowed: createNetworks(['fd00::/8']),
    isNear: createNetworks(['fd00:1::/64']),
    isExpected: (address) => address === 'fd00:9::5',
    now: () => 0,
    unwanted: () => {},
  })
  let port = 1_024
  return (remoteAddress: string) => {
    const socket = Object.assign(new EventEmitter(), { remoteAddress, remotePort: (port += 1), destroy: () => {} })
    return gate.admit(socket as unknown as Socket)
  }
}

test('a neighbour of the same /64 uses up nobody else’s places: in our own network each address counts for itself', () => {
  const comes = openGate()
  for (let n = 0; n < 40; n += 1) comes('fd00:1::66')
  expect(comes('fd00:1::66')).toBe(false)
  expect(comes('fd00:1::5')).toBe(true)
})

test('beyond a router a /64 is one client, but for a machine that something is approved for', () => {
  const comes = openGate()
  for (let n = 0; n < 40; n += 1) comes(`fd00:9::${(n + 16).toString(16)}`)
  expect(comes('fd00:9::6')).toBe(false)
  expect(comes('fd00:9::5')).toBe(true)
})
