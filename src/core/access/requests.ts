import type { RequestAnswer } from '../request-answer.ts'
import type { Scope, Token } from './token.ts'

/** What a person may ask about tokens of the API, and request of them. */
export interface TokenRequests<Asked> {
  list(): readonly TokenAnswer[]
  /** The token itself is answered once, and never again. */
  create(
    request: { readonly name: string; readonly scope: Scope; readonly lastsMs?: number | undefined },
    asked: Asked,
  ): NewTokenAnswer
  revoke(request: { readonly name: string }, asked: Asked): RequestAnswer
}

export type TokenAnswer = Omit<Token, 'hash'>

export interface NewTokenAnswer extends RequestAnswer {
  readonly token: string
}
