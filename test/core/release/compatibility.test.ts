import { expect, test } from 'vitest'
import { hostMismatch, kubernetesMismatch } from '../../../src/core/release/compatibility.ts'

test.each([
  ['v1.13.9', 'v1.31.0', undefined],
  ['v1.13.9', 'v1.36.3', undefined],
  ['v1.14.0-rc.1', 'v1.32.0', undefined],
  ['v1.13.9', 'v1.30.9', 'v1.13.9 needs Kubernetes 1.31 or later, and v1.30.9 runs: upgrade Kubernetes first'],
  ['v1.13.9', 'v1.37.0', 'v1.13.9 runs Kubernetes up to 1.36, and v1.37.0 runs'],
  // What is not known is not refused.
  ['v1.99.0', 'v1.20.0', undefined],
  ['v1.13.9', 'v1.36.3+k3s1', undefined],
  ['v1.13.9', 'v2.0.0', undefined],
  ['v1.13.9', 'nightly', undefined],
  // A suffix of a vendor's does not hide what it is.
  [
    'v1.13.9',
    'v1.30.2+k3s1',
    'v1.13.9 needs Kubernetes 1.31 or later, and v1.30.2+k3s1 runs: upgrade Kubernetes first',
  ],
  ['v1.13.9', 'v1.37.0-rc.1', 'v1.13.9 runs Kubernetes up to 1.36, and v1.37.0-rc.1 runs'],
])('whether %s can run Kubernetes %s', (target, kubernetes, mismatch) => {
  expect(kubernetesMismatch(target, kubernetes)).toBe(mismatch)
})

test.each([
  ['v1.13.9', 'v1.13.8', undefined],
  ['v1.13.9', 'v1.11.0', undefined],
  [
    'v1.13.9',
    'v1.10.9',
    'v1.13.9 installs over v1.11.0 or later, and v1.10.9 runs: go through the minor versions between',
  ],
  [
    'v1.13.9',
    'v1.11.0-rc.0',
    'v1.13.9 installs over v1.11.0 or later, and v1.11.0-rc.0 runs: go through the minor versions between',
  ],
  ['v1.99.0', 'v1.2.0', undefined],
  ['v1.13.9', 'v1.10.9-k7.1.9', undefined],
])('whether %s installs over %s', (target, host, mismatch) => {
  expect(hostMismatch(target, host)).toBe(mismatch)
})
