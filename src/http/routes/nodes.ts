import { z } from '@hono/zod-openapi'
import type { Operator } from '../../core/operator.ts'
import { longestReason } from '../../core/requester.ts'
import { flag, name, nameIfAny, text } from '../fields.ts'
import { route } from '../route.ts'
import { node as nodeAnswer, nodes as nodeList } from '../schemas/cluster.ts'
import { changed } from '../schemas/jobs.ts'

const params = z.strictObject({ name: name('The name of a node') })

/** What a person requests of one node, or of all. */
export function nodeRoutes({ nodes }: Operator) {
  return [
    route(
      {
        method: 'get',
        path: '/nodes',
        summary: 'The nodes, with release and health',
        scope: 'read',
        answer: nodeList,
      },
      (_, { signal }) => nodes.list(signal),
    ),
    route(
      {
        method: 'get',
        path: '/nodes/{name}',
        summary: 'One node, with release and health',
        scope: 'read',
        params,
        answer: nodeAnswer,
      },
      ({ params: { name: node } }, { signal }) => nodes.find({ node }, signal),
    ),
    ...requestRoutes({ nodes }),
  ]
}

function requestRoutes({ nodes }: Pick<Operator, 'nodes'>) {
  return [
    route(
      {
        method: 'post',
        path: '/nodes/{name}/pause',
        summary: 'Excludes a node from upgrades',
        scope: 'operate',
        params,
        body: z.strictObject({ reason: text(longestReason) }),
        answer: changed,
      },
      ({ params: { name: node }, body }, asked) => nodes.pause({ node, ...body }, asked),
    ),
    route(
      {
        method: 'post',
        path: '/nodes/{name}/resume',
        summary: 'Includes a paused node again',
        scope: 'operate',
        params,
        answer: changed,
      },
      ({ params: { name: node } }, asked) => nodes.resume({ node }, asked),
    ),
    route(
      {
        method: 'post',
        path: '/nodes/{name}/rollback',
        summary: 'Rolls a node back to its previous release, or disarms it',
        scope: 'operate',
        params,
        body: z.strictObject({ force: flag('Even if etcd may not read its data, or loses its quorum') }),
        answer: changed,
      },
      ({ params: { name: node }, body }, asked) => nodes.rollback({ node, ...body }, asked),
    ),
    route(
      {
        method: 'post',
        path: '/rollout/retry',
        summary: 'Forgets failed attempts of one node, or of all',
        scope: 'operate',
        body: z.strictObject({ node: nameIfAny('Without it: all nodes') }),
        answer: changed,
      },
      ({ body }, asked) => nodes.retry(body, asked),
    ),
  ]
}
