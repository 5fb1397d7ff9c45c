import { expect, test } from 'vitest'
import { fakeHomelab } from '../fakes/homelab.ts'
import { asked, operatorOf } from '../fakes/person.ts'
import { begin, offered, texts } from '../fakes/rollout.ts'
import { two } from '../fakes/stories.ts'

test('a bug in a job is an alert that asks to report it, and whoever waits for the run hears the same', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  homelab.ports.factory.versions = () => {
    throw new TypeError('x is not a function')
  }
  const { jobs } = operatorOf(homelab, it)
  const answer = jobs.run({ job: 'watch-releases', wait: true }, asked())
  await expect(it.run('watch-releases')).rejects.toThrow(TypeError)
  const said = 'internal error; please report it with the log: x is not a function'
  expect(await answer).toEqual({ outcome: 'failed', detail: said })
  expect(texts(homelab, 'alert')).toContain(`watch-releases failed: ${said}`)
})
