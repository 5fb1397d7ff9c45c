import { X509Certificate } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { createTalos } from '../../../src/adapters/talos/talos.ts'
import type { Credentials } from '../../../src/adapters/talos/talosconfig.ts'
import { refusal } from '../refusal.ts'
import { startTalosLab, type TalosLab, type TalosLabNode } from './lab.ts'
import { soon } from '../../patience.ts'

const hour = 3_600_000
const cp: TalosLabNode = { name: 'cp-1', address: '127.0.45.121' }
const labs: TalosLab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab[Symbol.asyncDispose]()
})
async function boot(...shapes: TalosLabNode[]): Promise<TalosLab> {
  const lab = await startTalosLab(...shapes)
  labs.push(lab)
  return lab
}
const credentialsOf = async (at: TalosLab, roles: readonly string[]): Promise<Credentials> => ({
  ...(await at.authority.issueClient({ common: '', organizations: roles })),
  ca: at.authority.ca,
  roles,
  expires: new Date(Date.now() + hour),
})

describe('a new client certificate', () => {
  test('comes from a control plane, with the roles and the life that are asked for, and lets us in', async () => {
    const at = await boot(cp)
    const { ca, crt, key } = await at.talos.clientConfiguration(
      'cp-1',
      { roles: ['os:reader', 'os:etcd:backup'], ttl: 30 * hour },
      soon(),
    )
    expect(ca).toBe(at.authority.ca)
    expect(key).toMatch(/^-----BEGIN ED25519 PRIVATE KEY-----/)
    const { subject, validToDate } = new X509Certificate(crt)
    expect(subject).toContain('O=os:reader + O=os:etcd:backup')
    expect(Math.abs(validToDate.getTime() - Date.now() - 30 * hour)).toBeLessThan(60_000)
    const credentials = {
      ca,
      cert: crt,
      key: key.replaceAll('ED25519 ', ''),
      roles: ['os:reader'],
      expires: validToDate,
    }
    expect(await createTalos({ nodes: at.nodes, credentials }).version('cp-1', soon())).toBe('v1.13.9')
  })

  test('is not to be had from a worker, without os:admin, or for no time', async () => {
    const order = { roles: ['os:admin'], ttl: hour }
    const at = await boot(
      cp,
      { name: 'w-1', address: '127.0.45.122' },
      { name: 'w-2', address: '127.0.45.123', version: 'v1.12.11' },
    )
    expect((await refusal(at.talos.clientConfiguration('w-1', order, soon()))).message).toMatch(
      /is only available on control plane nodes$/,
    )
    expect(await refusal(at.talos.clientConfiguration('w-2', order, soon()))).toMatchObject({ code: 'rejected' })
    const operator = await at.as(['os:operator'])
    expect((await refusal(operator.clientConfiguration('cp-1', order, soon()))).message).toBe(
      'cp-1 (127.0.45.121): issuing a talosconfig needs os:admin; the talosconfig has os:operator',
    )
    const never = at.talos.clientConfiguration('cp-1', { roles: ['os:admin'], ttl: 0 }, soon())
    expect((await refusal(never)).message).toContain('crt_ttl should be positive')
  })
})

test('credentials that change are used with the next call, by each kind of call', async () => {
  const at = await boot(cp)
  let credentials = await credentialsOf(at, ['os:reader'])
  const talos = createTalos({ nodes: at.nodes, credentials: async () => credentials })
  expect(await talos.version('cp-1', soon())).toBe('v1.13.9')
  expect((await refusal(talos.rollback('cp-1', soon()))).message).toContain('the talosconfig has os:reader')
  const snapshot = async () => {
    for await (const bytes of talos.snapshotEtcd('cp-1', soon())) return bytes.length
    return 0
  }
  await refusal(snapshot())
  credentials = await credentialsOf(at, ['os:admin'])
  expect(await snapshot()).toBeGreaterThan(0)
  await talos.reboot('cp-1', 'default', soon())
  expect(at.nodes[0]!.calls.at(-1)).toMatchObject({ method: 'MachineService.Reboot', by: ['os:admin'] })
})

test('credentials that can’t be had are what a call is rejected with', async () => {
  const at = await boot(cp)
  const why = await refusal(at.talos.version('cp-9', soon()))
  const talos = createTalos({ nodes: at.nodes, credentials: () => Promise.reject(why) })
  expect(await refusal(talos.version('cp-1', soon()))).toBe(why)
})
