import { expect, test } from 'vitest'
import type { ProvisionDesk } from '../../src/core/provision/desk.ts'
import type { Claim, ConfigQuestion } from '../../src/core/provision/question.ts'
import { soon } from '../patience.ts'

/** A desk that knows of no machine yet. */
export interface DeskUnderTest extends AsyncDisposable {
  readonly desk: ProvisionDesk
  /** A person lets whoever shows this code have a configuration, once. */
  approve(id: string, code: string): void
  reject(id: string): void
}

const uuid = '30313436-3631-4d32-3130-343430315836'
const mac = '52:54:00:12:34:56'
const question = (change: Partial<ConfigQuestion> & { readonly claim?: Claim } = {}): ConfigQuestion => ({
  claim: { uuid, mac, serial: undefined, hostname: undefined },
  address: '192.168.0.21',
  way: 'plain',
  ...change,
})

/** What those rely on that hold the connections of machines. */
export function deskContract(open: () => Promise<DeskUnderTest>): void {
  /** Asks, and answers the code that it shows. */
  const codeOf = (desk: ProvisionDesk, asked = question()) => {
    const answer = desk.ask(asked)
    if (!('code' in answer)) throw new Error(`it was refused: ${answer.text}`)
    return answer.code
  }

  test('a machine waits, with a code that fits its console', async () => {
    await using at = await open()
    const answer = at.desk.ask(question())
    expect(answer).toMatchObject({ kind: 'wait', id: uuid })
    const { code, text } = answer as { readonly code: string; readonly text: string }
    expect(code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    expect(text).toBe(`pending: ${code}`)
    expect(at.desk.ask(question())).toEqual(answer)
  })

  test('who says neither UUID nor MAC address is nobody', async () => {
    await using at = await open()
    const answer = at.desk.ask(question({ claim: { serial: '1', hostname: 'w-9' } }))
    expect(answer).toMatchObject({ kind: 'refuse' })
    expect(Buffer.byteLength((answer as { text: string }).text)).toBeLessThanOrEqual(32)
    expect(answer).not.toHaveProperty('id')
  })

  test.each<{ name: string; change: Partial<ConfigQuestion> }>([
    { name: 'another address', change: { address: '192.168.0.22' } },
    { name: 'another MAC address', change: { claim: { uuid, mac: '52:54:00:12:34:57' } } },
    { name: 'another way', change: { way: 'device-flow' } },
  ])('$name is somebody else, with another code, and gets nothing of what was approved', async ({ change }) => {
    await using at = await open()
    const code = codeOf(at.desk)
    const other = question(change)
    expect(codeOf(at.desk, other)).not.toBe(code)
    at.approve(uuid, code)
    expect(at.desk.ask(other).kind).toBe('wait')
    await expect(at.desk.take(other)).rejects.toMatchObject({ code: 'rejected' })
    expect(at.desk.ask(question())).toMatchObject({ kind: 'deliver', id: uuid, code })
  })

  test('whoever waits hears of a change, and of none of others', async () => {
    await using at = await open()
    const other = '11111111-3631-4d32-3130-343430315836'
    const codes = [codeOf(at.desk), codeOf(at.desk, question({ claim: { uuid: other } }))]
    let heard = 0
    const waiting = at.desk.changed(uuid, soon()).then(() => (heard += 1))
    at.approve(other, codes[1]!)
    await new Promise((resolve) => setImmediate(resolve))
    expect(heard).toBe(0)
    at.approve(uuid, codes[0]!)
    await waiting
    expect(at.desk.ask(question()).kind).toBe('deliver')
  })

  test('whoever waits no longer is told so', async () => {
    await using at = await open()
    codeOf(at.desk)
    const gone = new AbortController()
    const waiting = at.desk.changed(uuid, gone.signal)
    gone.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'timed-out' })
    expect(await at.desk.changed(uuid, gone.signal).catch(() => 'over')).toBe('over')
  })

  test('by one approval it is taken once, by however many at a time', async () => {
    await using at = await open()
    at.approve(uuid, codeOf(at.desk))
    const taken = await Promise.allSettled([at.desk.take(question()), at.desk.take(question())])
    expect(taken.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await expect(at.desk.take(question())).rejects.toMatchObject({ code: 'rejected' })
    expect(at.desk.ask(question()).kind).not.toBe('deliver')
  })

  test('what was cut off is used up all the same', async () => {
    await using at = await open()
    at.approve(uuid, codeOf(at.desk))
    const { id, text, cut } = await at.desk.take(question())
    expect(id).toBe(uuid)
    expect(text.length).toBeGreaterThan(0)
    cut('it hung up')
    expect(at.desk.ask(question()).kind).not.toBe('deliver')
  })

  test('who is rejected is refused, and takes nothing', async () => {
    await using at = await open()
    codeOf(at.desk)
    const waiting = at.desk.changed(uuid, soon())
    at.reject(uuid)
    await waiting
    expect(at.desk.ask(question())).toMatchObject({ kind: 'refuse', id: uuid })
    await expect(at.desk.take(question())).rejects.toMatchObject({ code: 'rejected' })
  })
}
