import { createServer } from 'node:https'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { createAuthority } from '../authority.ts'
import { type Homelab, homelabSchematic, startHomelab } from '../homelab.ts'
import { configFor } from './configs.ts'
import { createLabMachine, type LabMachine, type LabMachineOptions, type MachineState } from './machine.ts'
import { ok, pending, startRawServer } from './wire.ts'

let lab: Homelab
const stack = new AsyncDisposableStack()
beforeAll(async () => {
  lab = stack.use(await startHomelab({ net: 173, controlPlanes: 1, workers: 0 }))
  await fetch(`${lab.factory.url}/schematics`, { method: 'POST', body: stringify(homelabSchematic) })
  await lab.secrets()
})
afterAll(() => stack.disposeAsync())

function machineAt(host: number, given: Partial<LabMachineOptions>): LabMachine {
  return createLabMachine({
    ...lab.admission,
    address: `127.0.173.${host}`,
    uuid: `4c4c4544-0051-4a10-8053-b3c04f4e34${host}`,
    serial: `SN${host}`,
    mac: `52:54:00:00:00:${host}`,
    speed: 500,
    ...given,
  })
}

async function becomes(machine: LabMachine, wanted: MachineState): Promise<void> {
  const done = Promise.withResolvers<void>()
  const stop = machine.onChange(() => machine.state === wanted && done.resolve())
  if (machine.state === wanted) done.resolve()
  await done.promise
  stop()
}

describe('a machine that gets a whole configuration', () => {
  it('installs, joins as a worker, asks nobody at its next boot, and asks again after a reset', async () => {
    await using server = await startRawServer('127.0.173.20')
    await using machine = machineAt(21, { kernel: [`talos.config=${server.url}/config?uuid=\${uuid}`] })
    const config = await configFor(lab, { name: 'w-9' })
    server.answer(pending('BCDF-GHJK'), ok(config))
    machine.powerOn()
    await becomes(machine, 'installed')
    expect(machine.config).toBe(config)
    expect(lab.node('w-9')).toMatchObject({ role: 'worker', uuid: '4c4c4544-0051-4a10-8053-b3c04f4e3421' })
    expect(server.requests).toHaveLength(2)

    await machine.cutPower()
    machine.powerOn()
    await becomes(machine, 'installed')
    expect(server.requests).toHaveLength(2)

    server.answer(pending('LMNP-QRST'), ok(config))
    await machine.reset()
    await becomes(machine, 'installed')
    expect(server.requests).toHaveLength(4)
    expect(machine.console.join('\n')).not.toContain('installation of')
  })

  it('does not come up in the lab where its CA is another cluster’s', async () => {
    await using server = await startRawServer('127.0.173.22')
    await using machine = machineAt(23, { kernel: [`talos.config=${server.url}/config`] })
    const config = await configFor(lab, { name: 'w-8' })
    const { ca } = await createAuthority('talos')
    const strange = config.replace(/crt: .*/, `crt: ${btoa(ca)}`)
    server.answer(ok(strange))
    machine.powerOn()
    await becomes(machine, 'stranger')
    expect(machine.console.join('\n')).toContain('of another cluster')
  })

  it('reboots and asks again where its disk is not there', async () => {
    await using server = await startRawServer('127.0.173.24')
    await using machine = machineAt(25, { kernel: [`talos.config=${server.url}/config`] })
    server.answer(ok(await configFor(lab, { name: 'w-7', disk: '/dev/sdz' })))
    const seen: string[] = []
    machine.onLine((line) => seen.push(line))
    machine.powerOn()
    await server.until(2)
    expect(seen.join('\n')).toContain('lstat /dev/sdz: no such file or directory')
  })

  it('trusts a server by what talos.config.early says, and no other', async () => {
    const authority = await createAuthority('ours')
    const identity = await authority.issueServer({ common: 'caretaker', ips: ['127.0.173.26'] })
    const https = createServer(identity, (_, response) =>
      response.end('apiVersion: v1alpha1\nkind: HostnameConfig\nauto: off\nhostname: x\n'),
    )
    https.listen(0, '127.0.173.26')
    await once(https, 'listening')
    const url = `https://127.0.173.26:${(https.address() as AddressInfo).port}/config`
    const roots = stringify({
      apiVersion: 'v1alpha1',
      kind: 'TrustedRootsConfig',
      name: 'ours',
      certificates: authority.ca,
    })
    const early = zstdCompressSync(roots).toString('base64')
    {
      await using machine = machineAt(27, { kernel: [`talos.config=${url}`, `talos.config.early=${early}`] })
      machine.powerOn()
      await becomes(machine, 'maintenance')
    }
    await using machine = machineAt(28, { kernel: [`talos.config=${url}`] })
    machine.powerOn()
    const refused = Promise.withResolvers<void>()
    machine.onLine((line) => line.includes('certificate signed by unknown authority') && refused.resolve())
    await expect(refused.promise).resolves.toBeUndefined()
    https.close()
    https.closeAllConnections()
  })
})
