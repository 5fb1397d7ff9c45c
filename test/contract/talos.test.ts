import { describe } from 'vitest'
import { schematic, startTalosLab } from '../adapters/talos/lab.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { talosContract } from './talos.contract.ts'

const pace = { pull: 5, install: 10, stop: 10, boot: 10, settle: 20 }

describe('Talos, over gRPC', () => {
  talosContract(async () => {
    const at = await startTalosLab(
      { name: 'cp-1', address: '127.0.44.112', pace },
      { name: 'w-1', address: '127.0.44.113', pace },
    )
    return { talos: at.talos, schematic, [Symbol.asyncDispose]: () => at[Symbol.asyncDispose]() }
  })
})

describe('the fake Talos', () => {
  talosContract(async () => {
    const { talos } = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker' }, { schematic }).ports
    return { talos, schematic, [Symbol.asyncDispose]: async () => {} }
  })
})
