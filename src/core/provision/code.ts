/** The letters of a code: no vowels, so that no word comes of it, and none that look alike (RFC 8628, 6.1). */
const letters = 'BCDFGHJKLMNPQRSTVWXZ'
const length = 8
/** Greater bytes would make the first letters likelier. */
const fairBelow = 256 - (256 % letters.length)

/** A code such as `BCDF-GHJK`: 20^8 are more than anybody can try. `random` gives so many random bytes. */
export function newCode(random: (bytes: number) => Uint8Array): string {
  let text = ''
  while (text.length < length)
    for (const byte of random(length * 2))
      if (byte < fairBelow && text.length < length) text += letters[byte % letters.length]
  return `${text.slice(0, 4)}-${text.slice(4)}`
}

/** A code as a person types it: in any case, with a dash, a space or nothing in between. Undefined where it is none. */
export function readCode(text: string): string | undefined {
  const bare = text.toUpperCase().replaceAll(/[\s-]/g, '')
  if (bare.length !== length || Array.from(bare).some((letter) => !letters.includes(letter))) return undefined
  return `${bare.slice(0, 4)}-${bare.slice(4)}`
}

/** How long the console shows one text, in ms. */
export const shownFor = 600_000

/**
 * What a machine that waits is answered, in 32 bytes: Talos shows as many on the console, and each text once
 * (siderolabs/talos, pkg/download). So the text changes now and then, for whoever comes to the screen later.
 */
export function waitingText(
  { code, firstAt }: { readonly code: string; readonly firstAt: string },
  now: number,
): string {
  const turn = Math.min(9_999, 1 + Math.max(0, Math.floor((now - Date.parse(firstAt)) / shownFor)))
  return `pending: ${code}${turn === 1 ? '' : ` #${turn}`}`
}
