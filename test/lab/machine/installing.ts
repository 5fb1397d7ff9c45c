import { createContextValues } from '@connectrpc/connect'
import { MachineService } from '../../../src/adapters/talos/gen/machine_pb.ts'
import { State } from '../../../src/adapters/talos/gen/state_pb.ts'
import { callerRoles, rolesOf } from '../talos/access.ts'
import { type Apid, createApid } from '../talos/apid.ts'
import { noFaults } from '../talos/faults.ts'
import { serveGrpc } from '../talos/grpc.ts'
import { createMachine } from '../talos/machine.ts'
import { serveResources } from '../talos/resources.ts'
import type { Installation } from './installation.ts'
import type { LabMachineOptions } from './types.ts'

/**
 * The API of a machine that installs itself: a control plane with a hostname of its own has its cluster's certificate
 * within a second. All others refuse the connection: a hostname that is made of the identity waits for the disk, and a
 * worker for a control plane to sign.
 */
export async function serveInstalling(
  wanted: Installation,
  { authority, port = 50_000, version, schematic, resolveImage }: LabMachineOptions,
): Promise<Apid | undefined> {
  const { name, role, address, mac, uuid, serial } = wanted
  if (role !== 'controlplane' || !wanted.isNamed) return undefined
  const machine = createMachine(
    { name, role, address, mac, uuid, serial, version, schematic, authority, resolveImage },
    noFaults(),
  )
  machine.power = 'on'
  machine.stage = 'installing'
  machine.resetServices()
  for (const id of ['machined', 'containerd', 'apid']) machine.startService(id)
  const serve = serveGrpc({
    routes: (router) => {
      router.service(State, serveResources(machine, { life: new AbortController().signal }))
      router.service(MachineService, {
        version: () => ({
          messages: [{ version: { tag: version, os: 'linux', arch: 'amd64' }, platform: { name: 'metal' } }],
        }),
        serviceList: () => ({ messages: [{ services: [] }] }),
        systemStat: () => ({ messages: [{ bootTime: BigInt(Math.floor(Date.now() / 1000)) }] }),
      })
    },
    interceptors: [],
    contextValues: (request) => createContextValues().set(callerRoles, rolesOf(request)),
    endEarly: () => undefined,
  })
  const apid = createApid(address, port, authority.ca, serve)
  await apid.open(await authority.issueServer({ common: name, ips: [address, '127.0.0.1'], dns: [name] }))
  return apid
}
