import { describe, expect, test } from 'vitest'
import { tiers } from '../../../src/core/power/machines.ts'
import type { PhaseId } from '../../../src/core/phase-id.ts'
import { awaitPhaseOf, shutDownPhaseOf } from '../../../src/core/power/phases.ts'
import { reversiblePhases } from '../../../src/core/power/reversible.ts'
import { planShutdown, type ShutdownPlan } from '../../../src/core/power/shutdown.ts'
import { awaitedIn, now, own, randomRun, type Run, toldIn, type Turn } from './shutdowns.ts'

const apiSteps = ['cordon', 'scale', 'set-storage', 'drain']
/** Each tier is rounded to whole milliseconds. */
const rounding = tiers.length

describe('in three thousand random shutdowns', () => {
  const runs = Array.from({ length: 3_000 }, (_, seed) => randomRun(seed))
  const turns = runs.flatMap((run) => run.turns.map((turn) => ({ run, turn })))
  const breaches = (rule: (turn: Turn, run: Run) => boolean) =>
    turns.flatMap(({ run, turn }) => (rule(turn, run) ? [] : [`seed ${run.seed}: ${turn.next.id}`])).slice(0, 3)

  test('every form and every phase is reached', () => {
    expect([...new Set(turns.map(({ turn }) => turn.plan.form))].sort()).toEqual(['compressed', 'ordered', 'short'])
    const ofTiers = tiers.flatMap((tier) => [
      shutDownPhaseOf(tier),
      ...(tier === 'own-machine' ? [] : [awaitPhaseOf(tier)]),
    ])
    expect([...new Set(turns.map(({ turn }) => turn.next.id))].toSorted()).toEqual(
      [...reversiblePhases, 'shut-down-all', 'await-all', ...ofTiers].toSorted(),
    )
  })

  test('each comes to its end', () => {
    expect(runs.filter(({ ended }) => !ended).map(({ seed }) => seed)).toEqual([])
  })

  test('a machine that was up is told once, and once more only if nobody reached it', () => {
    const wrong = runs.flatMap(({ seed, machines, begun, turns: each }) =>
      machines.flatMap(({ name }) => {
        const orders = each.filter(({ next }) => toldIn(next).includes(name))
        const { state } = begun.nodes[name]!
        if (state === 'off' || state === 'abandoned' || state === 'shutdown-sent')
          return orders.length === 0 ? [] : [`seed ${seed}: ${name} was ${state}`]
        if (orders.length === 0 && state === 'unreached' && begun.stage === 'stopped') return []
        const unheard = orders.filter(({ after }) => after.nodes[name]!.state === 'unreached').length
        return orders.length >= 1 && orders.length <= 1 + unheard ? [] : [`seed ${seed}: ${name}, ${orders.length}`]
      }),
    )
    expect(wrong.slice(0, 3)).toEqual([])
  })

  test('one plan tells a machine once at most, and then waits for it, unless it is our own', () => {
    expect(
      breaches(({ plan }) => {
        const told = plan.phases.flatMap(toldIn)
        const awaited = plan.phases.flatMap(awaitedIn)
        return (
          new Set(told).size === told.length &&
          new Set(awaited).size === awaited.length &&
          told.every((name) => awaited.includes(name) || name === own)
        )
      }),
    ).toEqual([])
  })

  test('a tier is told only when those before it have had their time, unless all are told at once', () => {
    expect(
      breaches(({ plan, next, before, carriedOut }, { machines }) => {
        const told = machines.filter(({ name }) => toldIn(next).includes(name))
        const [first] = told
        if (!first || plan.form === 'short') return true
        const earlier = machines.filter(({ tier }) => tiers.indexOf(tier) < tiers.indexOf(first.tier))
        return (
          told.every(({ tier }) => tier === first.tier) &&
          earlier.every(
            ({ name, tier }) =>
              (tier !== 'own-machine' && carriedOut.has(awaitPhaseOf(tier))) ||
              carriedOut.has('await-all') ||
              ['off', 'abandoned'].includes(before.nodes[name]!.state) ||
              (before.stage === 'stopped' && before.nodes[name]!.state === 'unreached'),
          )
        )
      }),
    ).toEqual([])
  })

  test('the NAS is told last but for our own machine, when all others have had their time', () => {
    const wrong = runs.flatMap(({ seed, machines, turns: each }) => {
      const isNas = (name: string) => machines.some((one) => one.name === name && one.tier === 'nas')
      const [first] = each.flatMap(({ next }, index) => (toldIn(next).some(isNas) ? [index] : []))
      if (first === undefined) return []
      const later = each.slice(first).flatMap(({ next }) => [...toldIn(next), ...awaitedIn(next)])
      return later.every((name) => isNas(name) || name === own) ? [] : [seed]
    })
    expect(wrong).toEqual([])
  })

  test('our own machine is told last of all', () => {
    expect(breaches(({ next }, { turns }) => !toldIn(next).includes(own) || turns.at(-1)!.next === next)).toEqual([])
  })

  test('nothing needs Kubernetes once a control plane was told', () => {
    const wrong = runs.filter(({ machines, turns: each, begun }) => {
      const planes = machines.filter(({ tier }) => tier === 'control-planes').map(({ name }) => name)
      const wasTold = planes.some((name) => ['shutdown-sent', 'off', 'abandoned'].includes(begun.nodes[name]!.state))
      const first = each.findIndex(({ next }) => toldIn(next).some((name) => planes.includes(name)))
      const after = wasTold ? each : first < 0 ? [] : each.slice(first)
      return after.some(({ next }) => next.steps.some((step) => apiSteps.includes(step.do)))
    })
    expect(wrong.map(({ seed }) => seed)).toEqual([])
  })

  test('a plan does first what can be taken back, and only that is marked so', () => {
    expect(
      breaches(({ plan }) => {
        const flags = plan.phases.map(({ reversible }) => reversible)
        return (
          flags.lastIndexOf(true) < (flags.includes(false) ? flags.indexOf(false) : flags.length) &&
          plan.phases.every(({ reversible, steps }) => reversible === steps.every((step) => apiSteps.includes(step.do)))
        )
      }),
    ).toEqual([])
  })

  test('no phase is empty, and a failure in one never ends the plan', () => {
    expect(
      breaches(({ plan }) => plan.phases.every(({ steps, bestEffort }) => steps.length > 0 && bestEffort)),
    ).toEqual([])
  })

  test('every limit is a whole number of milliseconds, and no step has more than its phase', () => {
    expect(
      breaches(({ plan }) =>
        plan.phases.every(
          ({ within, steps, leaves }) =>
            Number.isInteger(within) &&
            within >= 0 &&
            Number.isFinite(leaves) &&
            leaves >= 0 &&
            steps.every(
              (step) =>
                'within' in step &&
                step.within === within &&
                (step.do !== 'drain' || Number.isInteger(step.policy.deleteAfter)),
            ),
        ),
      ),
    ).toEqual([])
  })

  test('all phases together fit into what the battery has beyond the reserve, unless all are told at once', () => {
    expect(
      breaches(
        ({ plan, left }, { policy }) => plan.form === 'short' || total(plan) <= left - policy.reserve + rounding,
      ),
    ).toEqual([])
  })

  test('a tier gets the time of its slowest machine, or at least a quarter of it and five seconds', () => {
    const ordered = turns.flatMap(({ run, turn: { plan } }) =>
      plan.form === 'short'
        ? []
        : waitsOf(plan).map(({ order, down }) => {
            const members = run.machines.filter(({ name }) => awaitedIn(down).includes(name))
            const slowest = Math.max(...members.map(({ stops }) => stops))
            return { seed: run.seed, plan, order, gets: order.within + down.within, slowest }
          }),
    )
    const wrong = ordered.filter(({ plan, order, gets, slowest }) => {
      const least = plan.form === 'ordered' ? slowest : Math.min(slowest, Math.max(5_000, Math.round(slowest / 4)))
      const longest = order.id === 'shut-down-hosts' || order.id === 'shut-down-nas' ? 30_000 : 5_000
      return gets < least || gets > slowest || order.within !== Math.min(longest, Math.round(gets / 2))
    })
    expect(wrong.map(({ seed }) => seed)).toEqual([])
    expect(ordered.filter(({ plan }) => plan.form === 'compressed').length).toBeGreaterThan(500)
  })

  test('what is cut short leaves something for those after it, and never less for those who have not begun', () => {
    expect(
      breaches(({ plan }, { policy }) => {
        const last = plan.phases.at(-1)!
        const reserve = plan.form === 'short' ? 0 : policy.reserve
        return (
          last.leaves === reserve &&
          plan.phases.every(({ leaves }, index) => index === 0 || leaves <= plan.phases[index - 1]!.leaves)
        )
      }),
    ).toEqual([])
  })

  test('with less left no phase gets more time, save for the NAS that has all to itself in the end', () => {
    expect(
      breaches(({ plan, left, before, carriedOut }, { machines, policy }) =>
        [0.25, 0.5, 0.9, 0.99].every((part) => {
          const ms = left === Infinity ? part * 600_000 : part * left
          const less = planShutdown({ machines, outage: before, left: { ms, told: true }, now, carriedOut }, policy)
          const isOff = less.form === 'short' && plan.form !== 'short'
          return less.phases.every(({ id, within }) => {
            const more = plan.phases.find((one) => one.id === id)
            return !more || within <= more.within + 1 || (isOff && (id === 'shut-down-nas' || id === 'await-nas'))
          })
        }),
      ),
    ).toEqual([])
  })

  test('nothing that can be taken back comes after what can not', () => {
    const late = turns.filter(({ turn, run }) => {
      const begun = run.turns.findIndex(({ next }) => !next.reversible)
      return turn.next.reversible && begun >= 0 && run.turns.indexOf(turn) > begun
    })
    expect(late.map(({ run }) => run.seed)).toEqual([])
  })

  test('with mains there everybody gets the time that the policy gives', () => {
    const endless = turns.filter(({ turn }) => turn.left === Infinity)
    expect(endless.length).toBeGreaterThan(100)
    const wrong = endless.filter(({ turn: { plan }, run: { policy, machines } }) => {
      const drain = plan.phases.find(({ id }) => id === 'drain')
      return (
        plan.form !== 'ordered' ||
        (drain !== undefined && drain.within !== policy.drainTimeout) ||
        waitsOf(plan).some(({ order, down }) => {
          const stops = machines.filter(({ name }) => awaitedIn(down).includes(name)).map((one) => one.stops)
          return order.within + down.within !== Math.max(...stops)
        })
      )
    })
    expect(wrong.map(({ run }) => run.seed)).toEqual([])
  })
})

/** Each tier's request together with the wait for it, where both are in the plan. */
function waitsOf({ phases }: ShutdownPlan) {
  const phaseOf = (id: PhaseId) => phases.find((one) => one.id === id)
  return tiers.flatMap((tier) => {
    const order = phaseOf(shutDownPhaseOf(tier))
    const down = tier === 'own-machine' ? undefined : phaseOf(awaitPhaseOf(tier))
    return order && down ? [{ order, down }] : []
  })
}

function total({ phases }: ShutdownPlan): number {
  return phases.reduce((sum, { within }) => sum + within, 0)
}
