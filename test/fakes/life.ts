import { isOfKind } from '../../src/core/alert.ts'
import { isAborted } from '../../src/operations/aborts.ts'
import { remembered } from '../../src/operations/facts.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import type { Random } from '../core/random.ts'
import { waitFor } from '../lab/daemon.ts'
import { jobNamed, startAgent, type StartedAgent } from './agent.ts'
import { LifeClock } from './life-clock.ts'
import { LifeJournal } from './life-journal.ts'
import { type Circumstances, type LifeJudge, lifeJudgeOf } from './life-judge.ts'
import { LifePower } from './life-power.ts'
import { settingsOf } from './life-settings.ts'
import { memoryJournal } from './journal.ts'
import type { FakeHomelab } from './homelab.ts'
import { wholeHomelab } from './outage-stories.ts'
import { personAt } from './person.ts'

/** What may go wrong in a life beside its weather. */
export interface Switches {
  /** Two UPSes, which feed machines alone, either or both. */
  readonly feeds: boolean
  /** UPSes that are OFF for a while. */
  readonly off: boolean
  /** Journals that are damaged when the agent is killed. */
  readonly damage: boolean
  /** A clock that starts decades behind, is corrected, and is set by hours. */
  readonly clocks: boolean
  /** Every node runs, so that rollouts go on between the cuts; in other lives one is off from the beginning. */
  readonly rolls: boolean
}

const target = 'v1.14.1'

/** A homelab second by second, its agent, and whoever looks after it. */
export class Life implements AsyncDisposable {
  readonly homelab: FakeHomelab
  readonly power: LifePower
  readonly clock = new LifeClock()
  readonly judge: LifeJudge
  readonly log: string[] = []
  readonly switches: Switches
  readonly circumstances: Circumstances
  agent: StartedAgent
  /** A person has cancelled a shutdown, or woken everything, since mains power was last steady. */
  isPersons = false
  /** What alerts have told people to do about what was lost with a journal: a person does not forget it. */
  readonly told = new Map<string, string>()
  /** Machines that ran when they lost their power. */
  readonly crashed = new Set<string>()

  private readonly random: Random
  private readonly file: LifeJournal | undefined

  constructor(random: Random, switches: Switches) {
    this.random = random
    this.switches = switches
    this.power = new LifePower(random, switches.feeds)
    this.homelab = wholeHomelab(this.power.labels)
    this.homelab.now = () => this.clock.truth
    this.homelab.versions.push(target)
    // No rollout goes on beside a node that does not answer.
    if (switches.rolls) this.homelab.machine('off-1').up = true
    this.file = switches.damage ? new LifeJournal(this.clock.now) : undefined
    if (!this.file) Object.assign(this.homelab.ports, { journal: memoryJournal(this.clock.now) })
    if (switches.clocks && random.chance(0.5)) this.clock.startBehind()
    this.circumstances = {
      isOrdered: false,
      wokenByName: new Set(),
      isAmnesic: false,
      hasLost: false,
      atRun: { held: undefined, isWrong: false },
      soaks: switches.clocks,
    }
    this.judge = lifeJudgeOf(this.homelab, this.power, this.clock, this.circumstances)
    this.homelab.before = (entry) => {
      this.judge.look(entry)
      this.note(entry)
    }
    this.agent = this.start()
  }

  /** The machine that a person has off. */
  get off(): string {
    return this.switches.rolls ? 'none' : 'off-1'
  }

  note(text: string): void {
    this.log.push(`${this.clock.second}: ${text}`)
  }

  private start(): StartedAgent {
    const { homelab, clock, power, file } = this
    const { journal } = homelab.ports
    const opened = file?.open() ?? { journal, alerts: createAlerts(journal, clock.now) }
    Object.assign(homelab.ports, { journal: opened.journal })
    const timekeeper = clock.watch(opened.journal, opened.alerts)
    const { alerts } = opened
    alerts.subscribe(({ id, action = '' }) => void this.told.set(id, action))
    const started = startAgent(homelab, { ...settingsOf(this.switches, power), now: clock.now, timekeeper, alerts })
    // As the daemon does it.
    if (opened.journal.openOutage() || started.agent.guard.power.ordered !== undefined)
      for (const name of ['wake-cluster', 'shut-down-cluster']) void started.agent.start(jobNamed(name))
    return started
  }

  /** One second. */
  async passes(): Promise<void> {
    const { power, clock } = this
    clock.second += 1
    let ms = 1_000
    for (const [label, ups] of power.worlds) {
      ups.tick()
      if (ups.answers) await this.agent.reads(ups.reading(), ms, label)
      else await this.agent.silent(ms, label)
      ms = 0
    }
    if (power.every(({ mains, lasts }) => mains && lasts > 60)) this.isPersons = false
    await this.losePower()
    if (clock.second % 5 === 0 && clock.look()) this.upgrade()
    for (let turn = 3 + this.random.below(12); turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve))
  }

  /** Whatever hangs on a UPS that feeds nothing any more goes off, and no packet wakes it. */
  private async losePower(): Promise<void> {
    const { homelab, power } = this
    const names = [...homelab.machines.keys(), ...homelab.hosts.keys()]
    const isUp = (name: string) => (homelab.machines.get(name) ?? homelab.hosts.get(name))!.up
    homelab.deaf.clear()
    for (const name of names) if (!power.carries(name)) homelab.deaf.add(name)
    const lost = names.filter((name) => homelab.deaf.has(name) && isUp(name))
    if (lost.length === 0) return
    // Outlets that go off give nobody time, nor does the other UPS when it is about to end.
    const isSudden = (name: string) => power.upsesOf(name).some(({ off, offFor }) => off === 'outlets' && offFor < 60)
    const due = lost.filter((name) => !isSudden(name))
    await waitFor('them to be off', 3_000, () => !due.some(isUp)).catch(() => {})
    const left = due.filter(isUp)
    if (left.length > 0 && !this.isPersons)
      this.judge.breaches.push(`${this.clock.second}: the battery is empty, and ${left.join(', ')} run`)
    for (const name of lost.filter(isUp)) {
      this.crashed.add(name)
      // What has lost its power boots with it.
      Object.assign(homelab.machines.get(name) ?? homelab.hosts.get(name)!, { up: false, stage: 'running' })
    }
    this.note(`without power: ${lost.join(', ')}`)
  }

  /** Some of what crashed boots by itself, once its power is back. */
  bootCrashed(isForAll: boolean): void {
    const { homelab, power, crashed } = this
    for (const name of crashed) {
      const isSteady = power.upsesOf(name).every(({ mains, lasts, off }) => mains && lasts > 30 && !off)
      if (!isForAll && (!isSteady || !this.random.chance(0.05))) continue
      crashed.delete(name)
      Object.assign(homelab.machines.get(name) ?? homelab.hosts.get(name)!, { up: true, stage: 'running' })
    }
  }

  upgrade(): void {
    if (this.agent.agent.running.includes('upgrade-node')) return
    void this.runUpgrade().catch(() => {})
  }

  runUpgrade() {
    this.circumstances.atRun = { held: this.held(), isWrong: this.clock.isWrong }
    return this.agent.run('upgrade-node')
  }

  /** A run that is under way may go on with what a person has let go. */
  letGo(): void {
    if (this.held() === undefined) this.circumstances.atRun = { ...this.circumstances.atRun, held: undefined }
  }

  private held(): string | undefined {
    const { journal } = this.homelab.ports
    if (remembered.paused.recall(journal) !== undefined) return 'rollouts are paused'
    return isAborted(journal, target) ? 'it is aborted' : undefined
  }

  kill(): void {
    this.agent.die()
    void this.agent.agent.stop()
    const damaged = this.file?.kill(this.random)
    this.note(damaged === undefined ? 'killed' : `killed, and the journal has ${damaged.how}`)
    if (damaged) this.circumstances.hasLost = true
    if (damaged?.isSilent) this.circumstances.isAmnesic = true
    this.agent = this.start()
    if (!damaged || damaged.isSilent) return
    const { agent } = this.agent
    queueMicrotask(() => {
      const tells = agent.alerts.all.some(({ id }) => isOfKind(id, 'journal'))
      const isWhole = /no JSON|another shape/.test(damaged.how)
      if (!tells && !isWhole) this.judge.breaches.push(`nobody is told of a journal that has ${damaged.how}`)
    })
  }

  /** What a person who looks at the alerts wakes by hand: where records are lost, nobody else knows what was up. */
  async wakeWhatIsNamed(): Promise<void> {
    const { homelab, circumstances } = this
    const text = ['journal.unmarked', 'journal.ordered'].map((id) => this.told.get(id) ?? '').join(' ')
    if (this.told.has('journal.storage') || circumstances.isAmnesic)
      for (const setting of homelab.storageSettings) setting.value = 'unset'
    const person = personAt(homelab, this.agent)
    for (const [name, { up }] of [...homelab.machines, ...homelab.hosts]) {
      if (up || name === this.off) continue
      if (!circumstances.isAmnesic && !text.includes(`power wake ${name}\``)) continue
      circumstances.wokenByName.add(name)
      this.note(`a person wakes ${name}`)
      await person.wake(name).catch((error: unknown) => this.note(String(error)))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]()
    this.file?.[Symbol.dispose]()
  }
}
