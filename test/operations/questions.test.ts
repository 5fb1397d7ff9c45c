import { describe, expect, test } from 'vitest'
import { asked, operatorOf } from '../fakes/person.ts'
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
