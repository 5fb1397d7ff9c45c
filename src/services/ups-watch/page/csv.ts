import type { ReadingSample } from '../../../core/power/readings.ts'

/** Readings as a table (RFC 4180): a line each, empty where something was not told. */
export function readingsCsv(samples: readonly ReadingSample[]): string {
  const lines = samples.map(({ at, chargePercent, runtimeMs, loadPercent, inputVolts, onBattery }) =>
    [
      at,
      chargePercent ?? '',
      runtimeMs === undefined ? '' : Math.round(runtimeMs / 1_000),
      loadPercent ?? '',
      inputVolts ?? '',
      onBattery ? 1 : 0,
    ].join(','),
  )
  return ['time,charge_percent,runtime_seconds,load_percent,input_volts,on_battery', ...lines, ''].join('\n')
}
