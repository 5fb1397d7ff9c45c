import { parseWhole as parseConfig } from './whole.ts'
import { AgentError } from '../../src/core/errors.ts'

export const smallest = `cluster: { talosconfig: talosconfig, kubeconfig: kubeconfig }
nodes:
  - { name: cp-1, role: controlplane, address: 10.0.0.2, mac: 00:1b:21:3a:4f:02 }
schematic: homelab
share: { directory: /srv/tftp }
`

/** Every fault, each in a line; none for what is valid. */
export function faultsOf(text: string): string[] {
  try {
    parseConfig(text, 'c.yaml')
    return []
  } catch (error) {
    if (error instanceof AgentError && error.code === 'misconfigured') return error.message.split('\n')
    throw error
  }
}
