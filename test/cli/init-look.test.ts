import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { lookAtCluster } from '../../src/cli/init/look-cluster.ts'
import { lookAtShare } from '../../src/cli/init/look-share.ts'
import { lookAtUpses } from '../../src/cli/init/look-upses.ts'
import { type Homelab, startHomelab } from '../lab/homelab.ts'
import { lacks } from '../lab/needs.ts'
import { startTftpd, whyNoTftpd } from '../lab/tftpd.ts'
import { startUpsdStandIn } from '../lab/upsd/stand-in.ts'
import { isUpsdInstalled, startUpsd } from '../lab/upsd/upsd.ts'
import { soon } from '../patience.ts'

const signal = () => soon()

describe('a cluster', () => {
  let lab: Homelab
  let home: string
  beforeAll(async () => {
    lab = await startHomelab({ net: 212, controlPlanes: 1, workers: 2 })
    home = await mkdtemp(join(tmpdir(), 'caretaker-look-'))
  })
  afterAll(async () => {
    await lab[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  })

  /** A talosconfig with these roles, whose context has this besides. */
  async function credentials(roles: readonly string[], context: object = {}) {
    await lab.writeConfig(home, { roles })
    const talosconfig = join(home, 'talosconfig')
    const file = parse(await readFile(talosconfig, 'utf8')) as { contexts: { lab: object } }
    Object.assign(file.contexts.lab, context)
    await writeFile(talosconfig, stringify(file))
    return { talosconfig, context: 'lab', signal: signal(), say: () => {} }
  }
  const kubeconfig = () => join(home, 'kubeconfig')

  test('is found from one endpoint, with what each machine tells', async () => {
    const { seen, isAdmin } = await lookAtCluster({
      ...(await credentials(['os:admin'])),
      kubeconfig: undefined,
    })
    expect({ isAdmin, remarks: seen.remarks }).toEqual({ isAdmin: true, remarks: [] })
    expect(seen.nodes.map(({ name, role, address, macs }) => ({ name, role, address, mac: macs.join() }))).toEqual(
      lab.nodes.map(({ name, role, address, mac }) => ({ name, role, address, mac })),
    )
    expect(seen.nodes[2]?.machine).toMatchObject({
      version: 'v1.13.9',
      architecture: 'amd64',
      disks: [{ path: '/dev/sda', size: '500 GB', model: 'LAB SSD', isSystem: true }],
      schematicText: expect.stringContaining('siderolabs/i915'),
      links: expect.arrayContaining([
        expect.objectContaining({ name: 'enp1s0', isCard: true, addresses: ['127.0.212.42'] }),
        expect.objectContaining({ name: 'flannel.1', isCard: false }),
      ]),
    })
  })

  test('has a worker that is off as Kubernetes knows it, with why', async () => {
    lab.node('w-2').cutPower()
    try {
      const question = { ...(await credentials(['os:admin'])), kubeconfig: kubeconfig() }
      const { seen } = await lookAtCluster(question)
      expect(seen.nodes.map(({ name, macs }) => [name, macs.length])).toEqual([
        ['cp-1', 1],
        ['w-1', 1],
        ['w-2', 0],
      ])
      expect(seen.nodes[2]).toMatchObject({
        address: '127.0.212.42',
        role: 'worker',
        machine: undefined,
        trouble: expect.stringContaining('127.0.212.42'),
      })
    } finally {
      lab.node('w-2').wake()
    }
  })

  test('is found by an operator with a kubeconfig, and without one by discovery, which is said', async () => {
    const question = await credentials(['os:operator'])
    const { seen, isAdmin } = await lookAtCluster({ ...question, kubeconfig: kubeconfig() })
    expect([isAdmin, seen.nodes.length, seen.remarks]).toEqual([false, 3, []])
    const alone = await lookAtCluster({ ...question, kubeconfig: undefined })
    expect(alone.seen.nodes.length).toBeGreaterThan(0)
    expect(alone.seen.remarks).toEqual([expect.stringContaining('Kubernetes was not asked')])
  })

  test.each([
    { name: 'a reader may not shut anything down', roles: ['os:reader'], context: {}, says: /os:operator or os:admin/ },
    {
      name: 'a context leads nowhere',
      roles: ['os:admin'],
      context: { endpoints: [] },
      says: /talosctl config endpoint/,
    },
    {
      name: 'no machine answers',
      roles: ['os:admin'],
      context: { endpoints: ['127.0.212.99'] },
      says: /no machine of .*talosconfig answers: 127\.0\.212\.99/,
    },
  ])('$name', async ({ roles, context, says }) => {
    const question = { ...(await credentials(roles, context)), kubeconfig: undefined }
    await expect(lookAtCluster(question)).rejects.toThrow(says)
  })
})

describe('UPSes', () => {
  const serverOf = ({ address, port }: { readonly address: string; readonly port: number }) => ({ host: address, port })
  const monuser = { user: 'monuser', password: 'secret' }
  const seen = { name: 'ups', model: 'Lab Smart 1500', tells: ['charge', 'runtime', 'load'], loginRefused: undefined }

  test.skipIf(lacks(isUpsdInstalled() ? undefined : 'nut-server is not installed'))(
    'of a real upsd are listed, with what they tell, and the login is given back',
    async () => {
      await using upsd = await startUpsd({ address: '127.0.212.93' })
      const found = await lookAtUpses(serverOf(upsd), monuser, signal())
      expect(found).toEqual([
        expect.objectContaining({ ...seen, isUserTried: true, status: expect.stringMatching(/^OL/) }),
      ])
    },
  )

  test.each(['nut', 'synology'] as const)('of a server that speaks as %s does are listed', async (dialect) => {
    await using upsd = await startUpsdStandIn({ address: '127.0.212.94', dialect })
    expect(await lookAtUpses(serverOf(upsd), monuser, signal())).toEqual([expect.objectContaining(seen)])
    expect(upsd.commands).toContain('LOGIN ups')
    expect(upsd.commands.at(-1)).toBe('LOGOUT')
  })

  test('that tell less are told apart, and so is a login that is refused', async () => {
    await using upsd = await startUpsdStandIn({
      address: '127.0.212.95',
      variables: { 'battery.runtime': '', 'ups.load': '' },
    })
    const [found] = await lookAtUpses(serverOf(upsd), { ...monuser, password: 'wrong' }, signal())
    expect(found).toMatchObject({ tells: ['charge'], loginRefused: expect.stringContaining('ACCESS-DENIED') })
    const [unasked] = await lookAtUpses(serverOf(upsd), undefined, signal())
    expect(unasked).toMatchObject({ isUserTried: false, loginRefused: undefined })
  })

  test('whose driver is down are listed all the same', async () => {
    await using upsd = await startUpsdStandIn({ address: '127.0.212.96' })
    upsd.misbehaviour.error = 'DRIVER-NOT-CONNECTED'
    expect(await lookAtUpses(serverOf(upsd), undefined, signal())).toMatchObject([
      { name: 'ups', status: undefined, tells: [] },
    ])
  })
})

describe.skipIf(lacks(whyNoTftpd()))('a share', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'caretaker-share-'))
    await chmod(directory, 0o755)
    await mkdir(join(directory, 'pxe'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))
  const look = (port: number) =>
    lookAtShare({
      directory: join(directory, 'pxe'),
      server: { host: '127.0.212.4', port },
      hosts: [],
      signal: signal(),
    })

  test('that is the root of its server is found there, one that is a folder of it by that name', async () => {
    const share = { directory: join(directory, 'pxe'), server: '127.0.212.4:26902' }
    const served = async (root: string) => {
      await using stack = new AsyncDisposableStack()
      stack.use(await startTftpd(root, '127.0.212.4', 26_902))
      return await look(26_902)
    }
    expect(await served(join(directory, 'pxe'))).toEqual({ ...share, prefix: '' })
    expect(await served(directory)).toEqual({ ...share, prefix: 'pxe/' })
    expect(await readdir(join(directory, 'pxe'))).toEqual([])
  })

  test('that the named server does not serve is an error, and what was written is gone', async () => {
    await expect(look(26_903)).rejects.toThrow(/127\.0\.212\.4:26903/)
    expect(await readdir(join(directory, 'pxe'))).toEqual([])
  })
})
