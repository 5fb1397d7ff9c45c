import { expect, test } from 'vitest'
import { remembered } from '../../src/operations/facts.ts'
import { open } from './requesting.ts'

test('where the journal was lost, nobody is told that what is off was off before', async () => {
  await using at = await open(async ({ homelab, control, agent }) => {
    homelab.machine('w-1').up = false
    await control.shutDown()
    await agent.idle()
    remembered.lost.remember(homelab.ports.journal, { at: '2026-11-22T10:00:00.000Z', why: 'zeros' })
  })
  const { said } = await at.control.wake()
  expect(said).toMatch(
    /; with the journal it is lost whether w-1 was up before, and it stays off: wake it too with `caretaker power wake --all`$/,
  )
})
