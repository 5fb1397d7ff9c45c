/** Whether a condition is new. One that lasts is said once: what repeats itself in a log hides the rest. */
export interface News {
  /** `why` is undefined where all is well, after which the same reason is new again; `about` tells several conditions apart. */
  isNew(why: string | undefined, about?: string): boolean
}

export function createNews(): News {
  const said = new Map<string, string>()
  return {
    isNew: (why, about = '') => {
      if (said.get(about) === why) return false
      if (why === undefined) said.delete(about)
      else said.set(about, why)
      return true
    },
  }
}
