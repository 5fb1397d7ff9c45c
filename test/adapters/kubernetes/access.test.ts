import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Api, createApi } from '../../../src/adapters/kubernetes/api.ts'
import { fetchedAccess } from '../../../src/adapters/kubernetes/access.ts'
import { type Access, parseKubeconfig } from '../../../src/adapters/kubernetes/kubeconfig.ts'
import { AgentError } from '../../../src/core/errors.ts'
import { createAuthority } from '../../lab/authority.ts'
import { startKubernetesLab, type KubernetesLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

let at: KubernetesLab
let api: Api | undefined
let fetched: number
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.124')
  fetched = 0
})
afterEach(async () => {
  vi.useRealTimers()
  api?.[Symbol.dispose]()
  await at[Symbol.asyncDispose]()
})

const fresh = async () => parseKubeconfig(await at.lab.kubeconfig({ user: 'caretaker' }), 'from cp-1')
/** An API whose access is fetched, each time as it is then. */
function fetching(access: () => Promise<Access> = fresh): Api {
  api = createApi({
    access: () => {
      fetched += 1
      return access()
    },
  })
  return api
}
const version = (by: Api, signal = soon()) => by.send<object>({ method: 'GET', path: '/version', signal })
const setNow = (ms: number) => vi.useFakeTimers({ toFake: ['Date'], now: ms })
const hour = 3_600_000
/** The lab's certificates last for a year. */
const almostAYear = () => Date.now() + 365 * 24 * hour - hour / 2

describe('an access that is fetched', () => {
  test('is fetched with the first question, once for all who ask', async () => {
    const api = fetching()
    expect(fetched).toBe(0)
    await Promise.all([version(api), version(api), version(api)])
    await version(api)
    expect(fetched).toBe(1)
  })

  test('is fetched anew when the API does not know it any more, and the question is answered', async () => {
    const api = fetching()
    await version(api)
    at.lab.expireCredentials()
    await Promise.all([version(api), version(api), version(api)])
    expect(fetched).toBe(2)
  })

  test('is fetched anew once when the new one is not known either, and then it is said', async () => {
    const stale = await fresh()
    at.lab.expireCredentials()
    const api = fetching(async () => stale)
    expect(await refusal(version(api))).toMatchObject({
      code: 'rejected',
      message: expect.stringContaining('refuses GET /version: Unauthorized: it does not accept the client certificate'),
    })
    expect(fetched).toBe(2)
  })

  test('is fetched anew when the cluster has a new CA', async () => {
    const { ca } = await createAuthority('kubernetes')
    const current = await fresh()
    const api = fetching(async () => (fetched === 1 ? { ...current, ca } : current))
    await version(api)
    expect(fetched).toBe(2)
  })

  test('is fetched anew before its certificate ends, and not with every question', async () => {
    const api = fetching()
    await version(api)
    setNow(Date.now() + 24 * hour)
    await version(api)
    expect(fetched).toBe(1)
    setNow(almostAYear() - 24 * hour)
    await version(api)
    await version(api)
    expect(fetched).toBe(2)
    setNow(Date.now() + 2 * 60_000)
    await version(api)
    expect(fetched).toBe(3)
  })

  test('goes on with a certificate that is still good when no new one can be had', async () => {
    const api = fetching(() => (fetched === 1 ? fresh() : Promise.reject(new AgentError('unreachable', 'cp-1'))))
    await version(api)
    setNow(almostAYear())
    await version(api)
    expect(fetched).toBe(2)
  })

  test('goes on with it by a clock that is years ahead, when no new one can be had, and does not ask for one each time', async () => {
    const access = await fresh()
    const source = fetchedAccess(async () => {
      fetched += 1
      if (fetched > 1) throw new AgentError('unreachable', 'no cp-1')
      return access
    })
    await source.current(soon())
    setNow(almostAYear() + 3 * 365 * 24 * hour)
    for (let time = 0; time < 5; time++) expect(await source.current(soon())).toBe(access)
    expect(fetched).toBe(2)
    // And back again: what was tried years ahead does not count.
    setNow(Date.now() - 3 * 365 * 24 * hour)
    await source.current(soon())
    expect(fetched).toBe(3)
  })

  test('says why it can’t be had once the server takes the certificate no more', async () => {
    const api = fetching(() => (fetched === 1 ? fresh() : Promise.reject(new AgentError('unreachable', 'no cp-1'))))
    await version(api)
    setNow(almostAYear() + hour)
    at.lab.expireCredentials()
    expect(await refusal(version(api))).toMatchObject({ code: 'unreachable', message: 'no cp-1' })
  })

  test('is asked for again after it could not be had', async () => {
    const api = fetching(() => (fetched === 1 ? Promise.reject(new AgentError('unreachable', 'no cp-1')) : fresh()))
    expect((await refusal(version(api))).message).toBe('no cp-1')
    await version(api)
    expect(fetched).toBe(2)
  })

  test('that never comes does not outlast the signal', async () => {
    const api = fetching(() => new Promise(() => {}))
    expect(await refusal(version(api, soon(50)))).toMatchObject({ retryable: true })
  })

  test('leaves those alone who are still asking by the old one', async () => {
    const api = fetching()
    await version(api)
    at.lab.setAvailability('no-quorum')
    const waiting = api.send<object>({ method: 'GET', path: '/api/v1/nodes', signal: soon() })
    at.lab.expireCredentials()
    await version(api)
    expect(fetched).toBe(2)
    at.lab.setAvailability('serving')
    expect(await waiting).toMatchObject({ kind: 'NodeList' })
  })
})

test('an access from a file can’t be fetched: that it is not known any more is said', async () => {
  api = createApi({ access: await fresh() })
  await version(api)
  at.lab.expireCredentials()
  expect(await refusal(version(api))).toMatchObject({
    code: 'rejected',
    message: expect.stringContaining('Unauthorized'),
  })
})
