import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { createRandom } from '../../core/random.ts'
import { cookieOf, openDoor, type OpenDoor, operateToken, readToken, signIn } from './door.ts'
import { hostileRequest, type Loot } from './hostile.ts'

const many = { burst: 1e9, perSecond: 1e9 }
const limits = { requests: many, signIns: many, headersWithin: 400, requestWithin: 800, idle: 100 }
const requests = Number(process.env['HOSTILE'] ?? 1_000)
const fileToken = 'canary_of-a-file-0123456789abcdef'

test(`${requests} hostile requests change nothing, break nothing, and learn no secret`, async () => {
  const random = createRandom(20_270_101)
  const proxy = { from: ['127.0.204.9'], scope: 'admin' }
  await using door = await openDoor({
    tokens: [
      { name: 'desk', scope: 'operate', text: operateToken },
      { name: 'panel', scope: 'read', text: readToken },
      { name: 'brief', scope: 'admin', text: `${operateToken}-over`, expiresAt: '2027-01-01T11:00:00Z' },
      { name: 'lost', scope: 'admin', text: `${operateToken}-lost` },
    ],
    section: { proxy },
    means: { limits },
  })
  await writeFile(resolve(door.folder, 'token'), fileToken)
  const loot = await collect(door)
  for (let done = 0; done < requests; done += 125) {
    const sent = Array.from({ length: 125 }, () => hostileRequest(random, loot))
    const answers = await Promise.all(sent.map((text) => door.raw(Buffer.from(text, 'latin1'), 4_000)))
    for (const [index, said] of answers.entries()) {
      expect(`${sent[index]!.slice(0, 300)} → ${statusesIn(said).join()}`).not.toMatch(/ → (.*,)?5/)
      for (const secret of [operateToken, fileToken, loot.cookies.at(-1)!.split('=')[1]!])
        expect(said).not.toContain(secret)
    }
    expect(door.heard).toEqual([])
  }
  expect(JSON.stringify(door.log)).not.toMatch(/caretaker_operate|canary/)
  // And nobody who may is harmed by it.
  const headers = { authorization: `Bearer ${operateToken}` }
  expect(await door.ask({ method: 'POST', path: '/api/v1/power/cancel', headers })).toMatchObject({ status: 200 })
  expect(door.heard).toHaveLength(1)
})

/** What a stranger may have picked up. */
async function collect(door: OpenDoor): Promise<Loot> {
  door.revoke('lost')
  const good = cookieOf(await signIn(door))
  const [name = '', value = ''] = good.split('=')
  const over = cookieOf(await signIn(door))
  const own = { cookie: over, 'sec-fetch-site': 'same-origin' }
  await door.ask({ method: 'DELETE', path: '/api/v1/session', headers: own })
  door.at.now = new Date('2027-01-01T00:00:00Z')
  const expired = cookieOf(await signIn(door))
  door.at.now = new Date('2027-01-01T12:00:00Z')
  const turned = (text: string, at: number) => text.slice(0, at) + (text[at] === 'x' ? 'y' : 'x') + text.slice(at + 1)
  const forged = [0, 10, 23, 40, 67, 70, 80, value.length - 1].map((at) => `${name}=${turned(value, at)}`)
  return {
    own: `127.0.0.1:${door.port}`,
    good: operateToken,
    tokens: [
      readToken,
      `${operateToken}-over`,
      `${operateToken}-lost`,
      ...Array.from(operateToken, (_, at) => turned(operateToken, at)),
      operateToken.slice(1),
      operateToken.slice(0, -1),
      `${operateToken}${operateToken}`,
      operateToken.toUpperCase(),
      'x'.repeat(10_000),
    ],
    cookies: [
      over,
      expired,
      ...forged,
      `${name}=`,
      `__Host-${good}`,
      `${name}=${operateToken}`,
      `${name}=${'.'.repeat(3)}`,
      good,
    ],
  }
}

function statusesIn(said: string): readonly string[] {
  return [...said.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status = '']) => status)
}
