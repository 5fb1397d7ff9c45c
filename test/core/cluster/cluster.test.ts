import { expect, test } from 'vitest'
import { isHealthy, whyUnhealthy } from '../../../src/core/cluster/cluster.ts'
import { isArmed } from '../../../src/core/cluster/next-boot.ts'
import { armedEntries, controlPlane, worker } from './nodes.ts'

test.each([
  { name: 'a node that runs and is Ready', node: worker('w'), why: undefined },
  { name: 'a node that is cordoned', node: worker('w', { kubernetes: { unschedulable: true } }), why: undefined },
  { name: 'a node that is silent', node: worker('w', { talos: 'silent' }), why: 'does not answer (no route to host)' },
  { name: 'a node that boots', node: worker('w', { talos: { stage: 'booting', ready: false } }), why: 'is booting' },
  {
    name: 'a node that waits for something',
    node: worker('w', { talos: { ready: false, unmet: ['time: not synced', 'kubelet'] } }),
    why: 'is not ready (time: not synced, kubelet)',
  },
  {
    name: 'a node that does not say why',
    node: worker('w', { talos: { ready: false } }),
    why: 'is not ready (no reason given)',
  },
  {
    name: 'a control plane without etcd',
    node: controlPlane('cp', ['cp'], { etcd: 'silent' }),
    why: 'has no healthy etcd (etcd is not running)',
  },
  {
    name: 'a node that Kubernetes does not know',
    node: worker('w', { kubernetes: 'silent' }),
    why: 'could not be read from Kubernetes (connection refused)',
  },
  {
    name: 'a node that is not Ready',
    node: worker('w', { kubernetes: { ready: false } }),
    why: 'is not Ready in Kubernetes',
  },
])('what is wrong with $name', ({ node, why }) => {
  expect(whyUnhealthy(node)).toBe(why)
  expect(isHealthy(node)).toBe(why === undefined)
})

test.each([
  { name: 'runs, with another release installed', node: worker('w', { talos: { ...armedEntries } }), armed: true },
  { name: 'runs, with nothing installed', node: worker('w'), armed: false },
  {
    name: 'has just booted what was installed',
    node: worker('w', { talos: { fallbackPending: true, ready: false } }),
    armed: false,
  },
  {
    name: 'has fallen ill, with another release installed',
    node: worker('w', { talos: { ...armedEntries, ready: false } }),
    armed: true,
  },
  { name: 'boots', node: worker('w', { talos: { ...armedEntries, stage: 'booting' } }), armed: false },
  { name: 'is silent', node: worker('w', { talos: 'silent' }), armed: false },
])('a node that $name: armed is $armed', ({ node, armed }) => {
  expect(isArmed(node)).toBe(armed)
})
