import { describe } from 'vitest'
import { startShareLab } from '../adapters/share/lab.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { shareContract } from './share.contract.ts'

describe('a share on a disk', () => {
  shareContract(() => startShareLab('127.0.44.111'))
})

describe('the fake share', () => {
  shareContract(async () => {
    const { share, factory } = fakeHomelab({}).ports
    return { share, factory, [Symbol.asyncDispose]: async () => {} }
  })
})
