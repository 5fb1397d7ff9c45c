import { describe } from 'vitest'
import { createApartShare } from '../../src/adapters/share/apart/apart.ts'
import { startShareProcess } from '../../src/main/share-process.ts'
import { startShareLab } from '../adapters/share/lab.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { shareContract } from './share.contract.ts'

describe('a share on a disk', () => {
  shareContract(() => startShareLab('127.0.44.111'))
})

describe('a share that other processes work on', () => {
  shareContract(async () => {
    const at = await startShareLab('127.0.44.112')
    const { directory, factory } = at
    const start = () => startShareProcess(directory)
    const share = createApartShare({ directory, start, schematicOf: () => undefined })
    return {
      share,
      factory,
      [Symbol.asyncDispose]: async () => {
        share[Symbol.dispose]()
        await at[Symbol.asyncDispose]()
      },
    }
  })
})

describe('the fake share', () => {
  shareContract(async () => {
    const { share, factory } = fakeHomelab({}).ports
    return { share, factory, [Symbol.asyncDispose]: async () => {} }
  })
})
