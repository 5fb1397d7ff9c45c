import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { reasonOf } from '../../../src/services/boot-files/files/open-file.ts'
import { openTransferSocket } from '../../../src/services/boot-files/tftp/door.ts'

test('a machine that can not be sent to holds no socket', async () => {
  const place = { address: '127.0.120.8', family: 'IPv4', port: 6_969 } as const
  const open = async () => (await readdir('/proc/self/fd')).length
  const before = await open()
  for (let count = 0; count < 20; count += 1)
    await expect(openTransferSocket(place, '127.0.120.9', 0)).rejects.toThrow('Port')
  await expect.poll(open).toBeLessThan(before + 20)
})

test.each([
  { code: 'EMFILE', reason: 'busy' },
  { code: 'ENFILE', reason: 'busy' },
  { code: 'ENOMEM', reason: 'busy' },
  { code: 'EIO', reason: 'unreadable' },
  { code: 'EACCES', reason: 'unreadable' },
  { code: 'ENOENT', reason: 'not-found' },
])('where the system says $code a request is refused as $reason', ({ code, reason }) => {
  expect(reasonOf(Object.assign(new Error(code), { code }))).toBe(reason)
})
