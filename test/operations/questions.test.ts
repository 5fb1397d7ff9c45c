import { describe, expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { asked, operatorOf } from '../fakes/person.ts'
import { plainUki } from '../fakes/share.ts'
import { open } from './requesting.ts'

const soon = () => asked().signal

describe('what a program asks of one thing', () => {
  test('nodes are told as the status tells them, all or one', async () => {
    await using at = await open()
    const { nodes, status } = operatorOf(at.homelab, at)
    const all = await nodes.list(soon())
    expect(all).toEqual((await status(soon())).cluster.nodes)
    expect(await nodes.find({ node: 'w-1' }, soon())).toEqual(all.find(({ name }) => name === 'w-1'))
    await expect(nodes.find({ node: 'w-9' }, soon())).rejects.toMatchObject({
      code: 'not-found',
      message: 'there is no node w-9; there are cp-1 and w-1',
    })
  })

  test('a UPS is told with all that upsd has, and one that is silent with why', async () => {
    await using at = await open()
    const { power } = operatorOf(at.homelab, at)
    const details = { ok: true, value: expect.objectContaining({ secure: false }) }
    expect(await power.upses(soon())).toEqual([{ label: 'ups', details }])
    expect(await power.ups({ ups: 'ups' }, soon())).toMatchObject({
      details: { value: { variables: { 'ups.status': 'OL', 'battery.charge': '100' } } },
    })
    at.homelab.upses.set('ups', 'silent')
    expect(await power.ups({ ups: 'ups' }, soon())).toEqual({
      label: 'ups',
      details: { ok: false, error: 'the UPS does not answer' },
    })
    await expect(power.ups({ ups: 'rack' }, soon())).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(/^there is no UPS rack; there is ups$/),
    })
  })

  test('what a UKI is made of is read once, and told without those that can not be read', async () => {
    await using at = await open()
    const { share } = at.homelab.ports
    const order = { version: 'v1.13.9', schematic: 'a'.repeat(64), ...plainUki }
    const { factory } = at.homelab.ports
    const good = await share.stage(order, factory, soon())
    const bad = await share.stage({ ...order, version: 'v1.13.8' }, factory, soon())
    const iso = await share.stage({ ...order, version: 'v1.13.7', kind: 'iso' }, factory, soon())
    const asked: string[] = []
    const sections: typeof share.sections = async (path) => {
      asked.push(path)
      if (path === bad.path) throw new AgentError('malformed', 'it has no .linux')
      return [{ name: '.linux', bytes: 20_000_000 }]
    }
    const { staging } = operatorOf({ ...at.homelab, ports: { ...at.homelab.ports, share: { ...share, sections } } }, at)
    for (const told of [await staging.sections(soon()), await staging.sections(soon())]) {
      expect(told.get(good.path)).toEqual([{ name: '.linux', bytes: 20_000_000 }])
      expect(told.has(bad.path)).toBe(false)
    }
    // The one that failed is tried again.
    const ours = asked.filter((path) => path === good.path || path === bad.path)
    expect(ours.toSorted()).toEqual([bad.path, bad.path, good.path].toSorted())
    expect(asked).not.toContain(iso.path)
  })

  test('releases are told newest first, with what is no final one and what was withdrawn', async () => {
    await using at = await open()
    at.homelab.versions.push('v1.15.0-beta.1')
    at.homelab.withdrawn = ['v1.14.1']
    await at.run('watch-releases')
    const { rollouts } = operatorOf(at.homelab, at)
    expect((await rollouts.releases(soon())).slice(0, 2)).toEqual([
      { version: 'v1.15.0-beta.1', isPrerelease: true, isWithdrawn: false },
      { version: 'v1.14.1', isPrerelease: false, isWithdrawn: true },
    ])
  })
})
