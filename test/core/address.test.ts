import { expect, test } from 'vitest'
import { below, normalMac } from '../../src/core/address.ts'

test.each([
  { base: 'https://10.0.0.1:6443', path: '/api/v1/nodes', url: 'https://10.0.0.1:6443/api/v1/nodes' },
  { base: 'https://10.0.0.1:6443/', path: '/version', url: 'https://10.0.0.1:6443/version' },
  {
    base: 'https://rancher.lan/k8s/clusters/c-1/',
    path: '/apis?limit=500',
    url: 'https://rancher.lan/k8s/clusters/c-1/apis?limit=500',
  },
  { base: 'https://10.0.0.1:6443//', path: '/api/v1/nodes', url: 'https://10.0.0.1:6443/api/v1/nodes' },
  { base: 'https://mirror.lan//factory', path: '/versions', url: 'https://mirror.lan//factory/versions' },
  {
    base: 'https://mirror.lan//factory//',
    path: '/versions?broken=true',
    url: 'https://mirror.lan//factory/versions?broken=true',
  },
  { base: 'https://[fd00::1]:6443', path: '/a?x=b%2Cc&y=%3F', url: 'https://[fd00::1]:6443/a?x=b%2Cc&y=%3F' },
  { base: 'https://a.lan/?x=1#y', path: '/version', url: 'https://a.lan/version' },
  { base: 'https://a.lan', path: '/api/v1/namespaces/a%2Fb/pods', url: 'https://a.lan/api/v1/namespaces/a%2Fb/pods' },
])('below $base the path $path is on the same host', ({ base, path, url }) => {
  expect(below(new URL(base), path).href).toBe(url)
  expect(below(new URL(base), path).host).toBe(new URL(base).host)
})

test.each(['00:1b:21:3a:4f:5c', '00-1B-21-3A-4F-5C', '001b213a4f5c', '00:1B:21:3a:4f:5C'])(
  '%s is one network card however it is written',
  (text) => {
    expect(normalMac(text)).toBe('00:1b:21:3a:4f:5c')
  },
)

test.each(['', '00:1b:21:3a:4f', '00:1b-21:3a:4f:5c', '00:1b:21:3a:4f:5g', '00:1b:21:3a:4f:5c:00', 'w-1'])(
  '%j is no MAC address',
  (text) => {
    expect(normalMac(text)).toBeUndefined()
  },
)
