import { describe, expect, test } from 'vitest'
import { ShareFull } from '../../src/core/release/share-full.ts'
import { asked, operatorOf } from '../fakes/person.ts'
import { open } from './requesting.ts'

/** A look at the share that is under way, and goes on when it is let. */
async function lookingAt(at: Awaited<ReturnType<typeof open>>) {
  const { share } = at.homelab.ports
  const [began, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const { staged } = share
  share.staged = async () => {
    share.staged = staged
    began.resolve()
    await goesOn.promise
    return staged()
  }
  const run = at.run('stage-image').catch((error: Error) => error.message)
  await began.promise
  at.passes(1_000)
  return { goesOn: goesOn.resolve, run }
}

describe('who asks for a release while a run looks at the share hears of that release', () => {
  test('where the run that looked has failed with it, and the next one does not know of it', async () => {
    await using at = await open()
    const { staging } = operatorOf(at.homelab, at)
    const look = await lookingAt(at)
    at.homelab.share.block(new ShareFull('the share is full'))
    const answer = staging.stage({ version: 'v1.14.0', wait: true }, asked())
    await Promise.resolve()
    look.goesOn()
    expect(await look.run).toMatch(/the share is full/)
    await at.run('stage-image')
    expect(await answer).toMatchObject({ outcome: 'failed', detail: expect.stringContaining('the share is full') })
  })

  test('where the run that looked has brought it', async () => {
    await using at = await open()
    const { staging } = operatorOf(at.homelab, at)
    const look = await lookingAt(at)
    const answer = staging.stage({ version: 'v1.14.0', wait: true }, asked())
    await Promise.resolve()
    look.goesOn()
    await look.run
    await at.runQueue()
    expect(await answer).toEqual({
      outcome: 'done',
      detail: 'v1.14.0 staged; machines boot v1.13.9: every node runs it',
    })
  })

  test('where the run had looked before: the next one answers', async () => {
    await using at = await open()
    const { staging } = operatorOf(at.homelab, at)
    const { share } = at.homelab.ports
    const { stage } = share
    const [began, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    share.stage = async (...of) => {
      share.stage = stage
      began.resolve()
      await goesOn.promise
      return stage(...of)
    }
    const run = at.run('stage-image')
    await began.promise
    at.passes(1_000)
    const answer = staging.stage({ version: 'v1.14.0', wait: true }, asked())
    await Promise.resolve()
    goesOn.resolve()
    expect(await run).toMatchObject({ kind: 'done', summary: expect.not.stringContaining('v1.14.0') })
    await at.runQueue()
    expect(await answer).toMatchObject({ outcome: 'done', detail: expect.stringMatching(/^v1\.14\.0 staged; /) })
  })
})
