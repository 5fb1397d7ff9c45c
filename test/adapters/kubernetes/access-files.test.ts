import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { stringify } from 'yaml'
import { type Api, createApi } from '../../../src/adapters/kubernetes/api.ts'
import { parseKubeconfig } from '../../../src/adapters/kubernetes/kubeconfig.ts'
import { accessFrom, keepKubernetes } from '../../../src/main/credentials.ts'
import { loadSettings } from '../../../src/main/settings.ts'
import { createAuthority, type LabAuthority } from '../../lab/authority.ts'
import { createKubernetesApi, type KubernetesApi } from '../../lab/kubernetes/api.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

const address = '127.0.44.173'
const day = 86_400_000
const labs = new AsyncDisposableStack()
let authority: LabAuthority
let lab: KubernetesApi
let tokens: Record<string, { name: string; groups: string[] }>
beforeAll(async () => {
  authority = await createAuthority('kubernetes')
  tokens = {}
  lab = labs.use(createKubernetesApi({ address, port: 26_443, authority, tokens }))
  lab.addNode({ name: 'w-1', role: 'worker', address: '10.0.0.1' })
  lab.addCeph({ namespace: 'rook-ceph' })
  await lab.start()
})
afterAll(() => labs.disposeAsync())

let stack: AsyncDisposableStack
let directory: string
let troubles: (string | undefined)[]
const file = (name: string) => join(directory, name)
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  directory = await mkdtemp(join(tmpdir(), 'caretaker-access-'))
  stack.defer(() => rm(directory, { recursive: true }))
  troubles = []
  for (const name of Object.keys(tokens)) delete tokens[name]
})
afterEach(async () => {
  vi.useRealTimers()
  await stack.disposeAsync()
})

const kubeconfigOf = (user: object, cluster: object = { 'certificate-authority': 'ca.crt' }) =>
  stringify({
    'current-context': 'lab',
    contexts: [{ name: 'lab', context: { cluster: 'home', user: 'me' } }],
    clusters: [{ name: 'home', cluster: { server: `https://${address}:26443`, ...cluster } }],
    users: [{ name: 'me', user }],
  })

async function open(user: object): Promise<Api> {
  await writeFile(file('ca.crt'), authority.ca)
  await writeFile(file('kubeconfig'), kubeconfigOf(user))
  const nodes = [{ name: 'cp-1', role: 'controlplane', address: '10.0.0.9' }]
  const config = { cluster: { talosconfig: 't' }, nodes, schematic: 'h', share: { directory: 's' }, state: 'state' }
  await writeFile(file('caretaker.yaml'), stringify(config))
  const settings = await loadSettings(file('caretaker.yaml'), {})
  const kept = await keepKubernetes(settings, 'kubeconfig', { trouble: (why) => void troubles.push(why) })
  return stack.use(createApi({ access: accessFrom(kept) }))
}
const version = (api: Api) => api.send<object>({ method: 'GET', path: '/version', signal: soon() })
async function writeClient(common: string): Promise<void> {
  const { cert, key } = await authority.issueClient({ common, organizations: ['system:masters'] })
  await writeFile(file('me.crt'), cert)
  await writeFile(file('me.key'), key)
}
let cordoned = false
async function whoAmI(api: Api): Promise<string | undefined> {
  cordoned = !cordoned
  const body = { spec: { unschedulable: cordoned } }
  await api.send({ method: 'PATCH', path: '/api/v1/nodes/w-1', body, signal: soon() })
  return lab.diary.at(-1)?.by
}

describe('what a kubeconfig names is read again', () => {
  test('when the token in its file is replaced, also as Kubernetes swaps the volumes of secrets', async () => {
    tokens['one'] = { name: 'one', groups: ['system:masters'] }
    tokens['two'] = { name: 'two', groups: ['system:masters'] }
    for (const name of ['one', 'two']) {
      await mkdir(file(`..${name}`))
      await writeFile(file(`..${name}/token`), `${name}\n`)
    }
    await symlink('..one', file('..data'))
    const api = await open({ tokenFile: '..data/token' })
    expect(await whoAmI(api)).toBe('one')
    await symlink('..two', file('..new'))
    await rename(file('..new'), file('..data'))
    expect(await whoAmI(api)).toBe('two')
    delete tokens['one']
    expect(await whoAmI(api)).toBe('two')
  })

  test('when its certificate and its key are replaced, and not with one of both', async () => {
    await writeClient('old')
    const api = await open({ 'client-certificate': 'me.crt', 'client-key': 'me.key' })
    expect(await whoAmI(api)).toBe('old')
    const { cert, key } = await authority.issueClient({ common: 'new', organizations: ['system:masters'] })
    await writeFile(file('me.crt'), cert)
    expect(await whoAmI(api)).toBe('old')
    expect(troubles).toEqual([expect.stringContaining("certificates or key can't be used")])
    await writeFile(file('me.key'), key)
    expect(await whoAmI(api)).toBe('new')
    expect(troubles.at(-1)).toBeUndefined()
  })

  test('when its CA is replaced', async () => {
    await writeClient('me')
    const api = await open({ 'client-certificate': 'me.crt', 'client-key': 'me.key' })
    await version(api)
    await writeFile(file('ca.crt'), (await createAuthority('kubernetes')).ca)
    expect(await refusal(version(api))).toMatchObject({ code: 'misconfigured' })
    await writeFile(file('ca.crt'), authority.ca)
    await version(api)
  })

  test('when it is refused, although nobody noticed that it has changed', async () => {
    tokens['old'] = { name: 'old', groups: ['system:masters'] }
    tokens['new'] = { name: 'new', groups: ['system:masters'] }
    await open({ token: 'old' })
    const kept = await keepKubernetes(await loadSettings(file('caretaker.yaml'), {}), 'kubeconfig', {
      trouble: () => {},
    })
    const before = kept.last!
    // As on a share that hangs: what was read last is all there is until it is asked for in earnest.
    const hanging = { ...kept, last: before, current: async () => before }
    const api = stack.use(createApi({ access: accessFrom(hanging) }))
    expect(await whoAmI(api)).toBe('old')
    await writeFile(file('kubeconfig'), kubeconfigOf({ token: 'new' }))
    expect(await whoAmI(api)).toBe('old')
    delete tokens['old']
    expect(await whoAmI(api)).toBe('new')
  })

  test('when it is refused, once, and what is still refused is the answer', async () => {
    tokens['good'] = { name: 'me', groups: [] }
    const api = await open({ token: 'good' })
    await version(api)
    delete tokens['good']
    expect(await refusal(version(api))).toMatchObject({
      code: 'rejected',
      message: `the Kubernetes API at ${address}:26443 refuses GET /version: Unauthorized: it does not accept the token in ${file('kubeconfig')}: does it belong to this cluster?`,
    })
  })

  test('for commands in pods, too', async () => {
    await writeClient('old')
    const pod = lab.pods().find(({ metadata }) => metadata.namespace === 'rook-ceph')!.metadata.name
    const api = await open({ 'client-certificate': 'me.crt', 'client-key': 'me.key' })
    await version(api)
    await writeClient('new')
    await api.exec({ namespace: 'rook-ceph', pod, command: ['ceph', 'osd', 'dump'], signal: soon() })
    expect(lab.diary.at(-1)?.by).toBe('new')
  })
})

describe('a refusal names what has ended', () => {
  const access = async (user: object) => {
    await writeFile(file('ca.crt'), authority.ca)
    return parseKubeconfig(kubeconfigOf(user), file('kubeconfig'))
  }
  const why = async (user: object) => {
    using api = createApi(await access(user))
    return (await refusal(version(api))).message.split('Unauthorized')[1]
  }
  const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`
  const seconds = (days: number) => Math.floor((Date.now() + days * day) / 1_000)
  const iso = (days: number) => new Date(Date.now() + days * day).toISOString().slice(0, 10)
  const client = async (from: number, to: number) => {
    const dates = { from: new Date(Date.now() + from * day), to: new Date(Date.now() + to * day) }
    const { cert, key } = await authority.issueClient({ common: 'x', organizations: ['system:masters'], ...dates })
    return {
      'client-certificate-data': Buffer.from(cert).toString('base64'),
      'client-key-data': Buffer.from(key).toString('base64'),
    }
  }

  test('a token that tells its end', async () => {
    expect(await why({ token: jwt({ exp: seconds(-3) }) })).toBe(
      `: the token in ${file('kubeconfig')} expired on ${iso(-3)}`,
    )
  })

  test('a client certificate', async () => {
    expect(await why(await client(-30, -3))).toBe(
      `: the client certificate in ${file('kubeconfig')} expired on ${iso(-3)}`,
    )
  })

  test('a client certificate of the future, which is a matter of clocks', async () => {
    expect(await why(await client(3, 30))).toBe(
      `: the client certificate in ${file('kubeconfig')} is not valid before ${iso(3)}: check the clock of this machine`,
    )
  })

  test.each(['opaque', 'a.b.c', jwt({ exp: 'soon' }), jwt([]), jwt({ exp: seconds(30) })])(
    'and only what was shown where its dates tell nothing: %s',
    async (token) => {
      expect(await why({ token })).toBe(
        `: it does not accept the token in ${file('kubeconfig')}: does it belong to this cluster?`,
      )
    },
  )
})
