import { expect, test } from 'vitest'
import { hostMismatch, kubernetesMismatch } from '../../../src/core/release/compatibility.ts'

test.each([
  { target: 'v1.13.9', kubernetes: 'v1.31.0', mismatch: undefined },
  { target: 'v1.13.9', kubernetes: 'v1.36.3', mismatch: undefined },
  { target: 'v1.14.0-rc.1', kubernetes: 'v1.32.0', mismatch: undefined },
  {
    target: 'v1.13.9',
    kubernetes: 'v1.30.9',
    mismatch: 'v1.13.9 needs Kubernetes 1.31 or later, but the cluster runs v1.30.9: upgrade Kubernetes first',
  },
  {
    target: 'v1.13.9',
    kubernetes: 'v1.37.0',
    mismatch: 'v1.13.9 supports Kubernetes up to 1.36, but the cluster runs v1.37.0',
  },
  // What is not known is not refused.
  { target: 'v1.99.0', kubernetes: 'v1.20.0', mismatch: undefined },
  { target: 'v1.13.9', kubernetes: 'v1.36.3+k3s1', mismatch: undefined },
  { target: 'v1.13.9', kubernetes: 'v2.0.0', mismatch: undefined },
  { target: 'v1.13.9', kubernetes: 'nightly', mismatch: undefined },
  // A suffix of a vendor's does not hide what it is.
  {
    target: 'v1.13.9',
    kubernetes: 'v1.30.2+k3s1',
    mismatch: 'v1.13.9 needs Kubernetes 1.31 or later, but the cluster runs v1.30.2+k3s1: upgrade Kubernetes first',
  },
  {
    target: 'v1.13.9',
    kubernetes: 'v1.37.0-rc.1',
    mismatch: 'v1.13.9 supports Kubernetes up to 1.36, but the cluster runs v1.37.0-rc.1',
  },
])('whether $target can run Kubernetes $kubernetes', ({ target, kubernetes, mismatch }) => {
  expect(kubernetesMismatch(target, kubernetes)).toBe(mismatch)
})

test.each([
  { target: 'v1.13.9', host: 'v1.13.8', mismatch: undefined },
  { target: 'v1.13.9', host: 'v1.11.0', mismatch: undefined },
  {
    target: 'v1.13.9',
    host: 'v1.10.9',
    mismatch:
      'v1.13.9 upgrades from v1.11.0 or later, but the node runs v1.10.9: upgrade through the minor versions in between',
  },
  {
    target: 'v1.13.9',
    host: 'v1.11.0-rc.0',
    mismatch:
      'v1.13.9 upgrades from v1.11.0 or later, but the node runs v1.11.0-rc.0: upgrade through the minor versions in between',
  },
  { target: 'v1.99.0', host: 'v1.2.0', mismatch: undefined },
  { target: 'v1.13.9', host: 'v1.10.9-k7.1.9', mismatch: undefined },
])('whether $target installs over $host', ({ target, host, mismatch }) => {
  expect(hostMismatch(target, host)).toBe(mismatch)
})
