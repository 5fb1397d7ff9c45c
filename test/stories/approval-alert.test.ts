import { describe, expect, test } from 'vitest'
import type { Outage } from '../../src/core/power/outage.ts'
import { reportApproval } from '../../src/operations/rollout-alerts.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { begin, offered, texts } from '../fakes/rollout.ts'
import { two } from '../fakes/stories.ts'

describe('the alert on a release that waits for approval', () => {
  test('ends with what ended it, and not because something else comes first', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab, { upgrade: { approval: 'minor' } })
    await it.next()
    const isOpen = () => it.agent.alerts.find('rollout.approval') !== undefined
    const endings = () => it.agent.alerts.settled(10).map(({ id, ending }) => `${id}: ${ending}`)
    expect(isOpen()).toBe(true)
    const outage: Outage = {
      startedAt: '2026-11-26T12:00:00.000Z',
      reason: 'low-battery',
      stage: 'waking',
      nodes: {},
    }
    homelab.ports.journal.saveOutage(outage)
    expect(await it.next()).toMatch(/^the cluster is still recovering from a power cut/)
    expect(isOpen()).toBe(true)
    homelab.ports.journal.saveOutage({ ...outage, stage: 'over', endedAt: '2026-11-26T12:10:00.000Z' })
    await it.control.pause()
    await it.next()
    expect(isOpen()).toBe(true)
    await it.control.approve()
    await it.next()
    expect(endings()).toEqual([
      expect.stringMatching(/^rollout\.approval: it is approved; its rollout waits, because rollouts are paused/),
    ])
    expect(texts(homelab, 'alert').find((text) => text.startsWith('settled'))).toMatch(
      /^settled: v1\.14\.1 waits for approval; it is approved; its rollout waits/,
    )
  })

  test('of one release ends where another is the target', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab, { upgrade: { approval: 'minor' } })
    await it.next()
    const need = { version: 'v1.14.2', toApprove: [], order: [], approved: undefined }
    reportApproval(it.agent.alerts, { ...need, version: undefined, decision: { kind: 'wait', reason: 'no' } })
    expect(it.agent.alerts.find('rollout.approval')).toBeDefined()
    reportApproval(it.agent.alerts, { ...need, decision: { kind: 'wait', reason: 'it soaks' } })
    expect(it.agent.alerts.settled(1)).toMatchObject([{ ending: 'v1.14.2 is the target release now' }])
  })
})
