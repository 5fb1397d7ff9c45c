import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { power } from '../../src/config/power.ts'
import type { Alert } from '../../src/core/alert.ts'
import { createRandom } from '../core/random.ts'
import { waitFor } from '../lab/daemon.ts'
import { type RealUpsd, startUpsd } from '../lab/upsd/upsd.ts'
import { cpuSeconds, fraction, goal, median, ms, percentile, say, sleep, worst } from './measure.ts'
import { type Answer, firstSight, type Ours, raceBattery, racePower, startOurs } from './power-race-ours.ts'
import { startToldChannels, type ToldChannels } from './told-channels.ts'

const rounds = 20
/** From upsd's first OB to the request at a channel, in ms. */
const allowed = 2_000
/** OB is believed later than a person must have heard of it. */
const onBatteryAfter = '3s'
/** Two of the same, and one that tells people. */
const [one, another, telling] = ['without channels', 'without channels, again', 'with four channels']
/** Pairs of draws that say how far apart medians of the same thing are, and which of them are believed. */
const [draws, believed] = [4_000, 0.95]

interface Field {
  readonly upsd: RealUpsd
  readonly ours: readonly Ours[]
  readonly channels: ToldChannels
}

interface Contest {
  readonly name: string
  /** Lets it happen to a UPS on battery; answers when, ms since the epoch. */
  happen(upsd: RealUpsd): Promise<number>
  /** Mains is back. */
  undo(upsd: RealUpsd): Promise<void>
}

const contests: readonly Contest[] = [
  {
    name: 'OB LB',
    happen: (upsd) => firstSight(upsd, 'LB', () => upsd.status('OB DISCHRG LB')),
    undo: (upsd) => upsd.status('OL CHRG'),
  },
  {
    name: 'FSD',
    happen: (upsd) => firstSight(upsd, 'FSD', () => upsd.forceShutdown()),
    undo: (upsd) => upsd.start(),
  },
]

/** What it costs a shutdown that people are told of it: ours with channels that hang, refuse and work, beside ours without. */
export async function measureTold(stack: AsyncDisposableStack): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-bench-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  await using own = new AsyncDisposableStack()
  const field = await gather(own, directory)
  const heard: number[] = []
  for (const contest of contests) heard.push(...(await compete(field, contest)))
  say(
    'OB at upsd to a working channel',
    `median ${ms(median(heard))}, longest ${ms(worst(heard))} of ${heard.length} ${goal(`${allowed} ms`, worst(heard) <= allowed)}`,
  )
}

async function gather(stack: AsyncDisposableStack, directory: string): Promise<Field> {
  const upsd = stack.use(await startUpsd({ address: '127.0.205.93', variables: raceBattery }))
  const channels = await startToldChannels(stack, { address: '127.0.205.94', directory })
  const { notifications } = channels
  const settings = { ...racePower(`${power.parse({}).pollIntervalOnBattery}ms`, '15s'), onBatteryAfter }
  const shapes = [
    { name: one, net: 205 },
    // In the middle, as far from the first as from the last.
    { name: telling, net: 206, notifications },
    { name: another, net: 207 },
  ]
  const ours: Ours[] = []
  // Few nodes: all three homelabs answer at the same time, and by this process.
  const size = { controlPlanes: 1, workers: 1 }
  for (const shape of shapes) ours.push(await startOurs(stack, { ...shape, ...size, upsd, directory, power: settings }))
  return { upsd, ours, channels }
}

/** Returns how long each OB took to a person, in ms. */
async function compete(field: Field, contest: Contest): Promise<readonly number[]> {
  const answers = new Map<string, Answer[]>(field.ours.map(({ name }) => [name, []]))
  const heard: number[] = []
  const before = await cpuOf(field)
  for (let round = 0; round < rounds; round++) heard.push(await playRound(field, contest, { round, answers }))
  const after = await cpuOf(field)
  console.log(`${contest.name}, to the first order to shut down, ${rounds} rounds of each`)
  tell(answers)
  const used = field.ours.map(({ name }, index) => `${name} ${(after[index]! - before[index]!).toFixed(1)} s`)
  say('  CPU of all rounds', used.join(', '))
  return heard
}

interface Round {
  readonly round: number
  readonly answers: ReadonlyMap<string, Answer[]>
}

/** One outage from OB until all is as it was. Returns how long it took until a person heard of OB, in ms. */
async function playRound(field: Field, { happen, undo }: Contest, { round, answers }: Round): Promise<number> {
  const { upsd, ours, channels } = field
  const known = channels.phone.messages.length
  const cutAt = await firstSight(upsd, 'OB', () => upsd.status('OB DISCHRG'))
  const isHeard = () => channels.phone.messages.slice(known).some(({ message }) => /mains power failed/.test(message))
  await waitFor('the phone to be told of OB', 15_000, isHeard, 5)
  const heard = Date.now() - cutAt
  for (const each of ours)
    await waitFor(`${each.name} to be on battery`, 15_000, async () => (await each.mode()) === 'on-battery', 20)
  // At another moment between two questions each time.
  await sleep(1_000 * fraction(round + 1))
  const at = await happen(upsd)
  await Promise.all(ours.map(async (each) => answers.get(each.name)!.push(await each.firstOrder(at, 40_000))))
  await Promise.all(ours.map((each) => each.down(at)))
  await undo(upsd)
  await Promise.all(ours.map((each) => each.recovered()))
  await Promise.all(ours.map(settled))
  return heard
}

/** What is told of a power cut is over too, so that the next one is another. */
const settled = ({ name, daemon: { control } }: Ours) =>
  waitFor(`${name} to have told all`, 30_000, async () => {
    const alerts = await control.get<Alert[]>('/alerts')
    return alerts.every(({ id }) => id !== 'power.failed')
  })

const cpuOf = ({ ours }: Field) => Promise.all(ours.map(({ daemon }) => cpuSeconds(daemon.pid)))

function tell(answers: ReadonlyMap<string, readonly Answer[]>): void {
  for (const [who, all] of answers) {
    const totals = all.map(({ total }) => total)
    const part = (key: keyof Answer) =>
      `${ms(median(all.map((each) => each[key])))} (longest ${ms(worst(all.map((each) => each[key])))})`
    say(`  ${who}`, `median ${ms(median(totals))}, longest ${ms(worst(totals))}`)
    say('    of which', `seen ${part('seen')}, looked and planned ${part('planned')}, ordered ${part('ordered')}`)
  }
  compare('all of it', answers, ({ total }) => total)
  // How long the UPS was not asked is chance, and the same for all.
  compare('from there on', answers, ({ planned, ordered }) => planned + ordered)
}

function compare(
  what: string,
  answers: ReadonlyMap<string, readonly Answer[]>,
  part: (answer: Answer) => number,
): void {
  const [first, second, told] = [one, another, telling].map((who) => answers.get(who)!.map(part))
  const without = [...first!, ...second!]
  const ratio = median(told!) / median(without)
  const noise = noiseOf(without, [told!.length, without.length])
  say(
    `  ${what}`,
    `${ratio.toFixed(2)} x those without, which are ${(median(second!) / median(first!)).toFixed(2)} x each other ${goal(`noise, ${noise.toFixed(2)} x`, ratio <= noise)}`,
  )
}

/** How many times the median of so many values is that of others of the same origin, and by chance: seldom more. */
function noiseOf(values: readonly number[], sizes: readonly [number, number]): number {
  const { pick } = createRandom(1)
  const drawn = (size: number) => median(Array.from({ length: size }, () => pick(values)))
  return percentile(
    Array.from({ length: draws }, () => drawn(sizes[0]) / drawn(sizes[1])),
    believed,
  )
}
