import { z } from 'zod'
import { normalMac } from '../core/address.ts'
import { whyNoLabel } from '../core/machine-config/refusals.ts'
import { parseSize } from '../core/provision/install.ts'
import type { MachinesFile } from '../core/provision/machines-file.ts'
import { ways } from '../core/provision/question.ts'
import { mac, name, type SecretSource, secret } from './scalars.ts'
import { inspectText, type Inspected, parseText } from './text.ts'

/** The file `config/machines/machines.yaml`: what machines are to become. */

/** Its name in the folder. */
export const machinesFile = 'machines.yaml'

const patchName = /^[A-Za-z0-9][-A-Za-z0-9_.]*\.ya?ml$/

/** Whether a file of the folder holds patches: all but the one that says which machines get them. */
export function isPatchFile(given: string): boolean {
  return patchName.test(given) && given !== machinesFile
}

const patchWords = 'use the name of a file beside this one, such as nut-client.yaml'
const patchFile = z
  .string(patchWords)
  .regex(patchName, patchWords)
  .refine((file) => file !== machinesFile, 'is this file itself, and no patch')

const uuidWords = 'use a UUID such as 4c4c4544-0042-3510-8052-b4c04f4b4d32'
const uuid = z
  .string(uuidWords)
  .regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, uuidWords)
  .transform((text) => text.toLowerCase())
const address = mac.transform((text) => normalMac(text)!)
const serial = z.string().min(1).max(64)

const oneOrMore = <T extends z.ZodType>(one: T, words: string) =>
  z.union([one.transform((value) => [value]), z.array(one).min(1)], words)

const traits = {
  mac: oneOrMore(address, 'use a MAC address such as 00:1b:21:3a:4f:5c, or a list of them').optional(),
  uuid: oneOrMore(uuid, uuidWords).optional(),
  serial: oneOrMore(serial, 'use a serial number, or a list of them').optional(),
}

const role = z.enum(['controlplane', 'worker'])

const labels = z.record(z.string(), z.string('write the value of a label as text')).superRefine((all, context) => {
  for (const [key, value] of Object.entries(all)) {
    const why = whyNoLabel(key, value)
    if (why !== undefined) context.addIssue({ code: 'custom', message: why, path: [key] })
  }
})

const diskWords = 'use the path of a device, such as /dev/disk/by-id/nvme-Samsung_SSD_980_S64DNX0R'
const text = z.string().min(1)

const diskSelector = z
  .strictObject({
    size: z
      .string()
      .refine((given) => parseSize(given) !== undefined, "use a size such as '>= 100GB'")
      .optional(),
    model: text.optional(),
    serial: text.optional(),
    modalias: text.optional(),
    uuid: text.optional(),
    wwid: text.optional(),
    busPath: text.optional(),
    type: z.enum(['nvme', 'sd', 'hdd', 'ssd']).optional(),
    match: text.optional(),
  })
  .refine((given) => Object.values(given).some((one) => one !== undefined), 'say by what the disk is found')
  .refine(
    ({ match, ...others }) => match === undefined || Object.values(others).every((one) => one === undefined),
    'match says all: leave the others out',
  )

const install = z
  .strictObject({
    disk: z
      .string(diskWords)
      .regex(/^\/dev\/[^\s"\\]+$/, diskWords)
      .optional(),
    diskSelector: diskSelector.optional(),
    wipe: z.boolean().default(false),
  })
  .refine(
    ({ disk, diskSelector: selector }) => (disk === undefined) !== (selector === undefined),
    'name a disk, or a diskSelector',
  )

const selector = z
  .strictObject({ role: role.optional(), ...traits, labels: labels.optional() })
  .refine(
    (given) => Object.values(given).some((one) => one !== undefined),
    'say which machines: role, mac, uuid, serial or labels',
  )

const selectedPatch = z.union(
  [patchFile.transform((file) => ({ file })), z.strictObject({ file: patchFile, for: selector.optional() })],
  'name a file, or use { file: FILE, for: { role: worker } }',
)

const machine = z.strictObject({
  name: name.refine((given) => given.length <= 63, 'is longer than 63 characters'),
  match: z
    .strictObject(traits)
    .refine(
      (given) => Object.values(given).some((one) => one !== undefined),
      'say by what it is known: mac, uuid or serial',
    ),
  role: role.optional(),
  labels: labels.default({}),
  patches: z.array(patchFile).default([]),
  install: install.optional(),
  way: z.enum(ways as ['plain', 'device-flow', 'maintenance']).optional(),
})

const file = z
  .strictObject({
    install: install.optional(),
    patches: z.array(selectedPatch).default([]),
    values: z.record(name, secret).default({}),
    machines: z.array(machine).default([]),
  })
  .superRefine(({ machines }, context) => {
    const taken = new Map<string, string>()
    for (const [index, one] of machines.entries()) {
      const identities = [
        { key: one.name, path: ['name'], words: `another machine is called ${one.name}` },
        ...(['mac', 'uuid', 'serial'] as const).flatMap((trait) =>
          (one.match[trait] ?? []).map((value) => ({ key: `${trait} ${value}`, path: ['match', trait], words: '' })),
        ),
      ]
      for (const { key, path, words } of identities) {
        const other = taken.get(key)
        if (other !== undefined)
          context.addIssue({
            code: 'custom',
            message: words || `${other} has it already`,
            path: ['machines', index, ...path],
          })
        else taken.set(key, one.name)
      }
    }
  })

/** The file as it stands, with where its secrets are. */
export interface WrittenMachines extends MachinesFile {
  readonly values: Readonly<Record<string, SecretSource>>
}

/** Reads the file. `path` is the name that errors show. @throws FaultsError with every fault in its place */
export function parseMachines(given: string, path: string): WrittenMachines {
  return isEmpty(given) ? { patches: [], machines: [], values: {} } : parseText(file, given, path)
}

/** The same with the places of what is well. */
export function inspectMachines(given: string, path: string): Inspected<WrittenMachines> {
  return inspectText<WrittenMachines>(file, isEmpty(given) ? '{}' : given, {
    file: path,
    findRenamed: () => [],
    assume: {},
  })
}

/** Nothing but comments: everything is left to whoever approves a machine. */
function isEmpty(given: string): boolean {
  return given.split('\n').every((line) => /^\s*(#.*|---\s*)?$/.test(line))
}
