import { spawn, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createTalos } from '../../../src/adapters/talos/talos.ts'
import { createAuthority } from '../../lab/authority.ts'
import { lacks } from '../../lab/needs.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { refusal } from '../refusal.ts'
import { startTalosLab, type TalosLab } from './lab.ts'
import { patience, soon } from '../../patience.ts'

const labs: TalosLab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab[Symbol.asyncDispose]()
})

async function boot(address: string) {
  const lab = await startTalosLab({ name: 'w-1', address })
  labs.push(lab)
  return { ...lab, node: lab.nodes[0]! }
}

describe('a node', () => {
  test('that renews its certificate, as twice a day, goes on as if nothing were', async () => {
    const { talos, node } = await boot('127.0.45.51')
    const heard: string[] = []
    for await (const sentence of talos.follow('w-1', soon())) {
      heard.push(sentence)
      if (heard.length > 1) break
      await node.renewCertificate()
      expect(await talos.version('w-1', soon())).toBe('v1.13.9')
      // What was open before goes on too.
      node.faults.locked = true
      await talos.reboot('w-1', 'default', soon())
    }
    expect(heard[1]).toBe('sequence reboot was not started: locked')
  })

  test('whose cluster got another CA is told of in one clear message, whatever is asked', async () => {
    const { talos, node } = await boot('127.0.45.52')
    await node.renewCertificate({ issuer: await createAuthority('talos') })
    for (const call of [
      () => talos.observe('w-1', soon()),
      () => talos.reboot('w-1', 'default', soon()),
      () => Array.fromAsync(talos.follow('w-1', soon())),
    ]) {
      expect(await refusal(call())).toMatchObject({
        code: 'misconfigured',
        retryable: false,
        message: expect.stringMatching(
          /^w-1 \(127\.0\.45\.52\): its certificate is not from the CA in the talosconfig: is this the right cluster, or was its CA rotated\?/,
        ),
      })
    }
  })

  test('in the middle of a rotation still lets in who has both CAs', async () => {
    const { authority, node, as } = await boot('127.0.45.53')
    const next = await createAuthority('talos')
    await node.renewCertificate({ issuer: next, accepts: [authority, next] })
    const talos = await as(['os:admin'], { ca: authority.ca + next.ca })
    expect(await talos.version('w-1', soon())).toBe('v1.13.9')
    const identity = await next.issueClient({ common: 'caretaker', organizations: ['os:admin'] })
    const renewed = await as(['os:admin'], { ...identity, ca: next.ca })
    expect(await renewed.version('w-1', soon())).toBe('v1.13.9')
  })
})

/** Node's own TLS server just hangs up; Go's, as openssl's, sends an alert that says what is wrong. */
const noOpenssl = lacks(spawnSync('openssl', ['version']).status === 0 ? undefined : 'openssl is not installed')

test.skipIf(noOpenssl)('a node that says that it refuses our certificate is told of as that', async () => {
  await using folder = await temporaryFolder()
  const [ours, theirs] = await Promise.all([createAuthority('talos'), createAuthority('talos')])
  const server = await ours.issueServer({ common: 'w-1', ips: ['127.0.45.54'] })
  const [own, ca] = [join(folder.path, 'server.pem'), join(folder.path, 'ca.pem')]
  await Promise.all([writeFile(own, server.cert + server.key), writeFile(ca, ours.ca)])
  const address = '127.0.45.54:50000'
  const options = ['-cert', own, '-CAfile', ca, '-Verify', '1', '-verify_return_error', '-alpn', 'h2', '-quiet']
  const process = spawn('openssl', ['s_server', '-accept', address, ...options], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  try {
    await vi.waitFor(
      () =>
        new Promise<void>((resolve, reject) => {
          const socket = connect(50_000, '127.0.45.54', () => resolve(void socket.destroy()))
          socket.on('error', reject)
        }),
      patience,
    )
    const identity = await theirs.issueClient({ common: 'caretaker', organizations: ['os:admin'] })
    const credentials = { ca: ours.ca, ...identity, roles: ['os:admin'], expires: new Date() }
    const talos = createTalos({ nodes: [{ name: 'w-1', role: 'worker', address }], credentials })
    expect(await refusal(talos.version('w-1', soon()))).toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining(
        'it rejects our certificate: the talosconfig belongs to another cluster, predates a CA rotation, or has expired',
      ),
    })
  } finally {
    process.kill()
  }
})
