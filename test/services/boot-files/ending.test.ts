import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { fetchFile } from '../../lab/tftp-client.ts'
import { ports, serveFolder } from './desk.ts'

/** The last part of a file waits until it is noted that it may arrive. */

const address = '127.0.127.1'
const image = randomBytes(300_000)
const block = 1_468

async function serveWaiting(stack: AsyncDisposableStack) {
  const { promise: noted, resolve: note } = Promise.withResolvers<void>()
  const { promise: waits, resolve: wait } = Promise.withResolvers<void>()
  const endings: string[] = []
  const served = stack.use(
    await serveFolder(address, {
      ending: ({ by, file }) => {
        endings.push(`${by} ${file}`)
        wait()
        return noted
      },
    }),
  )
  await served.write('boot.efi', image)
  return { served, endings, note, waits }
}

test('by TFTP the last block does', async () => {
  await using stack = new AsyncDisposableStack()
  const { served, endings, note, waits } = await serveWaiting(stack)
  const answered: number[] = []
  const fetched = fetchFile('boot.efi', {
    address,
    port: ports.tftp,
    from: '127.0.127.2',
    options: { blksize: String(block), windowsize: '4' },
    beforeAnswer: (one) => void answered.push(one),
  })
  await waits
  const last = Math.floor(image.length / block) + 1
  expect(answered).not.toContain(last)
  expect(served.told()).toEqual(['started'])
  note()
  expect((await fetched).bytes.equals(image)).toBe(true)
  await expect.poll(() => served.told()).toEqual(['started', 'done'])
  expect(endings).toEqual(['tftp boot.efi'])
})

test.each([
  { name: 'all of it', range: undefined, from: 0 },
  { name: 'its last bytes', range: 'bytes=299000-', from: 299_000 },
])('by HTTP the end does, of $name', async ({ range, from }) => {
  await using stack = new AsyncDisposableStack()
  const { served, note, waits } = await serveWaiting(stack)
  const fetched = fetch(`http://${address}:${ports.http}/boot.efi`, { headers: range ? { range } : {} }).then(
    async (answer) => Buffer.from(await answer.arrayBuffer()),
  )
  await waits
  expect(served.told()).toEqual(['started'])
  note()
  expect((await fetched).equals(image.subarray(from))).toBe(true)
  await expect.poll(() => served.told()).toEqual(['started', 'done'])
})

test('a part without the end of the file waits for nothing', async () => {
  await using stack = new AsyncDisposableStack()
  const { endings } = await serveWaiting(stack)
  const answer = await fetch(`http://${address}:${ports.http}/boot.efi`, { headers: { range: 'bytes=0-999' } })
  expect(Buffer.from(await answer.arrayBuffer()).equals(image.subarray(0, 1_000))).toBe(true)
  expect(endings).toEqual([])
})
