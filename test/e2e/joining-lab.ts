import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readSecrets } from '../../src/core/machine-config/secrets.ts'
import type { Way } from '../../src/core/provision/question.ts'
import { deliveryArguments } from '../../src/core/provision/kernel-arguments.ts'
import { readMachinesFolder } from '../../src/main/provision/machines-folder.ts'
import { createRenderer } from '../../src/operations/provision/renderer.ts'
import { documentsText } from '../../src/yaml.ts'
import { type Homelab, homelabSchematicId } from '../lab/homelab.ts'
import { createLabMachine, type LabMachine, type MachineState } from '../lab/machine/machine.ts'

/** What the machine says of itself. */
export const joiningClaim = {
  uuid: '4c4c4544-0051-4a10-8053-b3c04f4e3599',
  serial: 'SN-99',
  mac: '02:00:00:00:b6:63',
} as const
/** A value of `machines.yaml`, which is in its configuration and nowhere else. */
export const joiningPassword = 'a-password-of-the-ups'

const machinesYaml = (way: Way) => `install: { disk: /dev/sda }
patches: [nut-client.yaml]
values: { nut-password: { file: nut-password } }
machines:
  - { name: w-9, match: { mac: '${joiningClaim.mac}' }, role: worker, labels: { rack: attic }, way: ${way} }
`
const nutClient = `apiVersion: v1alpha1
kind: ExtensionServiceConfig
name: nut-client
configFiles:
  - content: MONITOR ups@192.168.0.6 1 monuser {{ nut-password }} secondary
    mountPath: /usr/local/etc/nut/upsmon.conf
`

/** A machine without power. */
export interface JoiningMachine extends LabMachine {
  becomes(state: MachineState): Promise<void>
  /** The code of the device flow that it is in. */
  codeOnScreen(): Promise<string>
}

/** What a test needs for a machine to join. */
export interface Joining {
  /** Path of a configuration by which it can ask. */
  readonly config: string
  readonly machine: JoiningMachine
  /** The document that it is to get, made of what the lab knows to be so. */
  readonly expected: () => Promise<string>
  /** Where it asks. */
  readonly door: string
}

/**
 * A configuration with an API, and `machines/` with an entry for a machine that is to be w-9.
 *
 * @param options.api more of the section of that name
 * @param options.more sections of their own
 */
export async function createJoining(
  lab: Homelab,
  directory: string,
  {
    way = 'device-flow',
    api = {},
    more = {},
  }: { readonly way?: Way; readonly api?: object; readonly more?: object } = {},
): Promise<Joining> {
  const [, , net] = new URL(lab.factory.url).hostname.split('.')
  const host = `127.0.${net}.90`
  const door = `http://${host}:8424`
  const endpoint = `https://127.0.${net}.100:6443`
  const config = await lab.writeConfig(directory, {
    upgrade: { approval: 'always' },
    api: { address: host, ...api },
    machineConfig: { listen: [host], endpoint },
    ...more,
  })
  const folder = join(directory, 'machines')
  await mkdir(folder)
  await writeFile(join(folder, 'machines.yaml'), machinesYaml(way))
  await writeFile(join(folder, 'nut-client.yaml'), nutClient)
  await writeFile(join(directory, 'nut-password'), joiningPassword, { mode: 0o600 })
  const kernel = deliveryArguments({
    url: door,
    way,
    variables: ['uuid', 'mac', 'serial'],
    early: undefined,
  })
  const address = `127.0.${net}.99`
  const machine = createLabMachine({
    ...lab.admission,
    ...joiningClaim,
    address,
    speed: 60,
    random: () => 0,
    kernel,
  })
  return {
    config,
    door,
    machine: observed(machine),
    expected: () => expectedConfig(lab, { directory, endpoint }),
  }
}

/** Without a look now and then: a state may be over in no time. */
function observed(machine: LabMachine): JoiningMachine {
  const code = () => /enter the code (\S+)/.exec(machine.console.join('\n'))?.[1]
  return Object.assign(machine, {
    async becomes(state: MachineState) {
      const done = Promise.withResolvers<void>()
      const stop = machine.onChange(() => machine.state === state && done.resolve())
      if (machine.state === state) done.resolve()
      await done.promise
      stop()
    },
    async codeOnScreen() {
      const shown = Promise.withResolvers<void>()
      const stop = machine.onLine(() => code() !== undefined && shown.resolve())
      if (code() !== undefined) shown.resolve()
      await shown.promise
      stop()
      return code()!
    },
  })
}

async function expectedConfig(
  lab: Homelab,
  { directory, endpoint }: { readonly directory: string; readonly endpoint: string },
): Promise<string> {
  const path = (file: string) => join(directory, file)
  const { value: folder } = await readMachinesFolder({ file: path('caretaker.yaml'), path, environment: {} })
  const bundle = readSecrets(JSON.parse(await lab.secrets()), 'the secrets of the lab')
  const renderer = createRenderer({
    folder: { last: folder, current: async () => folder },
    secrets: async () => bundle,
    facts: async () => ({
      cluster: 'lab',
      endpoint,
      kubernetes: 'v1.36.3',
      discovery: true,
      registry: new URL(lab.factory.url).host,
      schematic: { name: 'homelab', id: homelabSchematicId, isTold: true },
      secureBoot: false,
      published: 'v1.13.9',
      target: 'v1.13.9',
    }),
    write: documentsText,
  })
  const order = { name: 'w-9', role: 'worker', labels: { rack: 'attic' }, patches: [] } as const
  return (await renderer.render(order, { ...joiningClaim, hostname: undefined })).text
}
