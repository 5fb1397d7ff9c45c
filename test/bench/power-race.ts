import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { power } from '../../src/config/power.ts'
import { describeDuration } from '../../src/core/duration.ts'
import { waitFor } from '../lab/daemon.ts'
import { type RealUpsd, startUpsd } from '../lab/upsd/upsd.ts'
import { fraction, goal, median, ms, percentile, say, sleep, worst } from './measure.ts'
import { type Answer, firstSight, type Ours, raceBattery, racePower, startOurs } from './power-race-ours.ts'
import { isUpsmonInstalled, startUpsmon, type Upsmon, upsmonDefaults, upsmonFastest } from './power-race-upsmon.ts'

/** Rounds in which upsmon runs too, and so many of each setting; and rounds of ours alone. */
const races = 2
const upsmonsEach = 4
const alone = 18
const allowed = 1_500
/** Ours by how often they ask: as by default, with upsmon's own DEADTIME as `deadTime`, and as often as makes sense. */
const { pollIntervalOnBattery } = power.parse({})
const [standard, often] = [`ours, ${describeDuration(pollIntervalOnBattery)}`, 'ours, 100 ms']
/** How many times upsmon takes as long at its defaults. */
const timesFaster = 3

/** All that takes part, at one upsd. */
interface Field {
  readonly upsd: RealUpsd
  readonly ours: readonly Ours[]
}

interface Contest {
  readonly name: string
  /** Rounds in which upsmon runs too, and rounds of ours alone. */
  readonly races: number
  readonly alone: number
  /** One node of each homelab has stopped answering just before. */
  readonly silentNode?: true
  /** Only those that are asked for this: `deadTime` is a time that was chosen, and not one that is taken. */
  readonly hasGoal: boolean
  /** How many times upsmon takes as long at its fastest. */
  readonly timesFastest?: number
  /** Lets it happen to a UPS on battery; answers when, ms since the epoch. */
  happen(upsd: RealUpsd): Promise<number>
  /** Mains is back. */
  undo(upsd: RealUpsd): Promise<void>
}

const contests: readonly Contest[] = [
  {
    name: 'OB LB',
    races,
    alone,
    hasGoal: true,
    timesFastest: 4,
    happen: (upsd) => firstSight(upsd, 'LB', () => upsd.status('OB DISCHRG LB')),
    undo: (upsd) => upsd.status('OL CHRG'),
  },
  {
    name: 'OB LB, a node is silent',
    races: 0,
    alone: 7,
    silentNode: true,
    hasGoal: true,
    happen: (upsd) => firstSight(upsd, 'LB', () => upsd.status('OB DISCHRG LB')),
    undo: (upsd) => upsd.status('OL CHRG'),
  },
  {
    name: 'FSD',
    races,
    alone,
    hasGoal: true,
    timesFastest: 1.5,
    happen: (upsd) => firstSight(upsd, 'FSD', () => upsd.forceShutdown()),
    undo: (upsd) => upsd.start(),
  },
  {
    name: 'upsd lost on battery',
    races,
    alone: 0,
    hasGoal: false,
    async happen(upsd) {
      const at = Date.now()
      await upsd.stop()
      return at
    },
    undo: (upsd) => upsd.start(),
  },
]

/** Ours beside networkupstools/nut's upsmon as a secondary, at one and the same upsd. */
export async function measurePowerRace(stack: AsyncDisposableStack): Promise<void> {
  if (!isUpsmonInstalled()) throw new Error('upsmon is missing: install nut-client')
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-bench-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  await using own = new AsyncDisposableStack()
  const field = await gather(own, directory)
  for (const contest of contests) await compete(field, contest)
}

/** Three daemons that ask as often as by default, and one that asks as often as makes sense. */
async function gather(stack: AsyncDisposableStack, directory: string): Promise<Field> {
  const upsd = stack.use(await startUpsd({ address: '127.0.84.93', variables: raceBattery }))
  const ours: Ours[] = []
  for (const net of [84, 85, 86])
    ours.push(
      await startOurs(stack, {
        name: standard,
        net,
        upsd,
        directory,
        power: racePower(`${pollIntervalOnBattery}ms`, '15s'),
      }),
    )
  ours.push(await startOurs(stack, { name: often, net: 87, upsd, directory, power: racePower('100ms', '3s') }))
  return { upsd, ours }
}

async function compete(field: Field, contest: Contest): Promise<void> {
  const { upsd, ours } = field
  const answers = new Map<string, Answer[]>()
  const stamps = new Map<string, number[]>()
  const add = <T>(map: Map<string, T[]>, key: string, value: T) => map.set(key, [...(map.get(key) ?? []), value])
  for (let round = 0; round < contest.races + contest.alone; round++) {
    await using stack = new AsyncDisposableStack()
    const isRace = round < contest.races
    const each = isRace
      ? [upsmonDefaults, upsmonFastest].flatMap((one) => Array<typeof one>(upsmonsEach).fill(one))
      : []
    // One after the other, so that they ask at different times.
    const upsmons: Upsmon[] = []
    for (const settings of each) {
      upsmons.push(stack.use(await startUpsmon(upsd, settings)))
      await sleep(1_000 * fraction(upsmons.length))
    }
    await waitFor('upsmon to be logged in', 15_000, async () => (await upsd.logins()) === upsmons.length, 200)
    await upsd.status('OB DISCHRG')
    for (const one of ours)
      await waitFor(`${one.name} to be on battery`, 15_000, async () => (await one.mode()) === 'on-battery', 20)
    await waitFor('upsmon to be on battery', 15_000, () => upsmons.every(({ output }) => /on battery/.test(output)))
    // At another moment between two questions each time.
    await sleep((isRace ? 5_000 : 1_000) * fraction(round + 1))

    for (const { lab } of ours) lab.node('w-2').faults.silent = contest.silentNode === true
    const at = await contest.happen(upsd)
    const answered = ours.map(async (one) => add(answers, one.name, await one.firstOrder(at, 40_000)))
    const stamped = upsmons.map(async (upsmon) => {
      await waitFor(
        `${upsmon.settings.name} to shut down`,
        60_000,
        async () => (await upsmon.shutDownAt()) !== undefined,
      )
      add(stamps, upsmon.settings.name, (await upsmon.shutDownAt())! - at)
    })
    await Promise.all([...answered, ...stamped])
    await Promise.all(ours.map((one) => one.down(at)))
    for (const { lab } of ours) lab.node('w-2').faults.silent = false
    await contest.undo(upsd)
    await Promise.all(ours.map((one) => one.recovered()))
  }
  tell(contest, answers, stamps)
}

function tell(
  { name, hasGoal, timesFastest }: Contest,
  answers: ReadonlyMap<string, readonly Answer[]>,
  stamps: ReadonlyMap<string, readonly number[]>,
): void {
  console.log(`${name}, to the first order to shut down`)
  for (const [who, all] of answers) {
    const totals = all.map(({ total }) => total)
    const p99 = percentile(totals, 0.99)
    const reached = hasGoal ? ` ${goal(`p99 ${allowed} ms`, p99 <= allowed)}` : ''
    say(
      `  ${who}`,
      `median ${ms(median(totals))}, p99 ${ms(p99)}, longest ${ms(worst(totals))} of ${all.length}${reached}`,
    )
    const part = (key: keyof Answer) =>
      `${ms(median(all.map((one) => one[key])))} (longest ${ms(worst(all.map((one) => one[key])))})`
    say('    of which', `seen ${part('seen')}, looked and planned ${part('planned')}, ordered ${part('ordered')}`)
  }
  for (const [who, all] of stamps) {
    // How long a silence is borne is chosen: those that bear it for as long are compared.
    const peer = !hasGoal && who === upsmonFastest.name ? often : standard
    const ratio = median(all) / median((answers.get(peer) ?? []).map(({ total }) => total))
    const wanted = who === upsmonFastest.name ? timesFastest : hasGoal ? timesFaster : undefined
    const reached = wanted === undefined ? '' : ` ${goal(`${wanted} x`, ratio >= wanted)}`
    say(
      `  ${who}`,
      `median ${ms(median(all))}, longest ${ms(worst(all))} of ${all.length}: ${ratio.toFixed(1)} x ${peer}${reached}`,
    )
  }
}
