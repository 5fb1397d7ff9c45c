import { type Context, Hono } from 'hono'
import { AgentError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { type Presser, presserOf } from '../core/notify/presser.ts'
import type { Asked } from '../core/operator.ts'
import type { RequestAnswer } from '../core/request-answer.ts'
import { plainPage, plainPageHeaders } from './plain-page.ts'

/** What a page of a button needs: `Actions` of operations. */
export interface ActionDoor {
  /** What pressing it would do. @throws AgentError `rejected` where it does nothing, and why */
  preview(channel: string, token: string): { readonly said: string; readonly label: string }
  perform(channel: string, token: string, asked: Asked): Promise<RequestAnswer>
}

/**
 * The pages that buttons of messages lead to. Looking at one does nothing, because mail scanners and previews of chats follow
 * links; a POST does it. Whoever has the link may press it: it carries a signature and works once.
 */
export function createActionPages(homelab: () => string, actions: ActionDoor, log: Logger) {
  const page = (c: Context, { status = 200, ...parts }: PageParts) =>
    c.html(plainPage({ heading: homelab(), ...parts }), status, plainPageHeaders)

  /** A phone that presses a button by itself shows no page: it hears JSON. */
  const answer = (c: Context, parts: PageParts & { readonly done: boolean }) =>
    c.req.header('accept')?.includes('text/html')
      ? page(c, parts)
      : c.json({ done: parts.done, said: parts.text }, parts.status ?? 200)

  function refused(c: Context, error: unknown) {
    if (!(error instanceof AgentError) || error.code === 'internal') {
      log.error({ err: error }, 'a button failed')
      return answer(c, { done: false, title: 'Failed', text: 'Internal error: the log says more', status: 500 })
    }
    return answer(c, {
      done: false,
      title: 'Nothing was done',
      text: `Nothing was done: ${error.message}`,
      status: 409,
    })
  }

  return new Hono<{ Bindings: { readonly presser?: Presser } }>()
    .get('/act/:channel/:token', (c) => {
      const { channel, token } = c.req.param()
      try {
        const { said, label } = actions.preview(channel, token)
        return page(c, { title: label, text: said, button: label })
      } catch (error) {
        return refused(c, error)
      }
    })
    .post('/act/:channel/:token', async (c) => {
      const { channel, token } = c.req.param()
      try {
        const by = presserOf(channel, c.env.presser ?? {})
        const { said } = await actions.perform(channel, token, { by, signal: c.req.raw.signal })
        return answer(c, { done: true, title: 'Done', text: said })
      } catch (error) {
        return refused(c, error)
      }
    })
}

interface PageParts {
  readonly title: string
  /** A sentence without a full stop. */
  readonly text: string
  readonly button?: string
  readonly status?: 200 | 409 | 500
}
