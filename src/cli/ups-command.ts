import { Option } from 'commander'
import { command, duration, positive } from './shell.ts'

/** What upsd reports, asked from here, which works without the daemon; with `--server` the daemon there asks. */
export function addUpsCommand(): void {
  command(
    'ups [name]',
    'all variables of a UPS, or of all; or its readings over time',
    async (options, [name], extra) => {
      const { showUpses, watchUpses } = await import('./ups-shown.ts')
      if (!extra['watch']) return showUpses(options, name)
      return watchUpses(options, name, { everyMs: Number(extra['every']), count: toCount(extra['count']) })
    },
  )
    .option('--watch', 'draw charge, load and runtime until Ctrl-C')
    .addOption(new Option('--every <duration>', 'interval between readings').argParser(duration).default(1_000, '1s'))
    .option('--count <n>', 'stop after this many readings', positive)
}

const toCount = (given: unknown) => (given === undefined ? Number.POSITIVE_INFINITY : Number(given))
