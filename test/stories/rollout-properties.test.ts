import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Role } from '../../src/core/cluster/cluster.ts'
import type { Outcome } from '../../src/core/job.ts'
import { remembered } from '../../src/operations/facts.ts'
import { createRandom, type Random } from '../core/random.ts'
import { startAgent, type StartedAgent } from '../fakes/agent.ts'
import { type FakeHomelab, fakeHomelab } from '../fakes/homelab.ts'
import type { FakeMachine } from '../fakes/machine.ts'
import { judgeOf } from '../fakes/judge.ts'
import { type Person, personAt } from '../fakes/person.ts'
import { online } from '../fakes/stories.ts'

/**
 * Random homelabs, random faults at random moments, and whole rollouts. `SEED=17 npm test -- test/stories/rollout-properties` plays
 * one of them again, `SEEDS=5000` more of them.
 */

const seeds = process.env['SEED']
  ? [Number(process.env['SEED'])]
  : Array.from({ length: Number(process.env['SEEDS'] ?? 250) }, (_, seed) => seed)

/** What can go wrong, by the switches of the lab's nodes; each at a moment of its own. */
const faults: Readonly<Record<string, (machine: FakeMachine, homelab: FakeHomelab) => void>> = {
  'the next boot falls back': (machine) => (machine.rollsBack = true),
  'the next boot hangs': (machine) => (machine.stuckBooting = true),
  'the next reboot is ignored': (machine) => (machine.rebootIgnored = true),
  'the answer to the next reboot is lost': (machine) => (machine.answerLost = true),
  'the installer ends with code 1': (machine) => (machine.installerExit = 1),
  'the installer ends with code 2': (machine) => (machine.installerExit = 2),
  'the installer ends with code 4': (machine) => (machine.installerExit = 4),
  'its pods do not go': (machine) => (machine.stubborn = true),
  'its pods go again': (machine) => (machine.stubborn = false),
  'it dies': (machine) => (machine.up = false),
  'somebody cordons it': (machine) => {
    if (!machine.mark) machine.unschedulable = true
  },
  'somebody uncordons it': (machine) => (machine.unschedulable = false),
  'somebody pauses it': (machine) => (machine.paused = 'a guest'),
  'somebody upgrades it': (machine) => {
    if (machine.up)
      Object.assign(machine, {
        version: 'v1.14.1',
        installed: { ...machine.installed, version: 'v1.14.1' },
        boots: machine.boots + 1,
      })
  },
  'somebody reboots it': (machine) => {
    if (machine.up) Object.assign(machine, machine.installed, { boots: machine.boots + 1 })
  },
  'its answers break off': (machine) => (machine.breaksOff = 3),
  'its kubelet falls ill': (machine) => (machine.kubeletIll = true),
  'its kubelet reports late': (machine) => (machine.kubeletLate = 5),
  'the next kexec is refused': (machine) => (machine.kexecRefused = true),
  'it registers under another name': (machine) => (machine.hostname = `talos-${machine.name}`),
  'its machine configuration says another role': (machine) =>
    (machine.machineType = machine.role === 'worker' ? 'controlplane' : 'worker'),
  'its address leads to another machine, and the other way round': (machine, { machines, addresses }) => {
    const names = [...machines.keys()]
    const other = names[(names.indexOf(machine.name) + 1) % names.length]!
    if (other === machine.name || addresses.size > 0) return
    addresses.set(machine.name, other).set(other, machine.name)
  },
  'the addresses are right again': (_, { addresses }) => addresses.clear(),
  'the Factory withdraws the release': (_, homelab) => (homelab.withdrawn = ['v1.14.1']),
  'the Factory loses the release': (_, homelab) => (homelab.versions = ['v1.13.9']),
  'the API server starts anew': (_, homelab) => (homelab.apiStarting = 6),
  'storage is being rebuilt': (_, homelab) =>
    (homelab.storage = {
      systems: ['longhorn'],
      unwell: [{ name: 'pvc-1', text: 'volume pvc-1 is degraded', endangers: 'redundancy' }],
      lastReplicas: new Map(),
    }),
  'storage is well again': (_, homelab) =>
    (homelab.storage = { systems: ['longhorn'], unwell: [], lastReplicas: new Map() }),
}

/** What a person says, at moments when it may not fit. */
const requests: Readonly<Record<string, (control: Person, node: string) => Promise<unknown>>> = {
  rollback: (control, node) => control.rollback(node, false),
  'forced rollback': (control, node) => control.rollback(node, true),
  retry: (control, node) => control.retry(node),
  abort: (control) => control.abort(),
  start: (control) => control.start(),
  pause: (control) => control.pause('guests'),
}

function randomRoles(random: Random): Readonly<Record<string, Role>> {
  const controlPlanes = random.pick([1, 3, 3, 3, 5])
  const workers = random.pick([0, 1, 2, 3, 4])
  return Object.fromEntries([
    ...Array.from({ length: controlPlanes }, (_, index) => [`cp-${index + 1}`, 'controlplane'] as const),
    ...Array.from({ length: workers }, (_, index) => [`w-${index + 1}`, 'worker'] as const),
  ])
}

const unheard = (): Outcome => ({ kind: 'later', reason: '', at: new Date() })

interface Played {
  readonly seed: number
  readonly breaches: readonly string[]
  readonly last: Outcome
  readonly silent: boolean
  readonly versions: readonly string[]
  readonly healed: string
  readonly log: readonly string[]
}

async function play(seed: number): Promise<Played> {
  const random = createRandom(seed)
  const roles = randomRoles(random)
  const parallel = random.pick([1, 1, 2])
  const homelab = fakeHomelab(roles, { versions: ['v1.13.9', 'v1.14.1'], bootTakes: random.pick([0, 1, 3]) })
  const judge = judgeOf(homelab, { parallel })
  const log: string[] = []
  const names = Object.keys(roles)
  const schedule = Array.from({ length: random.pick([1, 2, 3, 5, 8]) }, () => ({
    at: random.below(names.length * 7),
    machine: homelab.machine(random.pick(names)),
    fault: random.pick(Object.keys(faults)),
    request: random.chance(0.15) ? random.pick(Object.keys(requests)) : undefined,
  }))
  // A configuration that calls some nodes what they are not.
  const mistaken = new Set(
    random.chance(0.08) ? [random.pick(names), random.pick(names)].filter((name) => name !== 'cp-1') : [],
  )
  const crashes = new Set(random.chance(0.5) ? [random.below(names.length * 7), random.below(names.length * 7)] : [])
  let seen = 0
  let crashed = Promise.withResolvers<void>()
  const options = {
    upgrade: {
      parallel,
      rebootTimeout: '40ms',
      installTimeout: '60ms',
      drainTimeout: '25ms',
      retryAfter: '1ms',
      draining: { whenBlocked: random.pick(['wait', 'skip', 'delete']), blockedTimeout: '5ms' },
    },
  }
  const node = (name: string) => {
    if (!mistaken.has(name)) return {}
    return { role: roles[name] === 'worker' ? 'controlplane' : 'worker' }
  }
  let it = startAgent(homelab, { ...options, node })
  const ready = async (agent: StartedAgent) => {
    await agent.reads(online)
    await agent.agent.idle()
  }
  await ready(it)
  await it.run('watch-releases')
  await it.run('stage-image')
  homelab.before = async (entry) => {
    const now = seen++
    // What goes wrong at the very moment of an order nobody can have seen.
    judge.look(entry)
    for (const { at, machine, fault } of schedule) {
      if (at !== now) continue
      log.push(`${fault}: ${machine.name}`)
      faults[fault]!(machine, homelab)
    }
    log.push(entry)
    for (const { at, machine, request } of schedule) {
      if (at !== now || request === undefined) continue
      const answer = await requests[request]!(personAt(homelab, it), machine.name).then(
        () => 'taken',
        (error: Error) => error.message,
      )
      log.push(`${request} ${machine.name}: ${answer}`)
    }
    if (crashes.has(now)) {
      log.push('the agent is killed')
      it.die()
      crashed.resolve()
      await new Promise(() => {})
    }
  }
  let last = unheard()
  /** Until done, or until the same thing was waited for five times in a row. */
  const go = async () => {
    let same = 0
    for (let run = 0; run < 80 && same < 5; run++) {
      const outcome = await Promise.race([it.run('upgrade-node').catch(() => undefined), crashed.promise])
      if (!outcome) {
        crashed = Promise.withResolvers()
        // Not disposed of: a killed process ends nothing in good order.
        it = startAgent(homelab, { ...options, node })
        await ready(it)
        continue
      }
      const said = (one: Outcome) => (one.kind === 'later' ? one.reason : one.summary)
      same = said(outcome) === said(last) ? same + 1 : 0
      last = outcome
      log.push(`=> ${said(outcome)}`)
      await it.run('watch-releases').catch(() => {})
      if (outcome.kind !== 'later') return
      // As the queue does, which looks again when it was asked to.
      await sleep(Math.min(10, Math.max(0, outcome.at.getTime() - Date.now())))
    }
  }
  await go()
  const stoppedWith = last
  const silent = (last.kind === 'later' ? last.reason : last.summary).length < 5

  // Then a person comes: mends the machines, takes words back, and lets it try again.
  homelab.before = async (entry) => {
    judge.look(entry)
    log.push(entry)
  }
  homelab.storage = { systems: [], unwell: [], lastReplicas: new Map() }
  homelab.addresses.clear()
  Object.assign(homelab, { apiStarting: 0, withdrawn: [], versions: ['v1.13.9', 'v1.14.1'] })
  const { journal } = homelab.ports
  remembered.blocked.remember(journal, {})
  for (const words of [remembered.paused, remembered.aborted, remembered.rollbacks]) words.remember(journal, undefined)
  if (mistaken.size > 0) {
    mistaken.clear()
    it.die()
    it = startAgent(homelab, options)
    await ready(it)
  }
  await it.run('watch-releases')
  await it.run('stage-image')
  for (const machine of homelab.machines.values()) {
    Object.assign(machine, {
      rollsBack: false,
      stuckBooting: false,
      rebootIgnored: false,
      answerLost: false,
      kexecRefused: false,
      kubeletIll: false,
      kubeletLate: 0,
      breaksOff: 0,
      hostname: machine.name,
      machineType: machine.role,
      installerExit: undefined,
      stubborn: false,
      paused: undefined,
      attempts: undefined,
    })
    if (!machine.up || machine.stage !== 'running')
      Object.assign(machine, machine.installed, { up: true, stage: 'running', boots: machine.boots + 1 })
    const armed = machine.installed.version !== machine.version
    if (machine.unschedulable && !machine.mark) machine.unschedulable = false
    // What is armed and not ours is rebooted by hand, as the message says.
    if (armed && machine.mark?.why !== 'upgrade')
      Object.assign(machine, machine.installed, { boots: machine.boots + 1 })
  }
  last = unheard()
  await go()
  // A node that booted its previous release is tried again only when the person says so.
  for (const machine of homelab.machines.values()) {
    if (!machine.attempts?.rolledBack) continue
    machine.attempts = undefined
    await go()
  }
  const healed = last.kind === 'later' ? last.reason : last.summary
  return {
    seed,
    breaches: judge.breaches,
    last: stoppedWith,
    silent,
    versions: [...homelab.machines.values()].map(({ version }) => version),
    healed,
    log,
  }
}

describe(`in ${seeds.length} rollouts with random faults`, () => {
  const played: Played[] = []
  beforeAll(async () => {
    for (let at = 0; at < seeds.length; at += 50)
      played.push(...(await Promise.all(seeds.slice(at, at + 50).map((seed) => play(seed)))))
  }, 1_800_000)
  /** What a person needs to play it again. */
  const show = (found: readonly Played[]) =>
    found.slice(0, 3).map(({ seed, log, breaches, healed }) => ({ replay: `SEED=${seed}`, breaches, healed, log }))

  test('no order of ours takes away the quorum, or more nodes than may be away', () => {
    expect(show(played.filter(({ breaches }) => breaches.length > 0))).toEqual([])
  })

  test('each ends done, or waits or is stuck with a reason, and is never silent', () => {
    expect(show(played.filter(({ silent }) => silent))).toEqual([])
  })

  test('each goes on to its end when a person has mended what broke', () => {
    expect(show(played.filter(({ healed }) => healed !== 'every node runs v1.14.1'))).toEqual([])
  })

  test('some end well by themselves, some wait and some are stuck: the faults do something', () => {
    if (seeds.length < 100) return
    const kinds = new Set(played.map(({ last }) => last.kind))
    expect([...kinds].toSorted()).toEqual(['done', 'later', 'stuck'])
  })
})
