import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeDuration } from '../../src/core/duration.ts'
import { power } from '../../src/config/power.ts'
import { type RealUpsd, startUpsd } from '../lab/upsd/upsd.ts'
import { say, sleep } from './measure.ts'
import { ordersIn, startOurs } from './power-race-ours.ts'
import { isUpsmonInstalled, startUpsmon, upsmonDefaults, upsmonFastest } from './power-race-upsmon.ts'

/** What a UPS says although nobody is to be shut down for it. */
interface Script {
  readonly name: string
  run(upsd: RealUpsd, stack: AsyncDisposableStack): Promise<void>
}

const scripts: readonly Script[] = [
  {
    name: 'flapping, a minute',
    async run(upsd) {
      for (let second = 0; second < 60; second++) {
        await upsd.status(second % 2 === 0 ? 'OB DISCHRG' : 'OL CHRG')
        await sleep(1_000)
      }
    },
  },
  {
    name: 'self-test',
    async run(upsd) {
      await upsd.status('OL OFF')
      await sleep(8_000)
      await upsd.status('OL CHRG')
      await sleep(2_000)
      await upsd.set('ups.test.result', 'In progress')
      await upsd.status('OB DISCHRG')
      await sleep(8_000)
      await upsd.status('OL CHRG')
      await upsd.set('ups.test.result', 'Done and passed')
    },
  },
  {
    name: 'OB LB 1 s in a self-test',
    async run(upsd) {
      await upsd.set('ups.test.result', 'In progress')
      await upsd.status('OB DISCHRG')
      await sleep(4_000)
      await upsd.status('OB DISCHRG LB')
      await sleep(1_000)
      await upsd.status('OB DISCHRG')
      await sleep(3_000)
      await upsd.status('OL CHRG')
      await upsd.set('ups.test.result', 'Done and passed')
    },
  },
  {
    name: 'WAIT, the driver restarts twice',
    async run(upsd, stack) {
      for (const status of ['OL CHRG', 'OB DISCHRG']) {
        await upsd.status(status)
        await sleep(6_500)
        const driver = await driverOf(upsd)
        process.kill(driver.pid, 'SIGKILL')
        await sleep(3_000)
        // It begins with mains again.
        const again = spawn(driver.command[0]!, driver.command.slice(1), { stdio: 'ignore', env: driver.environment })
        stack.defer(() => void again.kill('SIGKILL'))
        await sleep(5_000)
      }
    },
  },
  {
    name: 'stale for 20 s on mains',
    async run(upsd) {
      const { pid } = await driverOf(upsd)
      process.kill(pid, 'SIGSTOP')
      await sleep(20_000)
      process.kill(pid, 'SIGCONT')
    },
  },
  ...[1, 2, 8].map((seconds) => ({
    name: `OB LB for ${seconds} s`,
    async run(upsd: RealUpsd) {
      await upsd.status('OB DISCHRG LB')
      await sleep(seconds * 1_000)
      await upsd.status('OL CHRG')
    },
  })),
]

/** An upsmon at its defaults takes so long from its last look to its command, in ms. */
const afterwards = 27_000

/** Each script at an upsd of its own, all at the same time: ours with its default policies, and upsmon. */
export async function measureFalseAlarms(outer: AsyncDisposableStack): Promise<void> {
  if (!isUpsmonInstalled()) throw new Error('upsmon is missing: install nut-client')
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-bench-'))
  outer.defer(() => rm(directory, { recursive: true, force: true }))
  await using stack = new AsyncDisposableStack()
  const worlds = []
  for (const [index, script] of scripts.entries()) {
    const net = 88 + index
    const upsd = stack.use(
      await startUpsd({ address: `127.0.${net}.93`, variables: { 'ups.test.result': 'No test initiated' } }),
    )
    const ours = await startOurs(stack, {
      name: script.name,
      net,
      upsd,
      directory,
      power: defaults(),
      controlPlanes: 1,
      workers: 1,
    })
    const upsmons = [upsmonDefaults, upsmonFastest].map(async (each) => stack.use(await startUpsmon(upsd, each)))
    worlds.push({ script, upsd, ours, upsmons: await Promise.all(upsmons) })
  }
  await sleep(6_000)
  const { onBatteryAfter, lowBatteryAfter } = power.parse({})
  console.log(
    `false alarms, ours with its defaults (OB is believed after ${describeDuration(onBatteryAfter)}, LB after ${describeDuration(lowBatteryAfter)})`,
  )
  await Promise.all(
    worlds.map(async ({ script, upsd }) => {
      await script.run(upsd, outer)
      await sleep(afterwards)
    }),
  )
  const counts = { ours: 0, upsmon: 0, fastest: 0 }
  for (const { script, ours, upsmons } of worlds) {
    const [normal, fast] = await Promise.all(upsmons.map((each) => each.shutDownAt()))
    const orders = ordersIn(ours.lab).length
    const begun = (await ours.entries()).filter(({ text }) => text.startsWith('shutting down because'))
    if (orders > 0) counts.ours++
    if (normal !== undefined) counts.upsmon++
    if (fast !== undefined) counts.fastest++
    const why = begun.map(({ text }) => text.replace('shutting down, ', '')).join('; ')
    const own =
      orders > 0 ? `${orders} nodes told (${why})` : begun.length > 0 ? `begun and taken back (${why})` : 'nothing'
    const said = (at: number | undefined) => (at === undefined ? 'nothing' : 'shut down')
    say(`  ${script.name}`, `ours ${own}, upsmon ${said(normal)}, upsmon at its fastest ${said(fast)}`)
  }
  say(
    '  shutdowns',
    `ours ${counts.ours}, upsmon ${counts.upsmon}, upsmon at its fastest ${counts.fastest} of ${scripts.length} scripts`,
  )
}

/** What stands in the schema as default, written as a person would. */
function defaults(): Record<string, unknown> {
  const { onBatteryAfter, lowBatteryAfter, deadTime, pollInterval, pollIntervalOnBattery, ...rest } = power.parse({})
  const { reserve, drainTimeout, shutdownTimeout, unconfirmedLowBatteryAfter } = rest
  const times = {
    onBatteryAfter,
    lowBatteryAfter,
    unconfirmedLowBatteryAfter,
    deadTime,
    pollInterval,
    pollIntervalOnBattery,
    reserve,
    drainTimeout,
    shutdownTimeout,
  }
  return Object.fromEntries(Object.entries(times).map(([key, value]) => [key, `${value}ms`]))
}

interface Driver {
  readonly pid: number
  readonly command: readonly string[]
  readonly environment: NodeJS.ProcessEnv
}

/** The dummy-ups behind this upsd: a child of ours whose upsd.conf says that address. */
async function driverOf({ address, port }: RealUpsd): Promise<Driver> {
  for (const name of await readdir('/proc')) {
    const read = async (file: string) => (await readFile(`/proc/${name}/${file}`, 'utf8').catch(() => '')).split('\0')
    if (!/^\d+$/.test(name)) continue
    const command = (await read('cmdline')).slice(0, -1)
    if (!command[0]?.endsWith('/dummy-ups')) continue
    const environment = Object.fromEntries(
      (await read('environ')).filter((line) => line.includes('=')).map((line) => line.split(/=(.*)/s).slice(0, 2)),
    ) as NodeJS.ProcessEnv
    const text = await readFile(`${environment['NUT_CONFPATH']}/upsd.conf`, 'utf8').catch(() => '')
    if (text.includes(`LISTEN ${address} ${port}\n`)) return { pid: Number(name), command, environment }
  }
  throw new Error(`there is no dummy-ups for ${address}:${port}`)
}
