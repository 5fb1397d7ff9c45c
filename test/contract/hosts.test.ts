import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe } from 'vitest'
import { createHosts } from '../../src/adapters/machines/hosts.ts'
import { fakeHosts } from '../fakes/hosts.ts'
import { startHttp } from '../lab/http.ts'
import { lacks } from '../lab/needs.ts'
import { startSshd, whyNoSshd } from '../lab/sshd.ts'
import { hostsContract } from './hosts.contract.ts'

// Addresses of their own: a port that is free again is another file's soon.
describe('the hosts of the fake homelab', () => {
  hostsContract(async () => {
    const diary: string[] = []
    const nas = { up: true, hangs: false }
    return {
      hosts: fakeHosts({ machines: new Map([['nas', nas]]), note: async (entry) => void diary.push(entry) }),
      orders: async () => diary.filter((entry) => entry === 'shut-down-host nas').length,
      goDown: async () => void (nas.up = false),
      [Symbol.asyncDispose]: async () => {},
    }
  })
})

describe.skipIf(lacks(whyNoSshd()))('hosts by SSH with a real sshd', () => {
  hostsContract(async () => {
    const sshd = await startSshd({ address: '127.0.90.11' })
    const orders = join(sshd.folder, 'orders')
    const { user, port, address, keys, knownHosts } = sshd
    const command = `echo order >> '${orders}'`
    const shutdown = { kind: 'ssh', user, port, key: keys.known, knownHosts, command } as const
    return {
      hosts: createHosts([{ name: 'nas', address, shutdown }]),
      orders: async () => (await readFile(orders, 'utf8').catch(() => '')).split('\n').length - 1,
      goDown: sshd.stop,
      [Symbol.asyncDispose]: sshd[Symbol.asyncDispose],
    }
  })
})

describe('hosts by an HTTP call', () => {
  hostsContract(async () => {
    let orders = 0
    const server = await startHttp((_, response) => {
      orders++
      response.end()
    }, '127.0.90.12')
    const url = `http://${server.host}/shutdown`
    const goDown = async () => server[Symbol.asyncDispose]()
    return {
      hosts: createHosts([{ name: 'nas', address: '127.0.90.12', shutdown: { kind: 'http', url } }]),
      orders: async () => orders,
      goDown,
      [Symbol.asyncDispose]: goDown,
    }
  })
})
