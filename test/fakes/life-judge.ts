import { remembered } from '../../src/operations/facts.ts'
import type { LifeClock } from './life-clock.ts'
import type { LifePower } from './life-power.ts'
import { deadTime, minimumCharge, onMainsAfter, soak } from './life-settings.ts'
import type { FakeHomelab } from './homelab.ts'
import { judgeOf } from './judge.ts'
import { bypassesFor, type UpsWorld } from './ups-world.ts'

/** What people have asked for, and what the homelab went through, as the judge knows it. */
export interface Circumstances {
  /** A person has ordered everything down, and has not taken that back. */
  isOrdered: boolean
  /** What a person has a machine woken for by name now. */
  readonly wokenByName: Set<string>
  /** Records may have been lost without a sign. */
  isAmnesic: boolean
  /** Records were lost since the person's last order. */
  hasLost: boolean
  /** As it was when the present run of an upgrade began. */
  atRun: { readonly held: string | undefined; readonly isWrong: boolean }
  readonly soaks: boolean
}

export interface LifeJudge {
  readonly breaches: string[]
  /** Called with each entry of the diary before it takes effect. */
  look(entry: string): void
}

/** What a UPS gives no cause to shut anything down, by what it really is. */
function isInnocent({ mains, lasts, forcedAgo, silentAgo, quirks }: UpsWorld): boolean {
  // What its status did not tell before nobody could know.
  const clearFor = quirks.bypasses ? lasts - bypassesFor : lasts
  return mains && clearFor > onMainsAfter + 2 && forcedAgo > 60 && silentAgo > deadTime * 2
}

/** Whether an order is one that should not have been given: by what is really so, and not by what anybody reports. */
export function lifeJudgeOf(
  homelab: FakeHomelab,
  power: LifePower,
  clock: LifeClock,
  circumstances: Circumstances,
): LifeJudge {
  const judge = judgeOf(homelab)
  const { breaches } = judge
  /** When each machine was last sent one, in seconds of the life. */
  const lastPackets = new Map<string, number>()

  function lookAtShutdown(name: string, says: (text: string) => void): void {
    const { isOrdered, isAmnesic } = circumstances
    if (isOrdered || (isAmnesic && remembered.ordered.recall(homelab.ports.journal) !== undefined)) return
    const upses = power.upsesOf(name)
    const isCarried = power.isEnough(name, (ups) => isInnocent(ups) && (upses.length === 1 || ups.offAgo > 5))
    if (isCarried || upses.every(isInnocent)) says('mains power is there, and nobody has asked for it')
  }

  function lookAtWake(name: string, says: (text: string) => void): void {
    const { journal } = homelab.ports
    // Who has asked for it takes responsibility for the battery, until the outage is over.
    if (circumstances.wokenByName.has(name) || remembered.wakeNow.recall(journal) === true) return
    if (circumstances.isOrdered && !circumstances.hasLost) says('a person has ordered it down')
    // A moment on battery is not believed before it has lasted.
    const hasMains = ({ mains, lasts, quirks }: UpsWorld) => mains || lasts <= 7 || quirks.deniesBattery
    if (!power.isEnough(name, hasMains)) says('there is no mains power')
    // Packets that go on to a machine whose UPS has been switched off meanwhile do nothing.
    const isAnother = clock.second - (lastPackets.get(name) ?? -Infinity) < 60
    if (!isAnother && !power.isEnough(name, ({ off }) => off !== 'outlets')) says('its UPS is off')
    lastPackets.set(name, clock.second)
    const isCharged = ({ quirks, charge }: UpsWorld) =>
      // A moment of battery while they are being woken may bring LB back.
      (quirks.charge !== 'true' || charge >= minimumCharge - 1) && (quirks.deniesLow || charge >= 19)
    if (!power.isEnough(name, isCharged))
      says(
        `the battery is at ${power
          .upsesOf(name)
          .map(({ charge }) => `${Math.round(charge)} %`)
          .join(', ')}`,
      )
  }

  function lookAtUpgrade(says: (text: string) => void): void {
    const { atRun, soaks } = circumstances
    if (atRun.held !== undefined) says(`an upgrade begins, and ${atRun.held}`)
    if (atRun.isWrong) says('an upgrade begins by a clock that is wrong')
    // Two clocks that are both right may be five minutes apart.
    if (soaks && clock.second < soak - 300) says(`an upgrade begins after ${clock.second} s, and the release soaks`)
  }

  return {
    breaches,
    look: (entry) => {
      const [what = '', name = ''] = entry.split(' ')
      const says = (text: string) => breaches.push(`${clock.second}: ${entry}: ${text}`)
      const isOutage = homelab.ports.journal.openOutage() !== undefined
      // A power cut drains every node, whoever has cordoned it.
      if (what !== 'drain' || !isOutage) judge.look(entry)
      if (what === 'shut-down' || what === 'shut-down-host') lookAtShutdown(name, says)
      if (what === 'wake') lookAtWake(name, says)
      if (what === 'cordon' && !isOutage) lookAtUpgrade(says)
      const isBegun = ['reboot', 'install-and-reboot', 'roll-back'].includes(what) || (what === 'cordon' && !isOutage)
      const isOnBattery = ({ mains, lasts, answers, quirks, off }: UpsWorld) =>
        !mains && lasts > 8 && answers && !quirks.deniesBattery && !(off && quirks.offAlone)
      if (isBegun && power.some(isOnBattery)) says('it is begun on battery')
    },
  }
}
