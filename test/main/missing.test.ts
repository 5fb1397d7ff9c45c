import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.ts'
import { missingFor } from '../../src/main/missing.ts'

const nodes = [{ name: 'cp-1', role: 'controlplane', address: '10.0.0.1' }]

test.each([
  {
    what: 'nothing, where all is there',
    config: { nodes, cluster: { talosconfig: 't', kubeconfig: 'k' } },
    isThere: { talosconfig: true, kubeconfig: true },
    says: [],
  },
  {
    what: 'nothing of a kubeconfig that is asked of a control plane',
    config: { nodes, cluster: { talosconfig: 't' } },
    isThere: { talosconfig: true, kubeconfig: false },
    says: [],
  },
  {
    what: 'what to write, where nothing is named',
    config: {},
    isThere: { talosconfig: false, kubeconfig: false },
    says: [
      'nodes: list them under `nodes` to have them upgraded and shut down in order',
      'a talosconfig: set cluster.talosconfig to have nodes watched and upgraded',
    ],
  },
  {
    what: 'where to put files that are named',
    config: { nodes, cluster: { talosconfig: 't', kubeconfig: 'k' } },
    isThere: { talosconfig: false, kubeconfig: false },
    says: [
      'a usable talosconfig: put it at /etc/t to have nodes watched and upgraded',
      'a usable kubeconfig: put it at /etc/k to have nodes drained before they shut down',
    ],
  },
])('status says $what', ({ config: given, isThere, says }) => {
  const config = parseConfig(JSON.stringify({ schematic: 'h', share: { directory: 's' }, ...given }), 'c.yaml')
  expect(missingFor({ config, path: (file) => `/etc/${file}` }, isThere)).toEqual(says)
})
