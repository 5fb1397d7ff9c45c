import { expect, test } from 'vitest'
import { isHealthy, whyUnhealthy } from '../../../src/core/cluster/cluster.ts'
import { isArmed } from '../../../src/core/cluster/next-boot.ts'
import { armedEntries, controlPlane, worker } from './nodes.ts'

test.each([
  ['a node that runs and is Ready', worker('w'), undefined],
  ['a node that is cordoned', worker('w', { kubernetes: { unschedulable: true } }), undefined],
  ['a node that is silent', worker('w', { talos: 'silent' }), 'does not answer (no route to host)'],
  ['a node that boots', worker('w', { talos: { stage: 'booting', ready: false } }), 'is booting'],
  [
    'a node that waits for something',
    worker('w', { talos: { ready: false, unmet: ['time: not synced', 'kubelet'] } }),
    'is not ready (time: not synced, kubelet)',
  ],
  ['a node that does not say why', worker('w', { talos: { ready: false } }), 'is not ready (no reason given)'],
  [
    'a control plane without etcd',
    controlPlane('cp', ['cp'], { etcd: 'silent' }),
    'has no healthy etcd (etcd is not running)',
  ],
  [
    'a node that Kubernetes does not know',
    worker('w', { kubernetes: 'silent' }),
    'is not seen in Kubernetes (connection refused)',
  ],
  ['a node that is not Ready', worker('w', { kubernetes: { ready: false } }), 'is not Ready in Kubernetes'],
])('what is wrong with %s', (_, node, why) => {
  expect(whyUnhealthy(node)).toBe(why)
  expect(isHealthy(node)).toBe(why === undefined)
})

test.each([
  ['runs, with another release installed', worker('w', { talos: { ...armedEntries } }), true],
  ['runs, with nothing installed', worker('w'), false],
  ['has just booted what was installed', worker('w', { talos: { fallbackPending: true, ready: false } }), false],
  ['has fallen ill, with another release installed', worker('w', { talos: { ...armedEntries, ready: false } }), true],
  ['boots', worker('w', { talos: { ...armedEntries, stage: 'booting' } }), false],
  ['is silent', worker('w', { talos: 'silent' }), false],
])('a node that %s is armed: %s', (_, node, armed) => {
  expect(isArmed(node)).toBe(armed)
})
