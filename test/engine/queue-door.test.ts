import { expect, test } from 'vitest'
import { createQueueDoor } from '../../src/engine/queue-door.ts'
import { refusal } from '../adapters/refusal.ts'

function queue() {
  const added: string[] = []
  return { added, add: async ({ name }: { name: string }) => void added.push(name) }
}

test('a job that is requested while the queue starts is queued once it has started', async () => {
  const store = queue()
  const door = createQueueDoor(() => void store.added.push('first opened'))
  await door.add({ name: 'watch-releases' })
  await door.add({ name: 'watch-releases' })
  await door.add({ name: 'stage-image' })
  expect(store.added).toEqual([])
  using _ = door.open(store)
  expect(store.added).toEqual(['watch-releases', 'stage-image', 'first opened'])
  await door.add({ name: 'upgrade-node' })
  expect(store.added.at(-1)).toBe('upgrade-node')
})

test('a queue that has gone takes nothing, and says so', async () => {
  const store = queue()
  const door = createQueueDoor(() => {})
  door.open(store)[Symbol.dispose]()
  expect(await refusal(door.add({ name: 'stage-image' }))).toMatchObject({ code: 'unreachable' })
  using _ = door.open(store)
  expect(store.added).toEqual([])
})
