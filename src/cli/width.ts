/**
 * How many columns of a terminal a text takes. Letters of East Asia and emoji take two, marks that combine with the letter
 * before them take none, and neither do colours.
 */
export function widthOf(text: string): number {
  // Nearly all that is shown.
  if (/^[ -~]*$/.test(text)) return text.length
  // oxlint-disable-next-line no-control-regex -- the escape that begins a colour
  const bare = text.replaceAll(/\u001b\[\d+m/g, '')
  let width = 0
  for (const letter of bare) width += widthOfLetter(letter)
  return width
}

/** Of one code point: 0, 1 or 2. */
export function widthOfLetter(letter: string): 0 | 1 | 2 {
  const code = letter.codePointAt(0)!
  if (code < 0x300) return 1
  if (combining.test(letter)) return 0
  return isWide(code) || (emoji.test(letter) && !(code >= 0x1f1e6 && code <= 0x1f1ff)) ? 2 : 1
}

/** Marks that combine, selectors of a variant, joiners, and the middle and end of a Hangul syllable. */
const combining = /[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]/u
const emoji = /\p{Emoji_Presentation}/u

/** Unicode 16, EastAsianWidth.txt: W and F, less the emoji, which have a property of their own. */
const wide = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2630, 0x2637],
  [0x268a, 0x268f],
  [0x2e80, 0x303e],
  [0x3041, 0x3247],
  [0x3250, 0xa4c6],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6b],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18cff],
  [0x1aff0, 0x1b2fb],
  [0x1d300, 0x1d376],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
] as const

function isWide(code: number): boolean {
  return code >= wide[0][0] && wide.some(([first, last]) => code >= first && code <= last)
}
