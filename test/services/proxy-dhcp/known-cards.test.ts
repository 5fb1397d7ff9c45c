import { expect, test } from 'vitest'
import { parseConfig } from '../../../src/config/config.ts'
import { createKnownCards } from '../../../src/services/proxy-dhcp/known-cards.ts'
import { memoryJournal } from '../../fakes/journal.ts'

const card = (number: number) => `52:54:00:00:00:${number.toString(16).padStart(2, '0')}`

test('of cards that were learned by a UUID, which is no secret, the 64 that spoke last are known', () => {
  const config = parseConfig('schematic: homelab\nshare: { directory: share }', 'test.yaml')
  const cards = createKnownCards(
    () => config,
    memoryJournal(),
    () => 0,
  )
  for (let number = 0; number < 64; number += 1) cards.learn(card(number))
  // The first speaks once more, so the second is the one that was silent for longest.
  cards.learn(card(0))
  cards.learn(card(64))
  const known = Array.from({ length: 65 }, (_, number) => number).filter((number) => cards.has(card(number)))
  expect(known).toEqual([0, ...Array.from({ length: 63 }, (_, index) => index + 2)])
})
