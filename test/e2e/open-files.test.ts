import { connect, type Socket } from 'node:net'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { StatusAnswer } from '../../src/core/operator.ts'
import { endStore, startDaemon, waitFor } from '../lab/daemon.ts'
import { startHomelab } from '../lab/homelab.ts'
import { temporaryFolder } from '../lab/process.ts'
import { startUpsdStandIn } from '../lab/upsd/stand-in.ts'

const net = 229
const openFiles = 256

/** Clients that hold as many connections as they get, and come again at once where they are hung up on. */
function flood(count: number, open: () => Socket): Disposable {
  const clients = new Set<Socket>()
  let isOver = false
  const come = () => {
    if (isOver) return
    const client = open()
    clients.add(client)
    client.on('error', () => {})
    client.on('connect', () => client.write('GET / HTTP/1.1\r\n'))
    client.on('close', () => {
      clients.delete(client)
      setTimeout(come, 100)
    })
  }
  for (let index = 0; index < count; index++) come()
  return {
    [Symbol.dispose]: () => {
      isOver = true
      for (const client of clients) client.destroy()
    },
  }
}

test('where few files may be open, clients that hold all connections of the API do not keep nodes from being shut down', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await temporaryFolder())
  stack.defer(() => endStore(folder.path))
  const upsd = stack.use(await startUpsdStandIn({ address: `127.0.${net}.93` }))
  const lab = stack.use(await startHomelab({ net, controlPlanes: 1, workers: 1, pace: { stop: 200 } }))
  const api = { address: `127.0.${net}.21`, port: 8420, url: `http://127.0.${net}.21:8420` }
  const config = await lab.writeConfig(folder.path, { ups: { host: upsd.address, port: upsd.port }, api })
  const daemon = stack.use(await startDaemon({ config, directory: folder.path, openFiles }))
  const countOfFiles = async () => (await readdir(`/proc/${daemon.pid}/fd`)).length
  await waitFor('the API to be served', 20_000, async () =>
    (await daemon.control.get<StatusAnswer>('/status')).services.some(
      ({ name, state }) => name === 'api' && state === 'running',
    ),
  )
  const before = await countOfFiles()
  stack.use(flood(300, () => connect(api.port, api.address)))
  stack.use(flood(300, () => connect(join(folder.path, 'state', 'control.sock'))))
  await waitFor('the doors to be full', 20_000, async () => (await countOfFiles()) >= before + 30)
  await upsd.set('battery.runtime', '600')
  await upsd.status('OB DISCHRG LB')
  await waitFor('every node to be off', 40_000, () => lab.nodes.every(({ power }) => power === 'off'))
  expect(lab.nodes.flatMap(({ calls }) => calls.filter(({ method }) => method.endsWith('.Shutdown')))).not.toEqual([])
  expect(daemon.output).not.toContain('EMFILE')
  expect(await daemon.stop()).toBe(0)
})
