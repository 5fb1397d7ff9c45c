import { failed, type Finding, ok, warning } from './check.ts'

/** Free space against what is needed soon, in bytes: twice as much is plenty. Undefined where nothing tells it. */
export function judgeSpace(where: string, free: number | undefined, needed: number): Finding {
  if (free === undefined) return ok(`${where} does not tell its free space`)
  const text = `${where} has ${inMebibytes(free)} left`
  if (free >= needed * 2) return ok(text)
  const reason = `${text}; ${inMebibytes(needed)} are needed`
  const next = 'Free some space, or move it to a larger disk'
  return free < needed ? failed(reason, next) : warning(`${reason}, and little more is there`, next)
}

export function inMebibytes(bytes: number): string {
  const mebibytes = bytes / 1_048_576
  return mebibytes < 10_240 ? `${Math.floor(mebibytes)} MiB` : `${(mebibytes / 1_024).toFixed(1)} GiB`
}
