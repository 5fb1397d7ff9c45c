import { describe, expect, test } from 'vitest'
import {
  acceptHeld,
  type HeldImage,
  isHeldStill,
  judgeBytes,
  type KnownBytes,
  knownBytesKind,
  OtherBytes,
} from '../../../src/core/release/known-bytes.ts'

const proofs = { sha256: undefined, hasSignature: false }
const arrived = (sha256: string) => ({
  source: 'https://factory.example/image/a/v1.13.9/metal-amd64-uki.efi',
  version: 'v1.13.9',
  sha256,
  bytes: 100,
  proofs,
})
const at = (hours: number) => new Date(Date.parse('2026-11-22T00:00:00Z') + hours * 3_600_000)
const known: KnownBytes = judgeBytes(undefined, arrived('a'), at(0)).known
const held: KnownBytes = judgeBytes(known, arrived('b'), at(1)).known

describe('what a URL answers', () => {
  test('first is remembered', () => {
    expect(judgeBytes(undefined, arrived('a'), at(0))).toEqual({
      kind: 'first',
      known: {
        source: arrived('a').source,
        version: 'v1.13.9',
        sha256: 'a',
        since: '2026-11-22T00:00:00.000Z',
        proofs,
      },
    })
  })

  test('again changes nothing', () => {
    expect(judgeBytes(known, arrived('a'), at(9))).toEqual({ kind: 'same', known })
  })

  test('otherwise is held, beside what it answered first', () => {
    expect(judgeBytes(known, arrived('b'), at(1))).toEqual({
      kind: 'other',
      known: { ...known, held: { sha256: 'b', bytes: 100, at: '2026-11-22T01:00:00.000Z' } },
    })
  })

  test('as at first, after something else was held, is taken, and nothing waits any more', () => {
    expect(judgeBytes(held, arrived('a'), at(2))).toEqual({ kind: 'same', known })
  })
})

test('what is held is not downloaded once more for a day', () => {
  expect(isHeldStill(known, at(1))).toBe(false)
  expect(isHeldStill(held, at(24))).toBe(true)
  expect(isHeldStill(held, at(25))).toBe(false)
  expect(isHeldStill(undefined, at(1))).toBe(false)
})

test('what a person accepts is what the URL answers from then on', () => {
  const accepted = acceptHeld(held, at(3))
  expect(accepted).toEqual({ ...known, sha256: 'b', since: '2026-11-22T03:00:00.000Z' })
  expect(judgeBytes(accepted, arrived('b'), at(4)).kind).toBe('same')
  expect(judgeBytes(accepted, arrived('a'), at(4)).kind).toBe('other')
})

test('where nothing is held, there is nothing to accept', () => {
  expect(acceptHeld(known, at(3))).toBe(known)
})

test('is kept under its own name, and for as long as something is held', () => {
  expect(knownBytesKind.name).toBe('image-bytes')
  expect([known, held].map(knownBytesKind.isOpen)).toEqual([false, true])
  expect(knownBytesKind.retention).toEqual({ most: 1_000 })
})

test('other bytes are refused with both digests, and with what accepts them', () => {
  const error = new OtherBytes(held as HeldImage)
  expect(error).toMatchObject({ code: 'rejected', known: held })
  expect(error.message).toBe(
    'the Factory sends other bytes for v1.13.9 than before: https://factory.example/image/a/v1.13.9/metal-amd64-uki.efi ' +
      'answered a on 2026-11-22, and now b; they are kept apart. If the Factory has rebuilt it, as after an upgrade of ' +
      'its own, accept it with `caretaker stage --accept b`',
  )
})
