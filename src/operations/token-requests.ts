import { createHash, randomBytes } from 'node:crypto'
import { type Token, tokenKind } from '../core/access/token.ts'
import { AgentError } from '../core/errors.ts'
import type { Asked } from '../core/operator.ts'
import type { TokenAnswer, TokenRequests } from '../core/access/requests.ts'
import { recordChange, type RequestMeans } from './request.ts'
import { notFound } from './running-agent.ts'

/** What every token begins with, so that scanners of repositories and logs know it. */
const prefix = 'caretaker_'
const named = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/** Tokens of the API: made, listed, and revoked. */
export function createTokenRequests({ ports: { journal }, now }: RequestMeans): TokenRequests<Asked> {
  const records = journal.records(tokenKind)
  return {
    list: () => records.newest(1_000).map(answerOf),
    create: ({ name, scope, lastsMs }, { by }) => {
      if (!named.test(name))
        throw new AgentError('misconfigured', 'name: use lowercase letters, digits and hyphens, 63 at most')
      if (records.get(name)) throw new AgentError('rejected', `there is a token ${name} already: revoke it first`)
      const token = `${prefix}${randomBytes(32).toString('base64url')}`
      const createdAt = now().toISOString()
      const expiresAt = lastsMs === undefined ? undefined : new Date(now().getTime() + lastsMs).toISOString()
      records.save({ name, scope, hash: hashOf(token), createdAt, ...(expiresAt === undefined ? {} : { expiresAt }) })
      const said = `the token ${name} may ${describeScope(scope)}${expiresAt === undefined ? '' : ` until ${expiresAt}`}`
      return { ...recordChange(journal, { kind: 'event', subject: 'api', said }, by), token }
    },
    revoke: ({ name }, { by }) => {
      if (!records.get(name)) throw notFound('token', name, records.newest(1_000))
      records.remove(name)
      return recordChange(journal, { kind: 'event', subject: 'api', said: `the token ${name} is revoked` }, by)
    },
  }
}

function answerOf({ name, scope, createdAt, expiresAt }: Token): TokenAnswer {
  return { name, scope, createdAt, ...(expiresAt === undefined ? {} : { expiresAt }) }
}

/** The hash by which a token is kept. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

function describeScope(scope: 'read' | 'operate' | 'admin'): string {
  return { read: 'read', operate: 'read and operate', admin: 'read, operate and manage tokens' }[scope]
}
