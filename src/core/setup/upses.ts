import { counted, listed } from '../count.ts'
import { nearestName } from './names.ts'
import type { SeenUps, UpsFigure } from './seen.ts'

/** A UPS and the label by which the configuration calls it. */
export interface LabelledUps {
  readonly ups: SeenUps
  readonly label: string
  /** Whether the label has to be written, because the UPS's own name would give another one. */
  readonly isNamed: boolean
}

/** Labels that differ: a UPS's own name, with its server's behind it where two have the same. */
export function labelUpses(upses: readonly SeenUps[]): readonly LabelledUps[] {
  const ownLabels = upses.map(({ name }) => name.toLowerCase().replaceAll('_', '-'))
  const taken = new Set<string>()
  return upses.map((ups, index) => {
    const own = ownLabels[index]!
    const isAlone = ownLabels.filter((one) => one === own).length === 1
    const usable = nearestName(own) ?? 'ups'
    let label = isAlone ? usable : (nearestName(`${usable}-${ups.host}`) ?? usable)
    for (let count = 2; taken.has(label); count++) label = `${usable}-${count}`
    taken.add(label)
    return { ups, label, isNamed: label !== own }
  })
}

const lacking: Readonly<Record<UpsFigure, string>> = {
  charge: 'its charge',
  runtime: 'how long its battery lasts',
  load: 'its load',
}

/** What a UPS does not tell; undefined where it tells everything that decisions use. */
export function describeSilence({ tells }: Pick<SeenUps, 'tells'>): string | undefined {
  const missing = (['charge', 'runtime', 'load'] as const).filter((figure) => !tells.includes(figure))
  return missing.length === 0 ? undefined : `it does not tell ${listed(missing.map((figure) => lacking[figure]))}`
}

/** `Back-UPS ES 700G, OL CHRG, tells charge, runtime and load`. */
export function describeUps({ model, description, status, tells }: SeenUps): string {
  const told = tells.length === 0 ? 'tells neither charge nor runtime' : `tells ${listed(tells)}`
  return [model ?? description, status, told].filter((part) => part !== undefined).join(', ')
}

/** Whether time on battery is all there is to go by. */
export function isBlind(upses: readonly SeenUps[]): boolean {
  return upses.some(({ tells }) => !tells.includes('charge') && !tells.includes('runtime'))
}

/** A sentence for each UPS that is not as one would like it. */
export function remarksOnUpses(upses: readonly LabelledUps[]): readonly string[] {
  return upses.flatMap(({ ups, label }) => {
    const silence = describeSilence(ups)
    return [
      ...(ups.status === undefined ? [`${label}: upsd gets no status of it at the moment`] : []),
      ...(silence === undefined ? [] : [`${label}: ${silence}: other triggers start the shutdown`]),
      ...(ups.loginRefused === undefined ? [] : [`${label}: upsd refuses the login: ${ups.loginRefused}`]),
      ...(ups.isUserTried ? [] : [`${label}: without a user its primary does not wait for the cluster to be down`]),
    ]
  })
}

/** `2 UPSes: rack (…) and shelf (…)`. */
export function summarizeUpses(upses: readonly LabelledUps[]): string {
  const each = upses.map(({ ups, label }) => `${label} (${describeUps(ups)})`)
  return `${counted(upses.length, 'UPS', 'UPSes')}: ${listed(each)}`
}
