import { describe, expect, test } from 'vitest'
import { beginOrResume, comesUp } from '../../src/operations/begin-outage.ts'
import { armedEntries, clusterOf, controlPlane, type NodeChoices, worker } from '../core/cluster/nodes.ts'
import { agentAt, cp1, earlier, nas, outage, pve, w1, w2 } from './begun.ts'

const silent = { talos: 'silent', kubernetes: 'silent' } as const

describe('what the next boot starts is said', () => {
  const upgrading = { cordon: { why: 'upgrade', at: earlier } } as const
  test.each<{ name: string; nodes: NodeChoices; others?: NodeChoices; is: readonly string[] }>([
    { name: 'nothing new', nodes: {}, is: [] },
    {
      name: 'another release',
      nodes: { talos: armedEntries },
      is: ['outage.armed: w-1 starts another release at the next boot: an upgrade is installed'],
    },
    {
      name: 'perhaps another release, where it was being upgraded',
      nodes: { talos: { bootedEntry: undefined }, kubernetes: upgrading },
      is: ['outage.armed: w-1 may start another release at the next boot: it was being upgraded'],
    },
    { name: 'what runs, though it was being upgraded', nodes: { kubernetes: upgrading }, is: [] },
    { name: 'nobody knows, and nothing was installed', nodes: { talos: { bootedEntry: undefined } }, is: [] },
    { name: 'nobody knows of a silent one', nodes: { talos: 'silent', kubernetes: upgrading }, is: [] },
  ])('$name', async ({ nodes, is }) => {
    const { context, see, lines } = agentAt({
      machines: [w1, cp1],
      // Of those that stay up nothing is said.
      nodes: [worker('w-1', nodes), worker('w-2', { talos: armedEntries }), controlPlane('cp-1', ['cp-1'])],
    })
    see()
    using begun = await beginOrResume(context, 'low-battery', [w1, cp1])
    await begun.looked
    expect(lines()).toEqual(is)
  })

  test('whichever of them are looked at, until all that lose their power tell of nothing new', async () => {
    const armed = 'outage.armed: w-1 starts another release at the next boot: an upgrade is installed'
    const open = outage({ 'w-1': 'up', 'w-2': 'off', nas: 'off' })
    const seen = { w1: { talos: armedEntries } as NodeChoices, w2: silent as NodeChoices }
    const agent = agentAt({ machines: [w1, w2, nas], open, hostsUp: ['nas'] })
    const context = { ...agent.context, observe: async () => clusterOf(worker('w-1', seen.w1), worker('w-2', seen.w2)) }
    agent.see()
    const look = async (...machines: Parameters<typeof comesUp>[2]) => {
      await comesUp(context, open, machines)
      return agent.lines().filter((line) => line.startsWith('outage.armed'))
    }
    expect(await look(w2)).toEqual([armed])
    // It is off by now, and starts it when it is woken.
    seen.w1 = silent
    expect([await look(w2), await look(nas)]).toEqual([[armed], [armed]])
    seen.w2 = { talos: armedEntries }
    expect(await look(w2)).toEqual([armed])
    seen.w1 = {}
    seen.w2 = {}
    expect(await look(w2)).toEqual([])
  })

  test('of hosts there is nothing to say', async () => {
    const { context, see, lines } = agentAt({ machines: [nas, pve], hostsUp: ['pve'] })
    see()
    using begun = await beginOrResume(context, 'low-battery', [nas, pve])
    await begun.looked
    expect(lines()).toEqual([])
  })
})
