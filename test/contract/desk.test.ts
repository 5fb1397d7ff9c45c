import { describe } from 'vitest'
import { fakeDesk } from '../fakes/provision.ts'
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
