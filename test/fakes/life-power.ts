import type { Random } from '../core/random.ts'
import { randomQuirks, UpsWorld } from './ups-world.ts'

/** Which UPSes feed a machine: each of them alone would do, or it needs all. */
export type FeedBy = { readonly any: readonly string[] } | { readonly all: readonly string[] }

const rack = { any: ['rack'] }
const shelf = { any: ['shelf'] }
const either = { any: ['rack', 'shelf'] }
const both = { all: ['rack', 'shelf'] }

/** How machines of the whole homelab are connected to two UPSes; those that are not named, as the last says. */
const wirings: readonly Readonly<Record<string, FeedBy>>[] = [
  { rest: either },
  { rest: both },
  { 'cp-1': shelf, 'cp-2': shelf, 'cp-3': shelf, nas: either, rest: rack },
  { 'w-1': rack, 's-1': both, 'closed-1': shelf, rest: either },
  { 'cp-1': rack, 'cp-2': shelf, 'cp-3': either, nas: both, rest: shelf },
]

/** The power of a homelab as it really is: its UPSes, and what hangs on which. */
export class LifePower {
  readonly worlds: ReadonlyMap<string, UpsWorld>
  private readonly wiring: Readonly<Record<string, FeedBy>>

  constructor(random: Random, hasTwo: boolean) {
    const labels = hasTwo ? ['rack', 'shelf'] : ['ups']
    this.worlds = new Map(labels.map((label) => [label, randomUps(random)]))
    this.wiring = hasTwo ? random.pick(wirings) : { rest: { any: ['ups'] } }
  }

  get labels(): readonly string[] {
    return [...this.worlds.keys()]
  }

  feedOf(name: string): FeedBy {
    return this.wiring[name] ?? this.wiring['rest']!
  }

  upsesOf(name: string): readonly UpsWorld[] {
    const feed = this.feedOf(name)
    return ('any' in feed ? feed.any : feed.all).map((label) => this.worlds.get(label)!)
  }

  /** Whether enough of the UPSes that feed a machine are so. */
  isEnough(name: string, test: (ups: UpsWorld) => boolean): boolean {
    const upses = this.upsesOf(name)
    return 'any' in this.feedOf(name) ? upses.some(test) : upses.every(test)
  }

  /** Whether a machine has power. */
  carries(name: string): boolean {
    return this.isEnough(name, (ups) => ups.feeds)
  }

  some(test: (ups: UpsWorld) => boolean): boolean {
    return [...this.worlds.values()].some(test)
  }

  every(test: (ups: UpsWorld) => boolean): boolean {
    return [...this.worlds.values()].every(test)
  }
}

function randomUps(random: Random): UpsWorld {
  const quirks = randomQuirks(random)
  // A UPS that tells nothing of its battery must be one that charges fast.
  const isBlind = quirks.charge !== 'true' && quirks.deniesLow
  const battery = { lasts: 300 + random.below(600), charges: isBlind ? 60 : 100 + random.below(600) }
  return new UpsWorld(quirks, battery, random)
}
