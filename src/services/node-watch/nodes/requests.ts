import type { PageField, PageRequest } from '../../../operations/pages.ts'

const node: PageField = { kind: 'given', name: 'node' }

/** What a person requests of a node. */
export const nodeRequests: Readonly<Record<string, PageRequest>> = {
  pause: {
    title: 'Leave this node out of upgrades?',
    label: 'Pause it',
    scope: 'operate',
    fields: [node, { kind: 'text', name: 'reason', label: 'Why (shown to everybody)', most: 200 }],
    preview: ({ node: name = '' }) => [
      `${name} is not upgraded until someone resumes it; the others go on`,
      'A node that is under way is finished or uncordoned first',
    ],
    perform: async ({ node: name = '', reason }, { operator }, asked) =>
      (await operator.nodes.pause({ node: name, reason }, asked)).said,
  },
  resume: {
    title: 'Upgrade this node again?',
    label: 'Resume it',
    scope: 'operate',
    fields: [node],
    preview: ({ node: name = '' }) => [`${name} takes part in upgrades again, from the next window on`],
    perform: async ({ node: name = '' }, { operator }, asked) =>
      (await operator.nodes.resume({ node: name }, asked)).said,
  },
  retry: {
    title: 'Try this node again?',
    label: 'Try it again',
    scope: 'operate',
    fields: [node],
    preview: ({ node: name }) => [
      `The failed attempts of ${name ?? 'all nodes'} are forgotten`,
      'It is drained, upgraded and rebooted again as soon as nothing is in the way',
    ],
    perform: async ({ node: name }, { operator }, asked) => (await operator.nodes.retry({ node: name }, asked)).said,
  },
  rollback: {
    title: 'Roll this node back?',
    label: 'Roll it back',
    scope: 'operate',
    isDangerous: true,
    fields: [node, { kind: 'check', name: 'force', label: 'Even if etcd may not read its data, or loses its quorum' }],
    preview: async ({ node: name = '' }, { operator, signal }) => {
      const { talos } = await operator.nodes.find({ node: name }, signal)
      const runs = talos.ok ? `, which runs ${talos.value.version},` : ''
      return [
        `${name}${runs} is drained and rebooted into its previous release, or disarmed where it has not booted the new one`,
        'The rollout of the release that it leaves is aborted',
      ]
    },
    perform: async ({ node: name = '', force }, { operator }, asked) =>
      (await operator.nodes.rollback({ node: name, force: force !== undefined }, asked)).said,
  },
}
