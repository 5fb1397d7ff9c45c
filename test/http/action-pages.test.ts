import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { createActionPages } from '../../src/http/action-pages.ts'
import { silentLog } from '../fakes/log.ts'

/** Pages whose buttons are known to a list, and work once. */
function pages({ homelab = 'attic', preview = 'Pause rollouts' } = {}) {
  const open = new Set(['good'])
  const done: string[] = []
  const check = (token: string) => {
    if (token === 'broken') throw new Error('a bug')
    if (!open.has(token)) throw new AgentError('rejected', 'this button was pressed before')
  }
  const app = createActionPages(
    () => homelab,
    {
      preview: (_, token) => (check(token), { said: preview, label: 'Pause' }),
      perform: async (channel, token, { by }) => {
        check(token)
        open.delete(token)
        done.push(`${channel}: ${by.name}, verified ${by.verified}`)
        return { said: 'rollouts are paused', changed: true }
      },
    },
    silentLog,
  )
  const browser = { accept: 'text/html,*/*' }
  return {
    done,
    get: (path: string) => app.request(path, { headers: browser }, {}),
    post: (path: string, headers = browser) => app.request(path, { method: 'POST', headers }, {}),
  }
}

describe('the page of a button', () => {
  test('shows what it would do, and does nothing however often it is looked at', async () => {
    const { get, done } = pages()
    for (const _ of [1, 2, 3]) {
      const page = await get('/act/phone/good')
      expect(page.status).toBe(200)
      expect(await page.text()).toMatch(/attic[^]*Pause rollouts\.[^]*<form method="post"><button>Pause<\/button>/)
    }
    expect(done).toEqual([])
  })

  test('does it when it is sent, and not twice', async () => {
    const { get, post, done } = pages()
    const page = await post('/act/phone/good')
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('rollouts are paused.')])
    expect(done).toEqual(['phone: somebody with a button of channel phone, verified true'])
    for (const again of [await post('/act/phone/good'), await get('/act/phone/good')]) {
      expect(again.status).toBe(409)
      expect(await again.text()).toMatch(/Nothing was done: this button was pressed before\./)
    }
    expect(done).toHaveLength(1)
  })

  test('answers a phone that presses by itself in JSON', async () => {
    const { post } = pages()
    const phone = { accept: '*/*' }
    expect(await (await post('/act/phone/good', phone)).json()).toEqual({ done: true, said: 'rollouts are paused' })
    expect(await (await post('/act/phone/good', phone)).json()).toMatchObject({ done: false })
  })

  test('shows what others have named as text, says nothing of a bug, and allows its own style alone', async () => {
    const { get, post } = pages({ homelab: '<script>alert(1)</script>', preview: '"><img src=x>' })
    const page = await get('/act/phone/good')
    const text = await page.text()
    expect(text).not.toMatch(/<script|<img/)
    const style = /<style>([^]*?)<\/style>/.exec(text)![1]!
    expect(page.headers.get('content-security-policy')).toContain(
      `'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    )
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'/)
    const broken = await post('/act/phone/broken')
    expect([broken.status, await broken.text()]).toEqual([500, expect.not.stringContaining('a bug')])
  })
})
