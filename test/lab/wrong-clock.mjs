// Loaded before a daemon (`NODE_OPTIONS=--import`): its wall clock is off by as many ms as the file says that
// $WRONG_CLOCK names, and follows it. The monotonic clock stays as it is, as with a real clock that is set.
import { readFileSync } from 'node:fs'
import process from 'node:process'

const RealDate = Date
let off = 0
let readAt = -Infinity

function present() {
  if (performance.now() - readAt > 100) {
    readAt = performance.now()
    try {
      off = Number(readFileSync(process.env.WRONG_CLOCK, 'utf8'))
    } catch {
      off = 0
    }
  }
  return RealDate.now() + off
}

globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(present())
    else super(...given)
  }

  static now() {
    return present()
  }
}
