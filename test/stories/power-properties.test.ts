import process from 'node:process'
import { describe, expect, test } from 'vitest'
import { createRandom, type Random } from '../core/random.ts'
import type { StartedAgent } from '../fakes/agent.ts'
import { allBack, allOff, expectUntouched, startWhole, stageOf, wholeHomelab, words } from '../fakes/outage-stories.ts'
import { waitFor } from '../lab/daemon.ts'

/** Random lives of a UPS, with kills, pauses, orders of people, and machines that hang or can't be reached. `SEED=n` replays one, `SEEDS=n` tries as many. */

const seeds = process.env['SEED']
  ? [Number(process.env['SEED'])]
  : Array.from({ length: Number(process.env['SEEDS'] ?? 120) }, (_, seed) => seed)
const acts = ['mains', 'battery', 'low', 'silent', 'kill', 'wait', 'hang', 'blink', 'order', 'wake', 'cancel'] as const

interface Life {
  readonly homelab: ReturnType<typeof wholeHomelab>
  agent: StartedAgent
}

/** Lets what was begun go on for a moment: some turns of the event loop, and not a length of time. */
async function goOn(random: Random): Promise<void> {
  for (let turn = random.below(40); turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve))
}

async function act(what: (typeof acts)[number], life: Life, random: Random): Promise<void> {
  const { homelab, agent } = life
  const { guard } = agent.agent
  switch (what) {
    case 'mains':
    case 'battery':
    case 'low':
      return agent.reads(words[what], random.pick([1_000, 5_000, 60_000]))
    case 'silent':
      return agent.silent(random.pick([1_000, 20_000, 60_000]))
    case 'kill':
      agent.die()
      void agent.agent.stop()
      life.agent = startWhole(homelab)
      return
    case 'hang': {
      const machine = homelab.machine(random.pick(['w-1', 'cp-2', 's-1']))
      machine.hangs = !machine.hangs
      return
    }
    case 'blink': {
      // A call or two get lost on the way.
      let left = 1 + random.below(2)
      homelab.before = async (entry) => {
        if (left-- > 0) throw new Error(`the network blinked at ${entry}`)
        homelab.before = undefined
      }
      return
    }
    case 'order':
      return void guard.order(new Date().toISOString())
    case 'wake':
      return void guard.order(undefined)
    case 'cancel':
      return void guard.callOff()
    case 'wait':
      return undefined
    default:
      return what satisfies never
  }
}

async function settle(life: Life): Promise<void> {
  const { homelab } = life
  homelab.before = undefined
  for (const machine of homelab.machines.values()) {
    machine.hangs = false
    // Somebody holds its power button down.
    if (machine.up && machine.stage === 'shutting down') Object.assign(machine, { up: false, stage: 'running' })
  }
  // What a person has called off stays so until mains is back.
  const states = [...life.agent.agent.guard.power.upses.values()]
  if (states.some((state) => state.mode === 'on-battery' && state.calledOff)) await life.agent.reads(words.mains)
  life.agent.agent.guard.order(undefined)
}

describe.concurrent('whatever happens to the power', () => {
  test.each(seeds)(
    'in life %i a battery that ends finds everything off, and mains brings everything back',
    async (seed) => {
      const random = createRandom(seed)
      const life: Life = { homelab: wholeHomelab(), agent: undefined! }
      life.agent = startWhole(life.homelab)
      const story: string[] = []
      try {
        await life.agent.reads(words.mains)
        for (let turn = 0; turn < 14; turn++) {
          const what = random.pick(acts)
          story.push(what)
          await act(what, life, random)
          await goOn(random)
        }
        await settle(life)
        if (random.chance(0.5)) {
          story.push('the end on battery')
          await life.agent.reads(words.low)
          await allOff(life.homelab)
        }
        story.push('the end on mains')
        await life.agent.reads(words.mains)
        if (stageOf(life.homelab) !== undefined) await allBack(life.homelab)
        await waitFor('everything to be as before', 5_000, () => {
          try {
            expectUntouched(life.homelab)
            return true
          } catch {
            return false
          }
        }).catch(() => expectUntouched(life.homelab))
        const told = life.homelab.diary.filter((entry) => /^(shut-down|wake) off-1$/.test(entry))
        expect(told).toEqual([])
      } catch (error) {
        throw new Error(`SEED=${seed}: ${story.join(', ')}\n${life.homelab.diary.join(', ')}`, { cause: error })
      } finally {
        await life.agent[Symbol.asyncDispose]()
      }
    },
  )
})
