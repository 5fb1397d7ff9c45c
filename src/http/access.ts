import type { Context } from 'hono'
import type { Scope } from '../core/access/token.ts'
import { type Requester, statedBy } from '../core/requester.ts'
import { decodeRequester, requesterHeader } from './requester.ts'

/** Whether a door lets somebody do what a route does, and who that is. */
export interface Access {
  /** Whether it is the control socket, which only the daemon's user can open. */
  readonly isSocket?: boolean
  /**
   * Who asks, by what the request carries, where that is enough for what the route needs.
   *
   * @throws AgentError `unauthenticated` where it says not who, `forbidden` where that person may not
   */
  admit(c: Context, needed: Scope): Requester | Promise<Requester>
}

/** On the control socket everybody may everything: only the daemon's user can open it. Names are as stated. */
export const socketAccess: Access = {
  isSocket: true,
  admit: (c) => statedBy(decodeRequester(c.req.header(requesterHeader))),
}
