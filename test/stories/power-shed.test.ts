import { describe, expect, test } from 'vitest'
import { rehearse } from '../../src/operations/rehearse.ts'
import { AgentError } from '../../src/core/errors.ts'
import { jobNamed, startAgent } from '../fakes/agent.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { low, onBattery, online, two } from '../fakes/stories.ts'
import { soon } from '../patience.ts'

const why = 'the label selector "odd" was refused: this API server does not know it'
const shed = [{ selector: 'odd' }, { selector: 'tier=batch' }]

/** A homelab with a workload to spare, whose API server refuses one of the selectors, and with it any question that names it. */
function homelabThatRefuses(): FakeHomelab {
  const homelab = fakeHomelab(two)
  homelab.scalables.push({
    kind: 'Deployment',
    namespace: 'media',
    name: 'films',
    replicas: 3,
    labels: { tier: 'batch' },
  })
  const { kubernetes } = homelab.ports
  const { scalable } = kubernetes
  kubernetes.scalable = async (selections, signal) => {
    if (selections.some(({ selector }) => selector === 'odd')) throw new AgentError('misconfigured', why)
    return scalable(selections, signal)
  }
  return homelab
}

const alerts = ({ ports }: FakeHomelab) =>
  ports.journal.entries(100).flatMap(({ kind, text }) => (kind === 'alert' ? [text] : []))
const named = `power.shed: ${why}; the other selectors are used`

describe('one selector that the API server refuses', () => {
  test('keeps no other from shedding load early, and is named', async () => {
    const homelab = homelabThatRefuses()
    await using it = startAgent(homelab, { power: { shed, shedAfter: '0s' } })
    await it.reads(online)
    await it.reads(onBattery)
    await it.reads(onBattery, 10_000)
    await it.run('shed-load')
    expect(homelab.scalables[0]?.replicas).toBe(0)
    expect(alerts(homelab)).toContain(named)
  })

  test('keeps no other from being scaled to nothing when the cluster goes down', async () => {
    const homelab = homelabThatRefuses()
    await using it = startAgent(homelab, { power: { shed, shedAfter: '10m' } })
    await it.reads(online)
    await it.reads(onBattery)
    await it.reads(low)
    await it.agent.idle()
    expect(homelab.diary).toContain('scale media/films to 0')
    expect(alerts(homelab)).toContain(named)
  })

  test('is asked for again on mains power, also by the next agent, and settled once the server takes it', async () => {
    const homelab = homelabThatRefuses()
    const { kubernetes } = homelab.ports
    const { scalable } = kubernetes
    const first = startAgent(homelab, { power: { shed, shedAfter: '0s' } })
    await first.reads(online)
    await first.reads(onBattery)
    await first.reads(onBattery, 10_000)
    await first.run('shed-load')
    const { since } = first.agent.alerts.find('power.shed')!
    first.die()
    await using second = startAgent(homelab, { power: { shed, shedAfter: '0s' } })
    await second.reads(online)
    await second.agent.idle()
    expect(second.agent.alerts.find('power.shed')).toMatchObject({ since })
    kubernetes.scalable = (selections, signal) =>
      scalable(
        selections.filter(({ selector }) => selector !== 'odd'),
        signal,
      )
    await using third = startAgent(homelab, { power: { shed, shedAfter: '0s' } })
    await third.reads(online)
    await third.agent.idle()
    expect(third.agent.alerts.find('power.shed')).toBeUndefined()
  })

  test('is named by the drill, beside what the others choose', async () => {
    const homelab = homelabThatRefuses()
    await using it = startAgent(homelab, { power: { shed } })
    await it.reads(online)
    const context = it.agent.preview(jobNamed('drill-power'), soon())
    const { checks } = await rehearse(context)
    expect(checks).toContainEqual({ subject: 'kubernetes', text: why, ok: false })
    expect(checks).toContainEqual(expect.objectContaining({ text: '1 workload can be shed (power.shed)', ok: true }))
  })
})
