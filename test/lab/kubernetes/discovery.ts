import { apiVersionOf, type Resource } from './objects.ts'

/** What /version says (k8s.io/apimachinery pkg/version Info). */
export function describeVersion(gitVersion: string): object {
  const [, major = '1', minor = ''] = /^v(\d+)\.(\d+)/.exec(gitVersion) ?? []
  return {
    major,
    minor,
    gitVersion,
    gitCommit: '0'.repeat(40),
    gitTreeState: 'clean',
    buildDate: '2026-01-01T00:00:00Z',
    goVersion: 'go1.26.0',
    compiler: 'gc',
    platform: 'linux/amd64',
  }
}

/** The documents by which clients find out what is served: /api, /apis, and one for each group and version. */
export function describeApi(path: string, serverAddress: string, resources: readonly Resource[]): object | undefined {
  // Each group has one version in the lab.
  const versions = new Map(resources.map(({ group, version }) => [group, version]))
  const groups = [...versions].filter(([group]) => group !== '').map(describeGroup)
  if (path === '/api') {
    const serverAddressByClientCIDRs = [{ clientCIDR: '0.0.0.0/0', serverAddress }]
    return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs }
  }
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups }
  const group = groups.find(({ name }) => path === `/apis/${name}`)
  if (group !== undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...group }
  const served = resources.filter((resource) => path === rootOf(resource))
  const [first] = served
  if (first === undefined) return undefined
  const list = served.flatMap(describeResource)
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersionOf(first), resources: list }
}

/** '/api/v1' for the core group, '/apis/<group>/<version>' for all others. */
export function rootOf({ group, version }: Resource): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`
}

function describeGroup([name, only]: readonly [string, string]) {
  const version = { groupVersion: `${name}/${only}`, version: only }
  return { name, versions: [version], preferredVersion: version }
}

function describeResource(resource: Resource): readonly object[] {
  const { plural, singular, namespaced, kind, verbs, shortNames } = resource
  const short = shortNames.length > 0 ? { shortNames } : {}
  const own = { name: plural, singularName: singular, namespaced, kind, verbs, ...short }
  // kubectl scale finds out here of which kind a scale is.
  const scale = {
    name: `${plural}/scale`,
    singularName: '',
    namespaced,
    kind: 'Scale',
    verbs: ['get', 'patch', 'update'],
  }
  if (plural === 'deployments' || plural === 'statefulsets')
    return [own, { ...scale, group: 'autoscaling', version: 'v1' }]
  if (plural !== 'pods') return [own]
  // kubectl drain looks for this one, with its own group and version, before it dares to evict.
  const eviction = { name: 'pods/eviction', singularName: '', namespaced, kind: 'Eviction', verbs: ['create'] }
  const exec = { name: 'pods/exec', singularName: '', namespaced, kind: 'PodExecOptions', verbs: ['create', 'get'] }
  return [own, { ...eviction, group: 'policy', version: 'v1' }, exec]
}
