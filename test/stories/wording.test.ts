import { describe, expect, test } from 'vitest'
import { phaseTitles } from '../../src/core/phase-id.ts'
import type { Wording } from '../../src/core/wording.ts'
import { createRandom } from '../core/random.ts'
import {
  buildHomelab,
  clusters,
  finishRollout,
  generations,
  getReady,
  playCrash,
  undisturbedRollout,
} from '../fakes/crash-stories.ts'
import { startAgent } from '../fakes/agent.ts'
import type { FakeHomelab } from '../fakes/homelab.ts'
import { begin, offered, soon } from '../fakes/rollout.ts'
import { onBattery, online, two } from '../fakes/stories.ts'
import { playKill, undisturbed } from '../fakes/outage-stories.ts'
import { fakeHomelab } from '../fakes/homelab.ts'

/**
 * Nothing that the agent does hangs on what people read: with every title of a phase and every description of a step
 * replaced by random text, another phase's title among it, the homelab sees the same calls in the same order.
 */

/** A text of its own at each question; now and then one that a person would take for another phase. */
function nonsense(seed: number): Wording {
  const random = createRandom(seed)
  const titles = Object.values(phaseTitles)
  const text = () => (random.chance(0.5) ? random.pick(titles) : `${random.below(1e9).toString(36)} ${random.below(99)}`)
  return { titleOf: text, describeStep: text }
}
