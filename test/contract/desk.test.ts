import { describe } from 'vitest'
import { fakeDesk } from '../fakes/provision.ts'
import { openDesk, worker } from '../operations/provision/at-desk.ts'
import { deskContract } from './desk.contract.ts'

describe('the desk of a story', () => {
  deskContract(async () => {
    const desk = fakeDesk()
    return {
      desk,
      approve: (_, code) => desk.approve(code),
      reject: desk.reject,
      [Symbol.asyncDispose]: async () => {},
    }
  })
})

describe('the desk', () => {
  deskContract(async () => {
    const { desk } = openDesk()
    return {
      desk,
      approve: (id, code) => desk.approve({ id, code, order: worker, by: 'admin' }),
      reject: (id) => desk.reject({ id, reason: undefined }),
      [Symbol.asyncDispose]: async () => desk[Symbol.dispose](),
    }
  })
})
