import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { watchNodes } from '../../src/services/node-watch/watch.ts'
import { fakeHomelab } from '../fakes/homelab.ts'

function watcherOf(homelab: ReturnType<typeof fakeHomelab>, every = 2) {
  const notices: string[] = []
  const stop = new AbortController()
  const ended = watchNodes(() => [...homelab.machines.keys()], homelab.ports.talos, {
    every,
    notice: (node, answers) => void notices.push(`${node} ${answers ? 'answers' : 'is silent'}`),
    signal: stop.signal,
  })
  return {
    notices,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await ended
    },
  }
}

test('each node that answers is noticed, and one that goes and comes back', async () => {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker' })
  await using watcher = watcherOf(homelab)
  await expect.poll(() => watcher.notices).toContain('w-1 answers')
  homelab.machine('w-1').up = false
  await expect.poll(() => watcher.notices).toContain('w-1 is silent')
  homelab.machine('w-1').up = true
  await expect
    .poll(() => watcher.notices.at(-1) === 'w-1 answers' || watcher.notices.at(-2) === 'w-1 answers')
    .toBe(true)
  expect(watcher.notices).not.toContain('cp-1 is silent')
})

test('a single round of silence is not yet news: a packet may be lost', async () => {
  const homelab = fakeHomelab({ 'w-1': 'worker' })
  let round = 0
  homelab.ports.talos.version = async () => {
    if (++round % 2 === 0) throw new AgentError('unreachable', 'lost')
    return 'v1.13.9'
  }
  await using watcher = watcherOf(homelab)
  await expect.poll(() => round).toBeGreaterThan(10)
  expect(watcher.notices).not.toContain('w-1 is silent')
})

test('one node that keeps its silence does not keep the others from being noticed', async () => {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker' })
  const { version } = homelab.ports.talos
  homelab.ports.talos.version = (node, signal) =>
    node === 'w-1'
      ? new Promise((_, reject) => signal.addEventListener('abort', () => reject(new AgentError('unreachable', ''))))
      : version(node, signal)
  await using watcher = watcherOf(homelab)
  await expect.poll(() => watcher.notices).toEqual(['cp-1 answers'])
})
