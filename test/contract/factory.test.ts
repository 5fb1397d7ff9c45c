import { describe } from 'vitest'
import { createFactory } from '../../src/adapters/factory/factory.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { createFactory as createLabFactory } from '../lab/factory/factory.ts'
import { factoryContract } from './factory.contract.ts'

const versions = ['v1.12.11', 'v1.13.9', 'v1.14.0-rc.1']

describe('the Image Factory, over HTTP', () => {
  factoryContract(async () => {
    const lab = createLabFactory({ address: '127.0.44.110', versions, withdrawn: ['v1.13.8'] })
    await lab.start()
    lab.faults.redirect = true
    return { factory: createFactory(lab.url), [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() }
  })
})

describe('the fake Image Factory', () => {
  factoryContract(async () => {
    const homelab = fakeHomelab({}, { versions })
    homelab.withdrawn = ['v1.13.8']
    const { factory } = homelab.ports
    return { factory, [Symbol.asyncDispose]: async () => {} }
  })
})
