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
const alone = 28
const allowed = 1_500
/** Ours by how often they ask: as by default, with upsmon's own DEADTIME as `deadTime`, and as often as makes sense. */
const { pollIntervalOnBattery } = power.parse({})
const [standard, often] = [`ours, ${describeDuration(pollIntervalOnBattery)}`, 'ours, 100 ms']
const settings = [
  { name: standard, power: racePower(`${pollIntervalOnBattery}ms`, '15s') },
  { name: often, power: racePower('100ms', '3s') },
] as const
/** How many times upsmon takes as long at its defaults. */
const timesFaster = 3

/** All that takes part, at one upsd. */
interface Field {
  readonly upsd: RealUpsd
  readonly ours: Ours
}

/** What each came to, by its name: ours in its parts, and upsmon in ms. */
interface Results {
  readonly answers: Map<string, Answer[]>
  readonly stamps: Map<string, number[]>
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

/**
 * Ours beside networkupstools/nut's upsmon as a secondary, at one and the same upsd. One homelab at a time: several on two
 * cores would measure each other.
 */
export async function measurePowerRace(stack: AsyncDisposableStack): Promise<void> {
  if (!isUpsmonInstalled()) throw new Error('upsmon is missing: install nut-client')
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-bench-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const results = new Map(
    contests.map((contest): [Contest, Results] => [contest, { answers: new Map(), stamps: new Map() }]),
  )
  for (const setting of settings) {
    await using own = new AsyncDisposableStack()
    const upsd = own.use(await startUpsd({ address: '127.0.84.93', variables: raceBattery }))
    const ours = await startOurs(own, { ...setting, net: 84, upsd, directory })
    for (const [contest, found] of results)
      for (let round = 0; round < contest.races + contest.alone; round++)
        await compete(contest, round, { upsd, ours }, found)
  }
  for (const [contest, found] of results) tell(contest, found)
}

async function compete(
  contest: Contest,
  round: number,
  { upsd, ours }: Field,
  { answers, stamps }: Results,
): Promise<void> {
  const add = <T>(map: Map<string, T[]>, key: string, value: T) => map.set(key, [...(map.get(key) ?? []), value])
  await using stack = new AsyncDisposableStack()
  const isRace = round < contest.races
  const upsmons = isRace ? await enter(stack, upsd) : []
  await upsd.status('OB DISCHRG')
  await waitFor(`${ours.name} to be on battery`, 15_000, async () => (await ours.mode()) === 'on-battery', 20)
  await waitFor('upsmon to be on battery', 15_000, () => upsmons.every(({ output }) => /on battery/.test(output)))
  // At another moment between two questions each time.
  await sleep((isRace ? 5_000 : 1_000) * fraction(round + 1))

  const silent = ours.lab.node('w-2').faults
  silent.silent = contest.silentNode === true
  const at = await contest.happen(upsd)
  const stamped = upsmons.map(async ({ settings: { name }, shutDownAt }) => {
    await waitFor(`${name} to shut down`, 60_000, async () => (await shutDownAt()) !== undefined)
    add(stamps, name, (await shutDownAt())! - at)
  })
  await Promise.all([ours.firstOrder(at, 40_000).then((answer) => add(answers, ours.name, answer)), ...stamped])
  await ours.down(at)
  silent.silent = false
  await contest.undo(upsd)
  await ours.recovered()
}

/** Some upsmons of each setting, logged in. */
async function enter(stack: AsyncDisposableStack, upsd: RealUpsd): Promise<readonly Upsmon[]> {
  const upsmons: Upsmon[] = []
  // One after the other, so that they ask at different times.
  for (const settings of [upsmonDefaults, upsmonFastest].flatMap((one) => Array<typeof one>(upsmonsEach).fill(one))) {
    upsmons.push(stack.use(await startUpsmon(upsd, settings)))
    await sleep(1_000 * fraction(upsmons.length))
  }
  await waitFor('upsmon to be logged in', 15_000, async () => (await upsd.logins()) === upsmons.length, 200)
  return upsmons
}

function tell({ name, hasGoal, timesFastest }: Contest, { answers, stamps }: Results): void {
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
