import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { createApi } from '../../../src/adapters/kubernetes/api.ts'
import { parseKubeconfig } from '../../../src/adapters/kubernetes/kubeconfig.ts'
import { createKubernetes } from '../../../src/adapters/kubernetes/kubernetes.ts'
import { createAuthority, type Identity, type LabAuthority } from '../../lab/authority.ts'
import { createKubernetesApi } from '../../lab/kubernetes/api.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const server = 'https://127.0.44.100:26443'
const stack = new AsyncDisposableStack()
let authority: LabAuthority
let directory: string
let me: Identity
beforeAll(async () => {
  authority = await createAuthority('kubernetes')
  me = await authority.issueClient({ common: 'caretaker', organizations: ['system:masters'] })
  directory = await mkdtemp(join(tmpdir(), 'caretaker-kubeconfig-'))
  stack.defer(() => rm(directory, { recursive: true }))
  const tokens = { 'secret-token': { name: 'system:serviceaccount:kube-system:caretaker', groups: ['masters'] } }
  const api = stack.use(createKubernetesApi({ address: '127.0.44.100', port: 26_443, authority, tokens }))
  await api.start()
})
afterAll(() => stack.disposeAsync())

function fileOf(user: object, cluster: object = { 'certificate-authority-data': base64(authority.ca) }, more = {}) {
  return stringify({
    'current-context': 'lab',
    contexts: [{ name: 'lab', context: { cluster: 'home', user: 'me' } }],
    clusters: [{ name: 'home', cluster: { server, ...cluster } }],
    users: [{ name: 'me', user }],
    ...more,
  })
}
const embedded = () => ({ 'client-certificate-data': base64(me.cert), 'client-key-data': base64(me.key) })

async function versionBy(text: string, file = join(directory, 'kubeconfig')): Promise<string> {
  using api = createApi(parseKubeconfig(text, file))
  return await createKubernetes(api).version(soon())
}
const refusalOf = async (text: string) => {
  const error = await refusal(versionBy(text, '/etc/kubeconfig'))
  expect(error).toMatchObject({ code: 'misconfigured', message: expect.stringMatching(/^\/etc\/kubeconfig: /) })
  return error.message.slice('/etc/kubeconfig: '.length)
}

describe('a kubeconfig lets one in', () => {
  test('with an embedded client certificate', async () => {
    expect(await versionBy(fileOf(embedded()))).toBe('v1.36.3')
  })

  test('with certificates in files beside it and elsewhere', async () => {
    await mkdir(join(directory, 'pki'))
    await writeFile(join(directory, 'pki', 'me.crt'), me.cert)
    await writeFile(join(directory, 'pki', 'me.key'), me.key)
    await writeFile(join(directory, 'ca.crt'), authority.ca)
    const user = { 'client-certificate': 'pki/me.crt', 'client-key': join(directory, 'pki', 'me.key') }
    expect(await versionBy(fileOf(user, { 'certificate-authority': 'ca.crt' }))).toBe('v1.36.3')
  })

  test('with a token', async () => {
    expect(await versionBy(fileOf({ token: 'secret-token' }))).toBe('v1.36.3')
  })
})

describe('a kubeconfig does not let one in', () => {
  test('with a token that nobody knows', async () => {
    const error = await refusal(versionBy(fileOf({ token: 'stale' })))
    expect(error).toMatchObject({
      code: 'rejected',
      message: expect.stringMatching(
        /refuses GET \/version: Unauthorized: it does not accept the token in \S+: does it belong to this cluster\?$/,
      ),
    })
    expect(error.message).not.toContain('stale')
  })

  test('with another cluster’s certificate', async () => {
    const other = await createAuthority('kubernetes')
    const { cert, key } = await other.issueClient({ common: 'caretaker', organizations: ['system:masters'] })
    const user = { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) }
    expect((await refusal(versionBy(fileOf(user)))).message).toContain('refuses GET /version: Unauthorized')
  })

  test('with another cluster’s CA, which is a mistake of the configuration', async () => {
    const other = await createAuthority('kubernetes')
    const file = fileOf(embedded(), { 'certificate-authority-data': base64(other.ca) })
    const error = await refusal(versionBy(file))
    expect(error.code).toBe('misconfigured')
    expect(error.message).toContain(
      "the Kubernetes API at 127.0.44.100:26443 presents a certificate that is not signed by the kubeconfig's CA",
    )
  })

  test('by a name that is not in the server’s certificate', async () => {
    const file = fileOf(embedded(), {
      server: 'https://127.0.44.100.nip.invalid:26443',
      'certificate-authority-data': base64(authority.ca),
    })
    expect(await refusal(versionBy(file))).toMatchObject({ code: 'unreachable' })
  })
})

describe('a kubeconfig is refused', () => {
  test('where a program would have to fetch the credentials', async () => {
    expect(await refusalOf(fileOf({ exec: { command: 'aws' } }))).toBe(
      'the user "me" gets its credentials from a program: use one with a client certificate or a token',
    )
  })

  test('where something of it is missing or wrong, which is named', async () => {
    const other = await authority.issueClient({ common: 'x', organizations: [] })
    const refusals: [string, unknown][] = [
      ['{', expect.stringMatching(/^it is not valid YAML: /)],
      ['', 'it has no current-context'],
      ['7', 'it has no current-context'],
      [fileOf(embedded(), {}, { contexts: [] }), 'it has no context "lab"'],
      [fileOf(embedded(), {}, { clusters: 'none' }), 'it has no cluster "home"'],
      [fileOf(embedded(), {}, { users: [null] }), 'it has no user "me"'],
      [fileOf({}), 'its user has neither a client certificate with its key nor a token'],
      [
        fileOf({ 'client-certificate-data': base64(me.cert) }),
        'its user has neither a client certificate with its key nor a token',
      ],
      [fileOf(embedded(), { server: 'http://127.0.44.100:8080' }), 'the cluster has no https server'],
      [fileOf(embedded(), { server: 'somewhere' }), 'the cluster has no https server'],
      [
        fileOf(embedded(), { 'insecure-skip-tls-verify': true }),
        expect.stringMatching(/^insecure-skip-tls-verify is not supported/),
      ],
      [
        fileOf({ 'client-certificate': 'no.crt', 'client-key': 'no.key' }),
        expect.stringMatching(/^client-certificate can't be read: it does not exist/),
      ],
      [
        fileOf({ ...embedded(), 'client-key-data': base64(other.key) }),
        expect.stringMatching(/^its certificates or key can't be used: .*the key is not the one of the certificate/),
      ],
      [
        fileOf({ ...embedded(), 'client-key-data': base64('junk') }),
        expect.stringMatching(/^its certificates or key can't be used: /),
      ],
    ]
    for (const [text, words] of refusals) expect(await refusalOf(text)).toEqual(words)
  })
})
