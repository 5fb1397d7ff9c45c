import { expect, test } from 'vitest'
import { below } from '../../src/core/address.ts'

test.each([
  ['https://10.0.0.1:6443', '/api/v1/nodes', 'https://10.0.0.1:6443/api/v1/nodes'],
  ['https://10.0.0.1:6443/', '/version', 'https://10.0.0.1:6443/version'],
  ['https://rancher.lan/k8s/clusters/c-1/', '/apis?limit=500', 'https://rancher.lan/k8s/clusters/c-1/apis?limit=500'],
  ['https://10.0.0.1:6443//', '/api/v1/nodes', 'https://10.0.0.1:6443/api/v1/nodes'],
  ['https://mirror.lan//factory', '/versions', 'https://mirror.lan//factory/versions'],
  ['https://mirror.lan//factory//', '/versions?broken=true', 'https://mirror.lan//factory/versions?broken=true'],
  ['https://[fd00::1]:6443', '/a?x=b%2Cc&y=%3F', 'https://[fd00::1]:6443/a?x=b%2Cc&y=%3F'],
  ['https://a.lan/?x=1#y', '/version', 'https://a.lan/version'],
  ['https://a.lan', '/api/v1/namespaces/a%2Fb/pods', 'https://a.lan/api/v1/namespaces/a%2Fb/pods'],
])('below %s the path %s is on the same host', (base, path, url) => {
  expect(below(new URL(base), path).href).toBe(url)
  expect(below(new URL(base), path).host).toBe(new URL(base).host)
})
