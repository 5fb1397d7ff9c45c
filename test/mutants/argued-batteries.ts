import type { Argued } from './argued-plans.ts'

/** Mutants of figures, batteries and feeds, and of nodes that may survive, each with its reason. */
export const arguedBatteries: readonly Argued[] = [
  {
    path: 'src/core/power/readiness.ts',
    code: "if (has(reading, 'DISCHRG') && charge !== undefined && charge < full)",
    change: 'charge !== undefined → true',
    because: 'what is undefined is neither less nor more than a number',
  },
  {
    path: 'src/core/power/battery.ts',
    code: 'const falls = fallRate(samples, since, (sample) => sample.runtime) ?? 1',
    change: '1 → 0',
    because: 'a ms, or a runtime that falls by less than a second each second',
  },
  {
    path: 'src/core/power/battery.ts',
    code: 'return estimates.length === 0 ? undefined : Math.max(0, Math.min(...estimates) - passed)',
    change: '0 → 1',
    because: 'a ms, or a runtime that falls by less than a second each second',
  },
  {
    path: 'src/core/power/battery.ts',
    code: 'if (!first || !last || hasOneStep || points.length < enough || last.at - first.at < lasts) return undefined',
    change: ['!first || !last || hasOneStep → hasOneStep', '!first → false', '!last → false'],
    because: 'without points there are not enough of them',
  },
  {
    path: 'src/core/power/battery.ts',
    code: 'if (whole <= 0) return 0',
    change: ['whole <= 0 → false', 'whole <= 0 → whole < 0'],
    because: 'what rises comes to 0 below, too',
  },
  {
    path: 'src/core/power/battery.ts',
    code: 'return Math.max(0, now < whole / 3 ? now : whole)',
    change: 'now < whole / 3 → now <= whole / 3',
    because: 'exactly a third is neither here nor there',
  },
  {
    path: 'src/core/power/battery.ts',
    code: 'const mean = sum(points.map(({ value }) => value)) / points.length',
    change:
      'sum(points.map(({ value }) => value)) / points.length → sum(points.map(({ value }) => value)) * points.length',
    because: 'the slope is the same about any mean of the values',
  },
  {
    path: 'src/core/power/battery.ts',
    code: 'return values.reduce((total, value) => total + value, 0)',
    change: '0 → 1',
    because: '1 in sums of millions of ms',
  },
  {
    path: 'src/core/power/feeds.ts',
    code: "return state !== undefined && 'reading' in state && state.reading !== undefined && has(state.reading, 'OFF')",
    change: ["'reading' in state → true", 'state.reading !== undefined → true'],
    because: 'a state without the property has no reading; the question is for the compiler',
  },
  {
    path: 'src/core/power/feeds.ts',
    code: "if (supplyOf(feed, power) !== 'failing' || power.ordered !== undefined) return false",
    change: 'power.ordered !== undefined → false',
    because: 'what is ordered is failing below, too',
  },
  {
    path: 'src/core/power/feeds.ts',
    code: "return supplyOf(feed, { ...power, upses }) !== 'failing'",
    change: '...power, → nothing',
    because: 'nothing is ordered there',
  },
  {
    path: 'src/core/power/feeds.ts',
    code: "return state.mode === 'critical' && state.mainsSince !== undefined && !(state.reading && has(state.reading, 'FSD'))",
    change: "state.mode === 'critical' → true",
    because: 'a UPS that is on battery carries its machines, known or not',
  },
  {
    path: 'src/core/power/feeds.ts',
    code: "return state.mode === 'critical' && state.mainsSince !== undefined && !(state.reading && has(state.reading, 'FSD'))",
    change: "state.reading && has(state.reading, 'FSD') → has(state.reading, 'FSD')",
    because: 'that mains power is back is known from a reading alone',
  },
  {
    path: 'src/core/power/feeds.ts',
    code: 'const states = Object.keys(feed?.powerValue ?? {}).flatMap((ups) => power.upses.get(ups) ?? [])',
    change: ['feed?.powerValue ?? {} → feed?.powerValue', 'feed?.powerValue → feed.powerValue'],
    because: 'what fails without an order has a feed with a UPS that is critical',
  },
  {
    path: 'src/core/power/feeds.ts',
    code: "return states.find((state) => state.mode === 'critical')?.reason",
    change:
      "states.find((state) => state.mode === 'critical')?.reason → states.find((state) => state.mode === 'critical').reason",
    because: 'what fails without an order has a feed with a UPS that is critical',
  },
  {
    path: 'src/core/power/feeds.ts',
    code: 'const ms = carriedWith(there, feed.minSupplies, (one) => one.ms)?.ms ?? Infinity',
    change: [
      'carriedWith(there, feed.minSupplies, (one) => one.ms)?.ms ?? Infinity → carriedWith(there, feed.minSupplies, (one) => one.ms)?.ms',
      'carriedWith(there, feed.minSupplies, (one) => one.ms)?.ms → carriedWith(there, feed.minSupplies, (one) => one.ms).ms',
    ],
    because: 'with mains power there are UPSes enough that have it',
  },
  {
    path: 'src/core/power/feeds.ts',
    code: 'return { ms, hold: isReady ? undefined : there.find(({ hold }) => hold !== undefined)?.hold }',
    change: 'there.find(({ hold }) => hold !== undefined)?.hold → there.find(({ hold }) => hold !== undefined).hold',
    because: 'where not enough are ready there is one that is not',
  },
  {
    path: 'src/core/power/feeds.ts',
    code: 'reading && batteryLeft(reading, use?.samples ?? [], { since: use?.battery.since ?? state.since, heard, at })',
    change: 'use?.battery.since ?? state.since → use?.battery.since',
    because: 'without a use there are no samples to count from',
  },
  {
    path: 'src/core/power/figures.ts',
    code: 'const allOnes = new Set([65_535, 65_534, 32_767].flatMap((value) => [value * 1_000, value * 60_000]))',
    change: [', value * 60_000 → nothing', 'value * 60_000 → value / 60_000', '60_000 → 120000'],
    because: 'in minutes all ones are more than five days anyway',
  },
  {
    path: 'src/core/power/figures.ts',
    code: 'if (runtime !== undefined && runtime >= tooLongForNothing && runtime <= longestRuntime && !allOnes.has(runtime))',
    change: 'runtime !== undefined → true',
    because: 'what is undefined is neither less nor more than a number',
  },
  {
    path: 'src/core/power/figures.ts',
    code: 'before.reading?.doubts?.runtime?.why === standing ? runtime === doubted : runtime <= doubted,',
    change: [
      'before.reading?.doubts?.runtime?.why → before.reading?.doubts?.runtime.why',
      'before.reading?.doubts?.runtime → before.reading?.doubts.runtime',
      'before.reading?.doubts → before.reading.doubts',
    ],
    because: 'asked only where there is a doubt',
  },
  {
    path: 'src/core/power/figures.ts',
    code: "const isUsed = ['OB', 'CHRG', 'DISCHRG', 'LB'].some((token) => has(reading, token))",
    change: [", 'LB' → nothing", "'LB' → ''"],
    because: 'LB is asked for before, wherever that matters',
  },
  {
    path: 'src/core/power/figures.ts',
    code: 'const least = leastRuntime * Math.min(5, usualLoad / Math.max(load, 10)) * (believed / 100)',
    change: ['5 → 10', '10 → 0'],
    because: 'a load of 10 % and five times the runtime are the same limit',
  },
  {
    path: 'src/core/power/figures.ts',
    code: "const seen = charge === undefined ? 'the battery rests' : `the charge is ${charge} %`",
    change: 'charge === undefined → false',
    because: 'wording',
  },
  {
    path: 'src/core/power/figures.ts',
    code: 'function whyStill(runtime: number, { earlier, onBatteryFor = 0 }: Before): string | undefined {',
    change: '0 → 1',
    because: 'a ms',
  },
  {
    path: 'src/core/upgrade/gates.ts',
    code: 'if (!canary || !node || canaryDoneAt === undefined) return undefined',
    change: '!canary → false',
    because: 'without a canary there is no node of that name',
  },
  {
    path: 'src/core/cluster/next-boot.ts',
    code: "if (staged) return { kind: 'another', certain: true, entry: undefined }",
    change: ', entry: undefined → nothing',
    because: 'a property that is undefined is as good as one that is missing',
  },
  {
    path: 'src/core/cluster/next-boot.ts',
    code: "if (installer !== undefined) return { kind: 'another', certain: installer === 'succeeded', entry: undefined }",
    change: ', entry: undefined → nothing',
    because: 'a property that is undefined is as good as one that is missing',
  },
  {
    path: 'src/core/cluster/next-boot.ts',
    code: "return fallbackPending && ready ? { kind: 'another', certain: true, entry: undefined } : { kind: 'unknown' }",
    change: ', entry: undefined → nothing',
    because: 'a property that is undefined is as good as one that is missing',
  },
  {
    path: 'src/operations/restore-outage.ts',
    code: 'if (isLost) remembered.lost.remember(ports.journal, undefined)',
    change: 'isLost → true',
    because: 'what is not remembered can be forgotten',
  },
  {
    path: 'src/operations/restore-outage.ts',
    code: 'return { machine, isUp, kubernetes: node?.kubernetes.ok ? node.kubernetes.value : undefined }',
    change: 'node?.kubernetes.ok → true',
    because: 'what was not observed has no value',
  },
]
