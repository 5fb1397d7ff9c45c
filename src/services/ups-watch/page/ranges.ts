import { describeDuration } from '../../../core/duration.ts'
import type { ReadingSample } from '../../../core/power/readings.ts'

type Figure = 'chargePercent' | 'loadPercent' | 'runtimeMs' | 'inputVolts'

const figures: readonly (readonly [name: string, figure: Figure, unit: string])[] = [
  ['charge', 'chargePercent', '%'],
  ['load', 'loadPercent', '%'],
  ['runtime', 'runtimeMs', ''],
  ['input voltage', 'inputVolts', 'V'],
]

/** What is drawn in one panel of the chart. */
const panels: readonly (readonly Figure[])[] = [['chargePercent', 'loadPercent'], ['runtimeMs'], ['inputVolts']]

/** How many panels the chart has: those of which anything was told. */
export function panelsOf(samples: readonly ReadingSample[]): number {
  return panels.filter((own) => samples.some((sample) => own.some((figure) => sample[figure] !== undefined))).length
}

/** Between what each figure was: `charge 83 to 100 %, runtime 24 min to 58 min`; empty where nothing was told. */
export function rangesOf(samples: readonly ReadingSample[]): string {
  return figures
    .flatMap(([name, figure, unit]) => {
      const values = samples.flatMap((sample) => sample[figure] ?? [])
      if (values.length === 0) return []
      const [least, most] = [Math.min(...values), Math.max(...values)].map((value) =>
        figure === 'runtimeMs' ? describeDuration(value) : String(Math.round(value)),
      )
      const range = least === most ? least : `${least} to ${most}`
      return [`${name} ${range} ${unit}`.trimEnd()]
    })
    .join(', ')
}
