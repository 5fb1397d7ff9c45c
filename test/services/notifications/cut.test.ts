import { describe, expect, test } from 'vitest'
import { cutBytes, cutCharacters } from '../../../src/services/notifications/cut.ts'

describe('a text is cut', () => {
  test.each([
    { text: 'power', most: 5, bytes: 'power', characters: 'power' },
    { text: 'powers', most: 5, bytes: 'po…', characters: 'powe…' },
    { text: 'żółw!', most: 5, bytes: 'ż…', characters: 'żółw!' },
    { text: '🔋🔋🔋', most: 5, bytes: '…', characters: '🔋🔋…' },
    { text: '🔋🔋🔋', most: 4, bytes: '…', characters: '🔋…' },
    { text: '🔋🔋', most: 7, bytes: '🔋…', characters: '🔋🔋' },
    { text: '', most: 5, bytes: '', characters: '' },
    { text: 'half \ud83d', most: 20, bytes: 'half \ufffd', characters: 'half \ufffd' },
  ])('$text to $most', ({ text, most, bytes, characters }) => {
    expect({ bytes: cutBytes(text, most), characters: cutCharacters(text, most) }).toEqual({ bytes, characters })
    expect(Buffer.byteLength(cutBytes(text, most))).toBeLessThanOrEqual(most)
    expect(cutCharacters(text, most).length).toBeLessThanOrEqual(most)
  })
})
