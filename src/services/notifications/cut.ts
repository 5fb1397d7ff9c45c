const ellipsis = '…'

/** A text of so many characters at most (UTF-16 units, so never more than a server counts), ended by … where it is cut. */
export function cutCharacters(text: string, most: number): string {
  const whole = text.toWellFormed()
  if (whole.length <= most) return whole
  return `${whole.slice(0, boundary(whole, most - ellipsis.length))}${ellipsis}`
}

/** A text of so many bytes of UTF-8 at most, ended by … where it is cut; no character is cut in two. */
export function cutBytes(text: string, most: number): string {
  const whole = text.toWellFormed()
  if (Buffer.byteLength(whole) <= most) return whole
  const kept = Math.max(0, most - Buffer.byteLength(ellipsis))
  const { read } = new TextEncoder().encodeInto(whole, new Uint8Array(kept))
  return `${whole.slice(0, read)}${ellipsis}`
}

/** The place itself, or one before it where it lies within a pair of surrogates. */
function boundary(text: string, at: number): number {
  const unit = text.charCodeAt(at)
  return unit >= 0xdc00 && unit <= 0xdfff ? at - 1 : at
}
