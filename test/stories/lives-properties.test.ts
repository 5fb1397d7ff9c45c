import process from 'node:process'
import { describe, expect, test } from 'vitest'
import { createRandom, type Random } from '../core/random.ts'
import { Life, type Switches } from '../fakes/life.ts'
import { askSomething } from '../fakes/life-requests.ts'
import { expectUntouched } from '../fakes/outage-stories.ts'
import { personAt } from '../fakes/person.ts'
import type { UpsWorld } from '../fakes/ups-world.ts'

/**
 * Random lives of a homelab, second by second: UPSes that mislead, mains power that flaps, forced shutdowns, silence, an
 * agent that is killed, people who ask at bad moments, and a rollout beside all that; in some of them two UPSes, some that
 * are OFF, journals that are damaged, and clocks that are wrong. `SEED=n` replays one, `SEEDS=n` tries as many, and `FROM=n` begins
 * with that one.
 */

const seeds = process.env['SEED']
  ? [Number(process.env['SEED'])]
  : Array.from({ length: Number(process.env['SEEDS'] ?? 60) }, (_, seed) => seed + Number(process.env['FROM'] ?? 0))

const randomSwitches = (random: Random): Switches => ({
  feeds: random.chance(0.5),
  off: random.chance(0.4),
  damage: random.chance(0.35),
  clocks: random.chance(0.35),
  rolls: random.chance(0.6),
})

/** What happens to mains power for a while: `on` and `off` seconds over and over. */
interface Weather {
  readonly on: number
  readonly off: number
  readonly lasts: number
  /** The circuit that fails: that of one UPS, or of all. */
  readonly circuit: string | undefined
}

function randomWeather(random: Random, labels: readonly string[]): Weather {
  const circuit = labels.length > 1 && random.chance(0.4) ? random.pick(labels) : undefined
  const times = random.pick([
    { on: 1, off: 0, lasts: 20 + random.below(200) },
    { on: 0, off: 1, lasts: 1 + random.below(9) },
    { on: 0, off: 1, lasts: 20 + random.below(400) },
    { on: 1 + random.below(8), off: 1 + random.below(8), lasts: 20 + random.below(200) },
    { on: 1 + random.below(40), off: 1 + random.below(4), lasts: 60 + random.below(100) },
  ])
  return { ...times, circuit }
}

async function live(life: Life, random: Random): Promise<void> {
  const { power } = life
  for (let second = 0; second < 5; second++) await life.passes()
  await life.agent.run('watch-releases')
  await life.agent.run('stage-image')
  for (let turn = 0; turn < 5; turn++) {
    const weather = randomWeather(random, power.labels)
    life.note(`weather ${JSON.stringify(weather)}`)
    for (let second = 0; second < weather.lasts; second++) {
      const isOn = second % (weather.on + weather.off) < weather.on
      for (const [label, ups] of power.worlds)
        ups.set(isOn || (weather.circuit !== undefined && weather.circuit !== label))
      await life.passes()
      for (const ups of power.worlds.values()) mislead(ups, life.switches, random)
      await disturb(life, random)
      if (!power.some(({ feeds }) => feeds)) break
    }
  }
}

function mislead(ups: UpsWorld, { feeds, off }: Switches, random: Random): void {
  // What is silent on mains power for long could miss the end: nobody could know.
  if (random.chance(0.01) && (!ups.mains || random.chance(0.5))) ups.isSilent = true
  else if (ups.isSilent && (random.chance(0.1) || ups.mains)) ups.isSilent = false
  if (!ups.mains && ups.lasts > 4 && random.chance(0.01)) ups.forced = true
  if (ups.forced && ups.mains && random.chance(0.02)) ups.forced = false
  if (off && !ups.off && random.chance(0.004)) ups.off = feeds && random.chance(0.6) ? 'outlets' : 'self-test'
  else if (ups.off && (random.chance(0.02) || (ups.off === 'self-test' && ups.offFor > 15))) ups.off = undefined
}

async function disturb(life: Life, random: Random): Promise<void> {
  const { clock, switches } = life
  if (random.chance(switches.damage ? 0.006 : 0.003)) life.kill()
  if (random.chance(0.004)) await askSomething(life, random)
  if (random.chance(0.05)) life.upgrade()
  if (random.chance(0.01)) void life.agent.run('watch-releases').catch(() => {})
  if (random.chance(0.03)) void life.agent.run('stage-image').catch(() => {})
  // Whoever looks once more does no harm.
  if (random.chance(0.04)) void life.agent.run(random.pick(['wake-cluster', 'shut-down-cluster'])).catch(() => {})
  if (switches.clocks && random.chance(0.01)) {
    clock.jump(random)
    life.note(`the clock is off by ${clock.off / 3_600_000} h`)
  }
  if (random.chance(0.05)) clock.hear()
  life.bootCrashed(false)
}

/** Mains power is back for good, upsd was restarted, clocks are right, and people take back what they asked for. */
async function comeBack(life: Life): Promise<void> {
  const { power, homelab, clock } = life
  life.note('all is well again')
  clock.set(0)
  for (const ups of power.worlds.values()) {
    ups.set(true)
    Object.assign(ups, { isSilent: false, forced: false, off: undefined })
  }
  for (const machine of homelab.machines.values())
    if (machine.up && machine.stage === 'shutting down') Object.assign(machine, { up: false, stage: 'running' })
  const person = personAt(homelab, life.agent)
  await person.wake().catch(() => {})
  await person.cancel()
  life.bootCrashed(true)
  life.circumstances.isOrdered = false
  life.isPersons = true
  await person.start()
  life.letGo()
  // The agent runs it by itself for as long as it answers `later`: an outage that was over may lead to another one, where the
  // journal was lost.
  let hasMore = true
  for (let second = 0; second < 900; second++) {
    await life.passes()
    if (second % 30 === 0) clock.hear()
    if (second > 30 && second % 20 === 0)
      hasMore = await life.agent.run('wake-cluster').then(
        ({ kind }) => kind === 'later',
        () => true,
      )
    if (second > 60 && second % 30 === 0) await life.wakeWhatIsNamed()
    if (second > 150 && !hasMore && homelab.ports.journal.openOutage() === undefined) break
  }
  await life.wakeWhatIsNamed()
  await life.agent.agent.idle()
}

describe.concurrent('whatever a UPS says, and whoever asks', () => {
  test.each(seeds)('in life %i nothing goes down needlessly, nothing is lost, and all comes back', async (seed) => {
    const random = createRandom(seed)
    await using life = new Life(random, randomSwitches(random))
    try {
      await live(life, random)
      await comeBack(life)
      expect(life.judge.breaches).toEqual([])
      await life.runUpgrade().catch(() => {})
      for (let run = 0; run < 40; run++) {
        const outcome = await life.runUpgrade()
        const said = outcome.kind === 'later' ? outcome.reason : outcome.summary
        if (said === '') throw new Error('an outcome without a reason')
        if (outcome.kind !== 'later') break
      }
      expectUntouched(life.homelab, life.off)
    } catch (error) {
      const quirks = [...life.power.worlds].map(([label, ups]) => `${label} ${JSON.stringify(ups.quirks)}`)
      const said = life.homelab.ports.journal.entries(60).map(({ at, text }) => `${at} ${text}`)
      const about = [
        `SEED=${seed}`,
        JSON.stringify(life.switches),
        ...quirks,
        ...life.log.slice(-150),
        ...said.toReversed(),
      ]
      throw new Error(about.join('\n'), { cause: error })
    }
  })
})
