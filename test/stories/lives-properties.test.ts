import process from 'node:process'
import { describe, expect, test } from 'vitest'
import { remembered } from '../../src/operations/facts.ts'
import { createRandom, type Random } from '../core/random.ts'
import { startAgent, type StartedAgent } from '../fakes/agent.ts'
import type { FakeHomelab } from '../fakes/homelab.ts'
import { judgeOf } from '../fakes/judge.ts'
import { expectUntouched, stageOf, wholeHomelab } from '../fakes/outage-stories.ts'
import { personAt } from '../fakes/person.ts'
import { randomQuirks, UpsWorld } from '../fakes/ups-world.ts'
import { waitFor } from '../lab/daemon.ts'

/**
 * Random lives of a homelab, second by second: a UPS that misleads, mains power that flaps, forced shutdowns, silence, an
 * agent that is killed, people who ask at bad moments, and a rollout beside all that. `SEED=n` replays one, `SEEDS=n` tries as
 * many.
 */

const seeds = process.env['SEED']
  ? [Number(process.env['SEED'])]
  : Array.from({ length: Number(process.env['SEEDS'] ?? 60) }, (_, seed) => seed)

const onMainsAfter = 15
const deadTime = 30
const minimumCharge = 25

function start(homelab: FakeHomelab): StartedAgent {
  return startAgent(homelab, {
    hosts: [{ name: 'nas', nas: true, shutdownTimeout: '1s' }],
    node: (name) => (name === 's-1' ? { storage: true } : {}),
    upgrade: { rebootTimeout: '40ms', installTimeout: '60ms', drainTimeout: '25ms', retryAfter: '1ms' },
    power: {
      onBatteryAfter: '5s',
      onMainsAfter: `${onMainsAfter}s`,
      lowBatteryAfter: '3s',
      unconfirmedLowBatteryAfter: '15s',
      deadTime: `${deadTime}s`,
      maxOnBattery: '150s',
      minimumCharge: 30,
      minimumRuntime: '40s',
      reserve: '1s',
      shed: [{ selector: 'tier=batch' }],
      shedAfter: '30s',
      shutdownTimeout: '200ms',
      drainTimeout: '20ms',
      wake: {
        stableAfter: '20s',
        minimumCharge,
        minimumRuntime: '0s',
        unknownChargeAfter: '90s',
        retryInterval: '5ms',
        giveUpAfter: '1s',
      },
    },
  })
}

/** What happens to mains power for a while: `on` and `off` seconds over and over. */
interface Weather {
  readonly on: number
  readonly off: number
  readonly lasts: number
}

function randomWeather(random: Random): Weather {
  return random.pick([
    { on: 1, off: 0, lasts: 20 + random.below(200) },
    { on: 0, off: 1, lasts: 1 + random.below(9) },
    { on: 0, off: 1, lasts: 20 + random.below(400) },
    { on: 1 + random.below(8), off: 1 + random.below(8), lasts: 20 + random.below(200) },
    { on: 1 + random.below(40), off: 1 + random.below(4), lasts: 60 + random.below(100) },
  ])
}

class Life {
  readonly homelab = wholeHomelab()
  readonly world: UpsWorld
  readonly breaches: string[] = []
  readonly log: string[] = []
  agent: StartedAgent
  second = 0
  /** A person has ordered everything down, and has not taken that back. */
  isOrdered = false
  /** A person has cancelled a shutdown, or woken everything, since mains power was last steady. */
  isPersons = false
  /** Machines that ran when the battery ended. */
  readonly crashed = new Set<string>()
  /** Since when the agent lives, in s. */
  born = 0

  private readonly random: Random

  constructor(random: Random) {
    this.random = random
    const quirks = randomQuirks(random)
    // A UPS that tells nothing of its battery must be one that charges fast.
    const isBlind = quirks.charge !== 'true' && quirks.deniesLow
    const battery = { lasts: 300 + random.below(600), charges: isBlind ? 60 : 100 + random.below(600) }
    this.world = new UpsWorld(quirks, battery, random)
    this.homelab.versions.push('v1.14.1')
    const judge = judgeOf(this.homelab)
    this.homelab.before = (entry) => {
      // A power cut drains every node, whoever has cordoned it.
      if (!entry.startsWith('drain ') || stageOf(this.homelab) === undefined) judge.look(entry)
      this.breaches.push(...judge.breaches.splice(0))
      this.look(entry)
      this.log.push(`${this.second}: ${entry}`)
    }
    this.agent = start(this.homelab)
  }

  /** Whether an order is one that should not have been given. */
  private look(entry: string): void {
    const { world } = this
    const says = (text: string) => this.breaches.push(`${this.second}: ${entry}: ${text}`)
    if (/^shut-down(-host)? /.test(entry)) {
      const isUsed = !world.mains || world.lasts <= onMainsAfter + 2
      const isResumed = this.second - this.born < 120
      if (!isUsed && !this.isOrdered && world.forcedAgo > 60 && world.silentAgo > 60 && !isResumed)
        says('mains power is there, and nobody has asked for it')
    }
    // Who has asked for it takes responsibility for the battery, until the outage is over.
    if (entry.startsWith('wake ') && remembered.wakeNow.recall(this.homelab.ports.journal) !== true) {
      if (!world.mains && !world.quirks.deniesBattery) says('there is no mains power')
      if (world.quirks.charge === 'true' && world.charge < minimumCharge - 1)
        says(`the battery is at ${world.charge} %`)
      // A moment of battery while they are being woken may bring LB back.
      if (world.charge < 19 && !world.quirks.deniesLow) says('the battery is low')
    }
    if (/^(reboot|install-and-reboot|roll-back) /.test(entry) && !world.mains && world.lasts > 8 && !world.isSilent)
      if (!world.quirks.deniesBattery) says('it is begun on battery')
  }

  async passes(): Promise<void> {
    this.second += 1
    this.world.tick()
    if (this.world.mains && this.world.lasts > 60) this.isPersons = false
    if (this.world.isSilent) await this.agent.silent(1_000)
    else await this.agent.reads(this.world.reading(), 1_000)
    for (let turn = 3 + this.random.below(12); turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve))
  }

  kill(): void {
    this.log.push(`${this.second}: killed`)
    this.agent.die()
    void this.agent.agent.stop()
    this.agent = start(this.homelab)
    this.born = this.second
  }

  /** A person asks, and the answer is held against what is so afterwards. */
  async ask(): Promise<void> {
    const person = personAt(this.homelab, this.agent)
    const what = this.random.pick(['shutDown', 'cancel', 'wake', 'pause', 'resume'] as const)
    this.log.push(`${this.second}: a person: ${what}`)
    const { guard } = this.agent.agent
    switch (what) {
      case 'shutDown':
        await person.shutDown()
        this.isOrdered = true
        if (guard.power.ordered === undefined) this.breaches.push('a shutdown was requested, and is not on record')
        return
      case 'cancel':
      case 'wake': {
        const wasOrdered = guard.power.ordered !== undefined
        const { changed } = await (what === 'cancel' ? person.cancel() : person.wake().catch(() => ({ changed: true })))
        if (wasOrdered && !changed) this.breaches.push(`${what} says that it changes nothing, and withdraws an order`)
        if (guard.power.ordered !== undefined) this.breaches.push(`an order outlives ${what}`)
        this.isOrdered = false
        this.isPersons = true
        return
      }
      case 'pause':
        await person.pause('guests')
        return
      case 'resume':
        await person.resume()
        return
      default:
        return what satisfies never
    }
  }

  /** The battery has ended: whatever still runs loses its data. */
  async ends(): Promise<void> {
    const running = () => [
      ...[...this.homelab.machines.values()].filter(({ up }) => up).map(({ name }) => name),
      ...[...this.homelab.hosts].filter(([, { up }]) => up).map(([name]) => name),
    ]
    await waitFor('everything to be off', 3_000, () => running().length === 0).catch(() => {})
    if (running().length > 0 && !this.isPersons)
      this.breaches.push(`${this.second}: the battery is empty, and ${running().join(', ')} run`)
    // What has lost its power boots with it.
    for (const machine of this.homelab.machines.values()) {
      if (machine.up) this.crashed.add(machine.name)
      Object.assign(machine, { up: false, stage: 'running' })
    }
  }
}

async function live(seed: number): Promise<Life> {
  const random = createRandom(seed)
  const life = new Life(random)
  const { world } = life
  for (let second = 0; second < 5; second++) await life.passes()
  await life.agent.run('watch-releases')
  await life.agent.run('stage-image')
  for (let turn = 0; turn < 5; turn++) {
    const weather = randomWeather(random)
    life.log.push(`${life.second}: weather ${JSON.stringify(weather)}`)
    for (let second = 0; second < weather.lasts; second++) {
      world.set(second % (weather.on + weather.off) < weather.on)
      await life.passes()
      // What is silent on mains power for long could miss the end: nobody could know.
      if (random.chance(0.01) && (!world.mains || random.chance(0.5))) world.isSilent = true
      else if (world.isSilent && (random.chance(0.1) || world.mains)) world.isSilent = false
      if (!world.mains && world.lasts > 4 && random.chance(0.01)) world.forced = true
      if (world.forced && world.mains && random.chance(0.02)) world.forced = false
      if (random.chance(0.003)) life.kill()
      if (random.chance(0.004)) await life.ask()
      if (random.chance(0.05)) void life.agent.run('upgrade-node').catch(() => {})
      if (world.charge === 0) {
        await life.ends()
        break
      }
    }
  }
  await comesBack(life)
  return life
}

/** Mains power is back for good, upsd was restarted, and people take back what they asked for. */
async function comesBack(life: Life): Promise<void> {
  const { world, homelab } = life
  world.set(true)
  Object.assign(world, { isSilent: false, forced: false })
  for (const machine of homelab.machines.values())
    if (machine.up && machine.stage === 'shutting down') Object.assign(machine, { up: false, stage: 'running' })
  await personAt(homelab, life.agent)
    .wake()
    .catch(() => {})
  for (const name of life.crashed) homelab.machine(name).up = true
  life.isOrdered = false
  life.isPersons = true
  await personAt(homelab, life.agent).resume()
  for (let second = 0; second < 900; second++) {
    await life.passes()
    if (second > 30 && second % 10 === 0) await life.agent.run('wake-cluster').catch(() => {})
    if (second > 60 && !['draining', 'shedding', 'stopping', 'stopped', 'waking'].includes(stageOf(homelab) ?? ''))
      break
  }
}

describe.concurrent('whatever a UPS says, and whoever asks', () => {
  test.each(seeds)('in life %i nothing goes down needlessly, nothing is lost, and all comes back', async (seed) => {
    const life = await live(seed)
    try {
      expect(life.breaches).toEqual([])
      await life.agent.run('upgrade-node').catch(() => {})
      for (let run = 0; run < 40; run++) {
        const outcome = await life.agent.run('upgrade-node')
        const said = outcome.kind === 'later' ? outcome.reason : outcome.summary
        if (said === '') throw new Error('an outcome without a reason')
        if (outcome.kind !== 'later') break
      }
      expectUntouched(life.homelab)
    } catch (error) {
      const { quirks } = life.world
      throw new Error(`SEED=${seed}: ${JSON.stringify(quirks)}\n${life.log.slice(-150).join('\n')}`, { cause: error })
    } finally {
      await life.agent[Symbol.asyncDispose]()
    }
  })
})
