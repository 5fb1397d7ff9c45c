import { expect, test } from 'vitest'
import type { Operator } from '../../../src/core/operator.ts'
import { createActions } from '../../../src/operations/actions.ts'
import { asked } from '../../fakes/person.ts'
import { address, asks, mac } from '../../fakes/machines.ts'
import { openRequests } from './at-requests.ts'

/** The buttons of a channel, over a desk. */
function openButtons() {
  const it = openRequests()
  const actions = createActions({
    key: new Uint8Array(32),
    operator: { machines: it.requests } as Operator,
    alerts: it.alerts,
    journal: it.journal,
    power: { upses: new Map() },
    config: () => ({}) as never,
    now: it.now,
  })
  return {
    ...it,
    issue: (deed: 'admit' | 'turn-away', code = it.code()) => actions.issue('phone', { do: deed, subject: code }),
    preview: (token: string) => actions.preview('phone', token),
    press: (token: string) => actions.perform('phone', token, asked()),
  }
}

test('an alert offers to approve and to reject a machine, and the button says which', async () => {
  const it = openButtons()
  it.desk.ask(asks())
  await it.told()
  const [alert] = it.alerts.all
  expect(alert?.offers).toEqual([
    { do: 'admit', subject: it.code() },
    { do: 'turn-away', subject: it.code() },
  ])
  expect(it.preview(it.issue('admit'))).toEqual({
    said: `Approve ${mac} at ${address}, whose console shows ${it.code()}, as a worker`,
    label: 'Approve as worker',
  })
  expect(it.issue('admit').length).toBeLessThanOrEqual(64)
})

test('a machine in maintenance is approved where its key is shown, and by no button', async () => {
  const it = openButtons()
  it.renderer.written = [{ name: 'worker-2', role: 'worker', way: 'maintenance' }]
  it.desk.ask(asks())
  await it.told()
  expect(it.alerts.all[0]).toMatchObject({
    action: expect.stringContaining('Compare the code, and its key,'),
    offers: [{ do: 'turn-away', subject: it.code() }],
  })
  await expect(it.press(it.issue('admit'))).rejects.toMatchObject({
    message: expect.stringMatching(/its key has to be compared: approve it on its page/),
  })
  await it.press(it.issue('turn-away'))
  expect(it.desk.machines()).toMatchObject([{ state: 'rejected' }])
})

test('a button approves its machine once, as a worker', async () => {
  const it = openButtons()
  it.desk.ask(asks())
  const token = it.issue('admit')
  expect((await it.press(token)).said).toContain('may have its configuration as worker')
  await expect(it.press(token)).rejects.toMatchObject({ code: 'rejected' })
  expect(it.desk.machines()).toMatchObject([{ state: 'approved', approval: { order: { role: 'worker' } } }])
})

test('the other button rejects it', async () => {
  const it = openButtons()
  it.desk.ask(asks())
  await it.press(it.issue('turn-away'))
  expect(it.desk.ask(asks())).toMatchObject({ kind: 'refuse' })
})

test('an old button approves nothing that asks later under another code', async () => {
  const it = openButtons()
  it.desk.ask(asks())
  const [admit, again] = [it.issue('admit'), it.issue('admit')]
  await it.press(admit)
  ;(await it.desk.take(asks())).sent()
  it.desk.ask(asks())
  await expect(it.press(again)).rejects.toMatchObject({ message: 'no machine waits with that code any more' })
  expect(it.desk.machines()).toMatchObject([{ state: 'delivered' }])
})

test('where several claim to be one machine no button is offered, and an old one decides for its own code alone', async () => {
  const it = openButtons()
  it.desk.ask(asks())
  const token = it.issue('admit')
  it.desk.ask(asks({ address: '192.168.0.99' }))
  await it.told()
  expect(it.alerts.all[0]?.offers).toBeUndefined()
  expect(it.preview(token).said).toContain('192.168.0.99 claims to be the same machine')
  await it.press(token)
  expect(it.desk.machines()[0]!.approval).toMatchObject({ address })
})

test('a button that came too late says that somebody has decided', async () => {
  const it = openButtons()
  it.desk.ask(asks())
  const token = it.issue('turn-away')
  await it.approve()
  expect(() => it.preview(token)).toThrow('somebody has decided about that machine already')
})
