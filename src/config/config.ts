import { z } from 'zod'
import { factory } from './factory.ts'
import { image, share } from './images.ts'
import { type Level, levelOf } from './known-keys.ts'
import { hostMachine, node } from './machine.ts'
import { netboot } from './netboot.ts'
import { power, ups } from './power.ts'
import { name } from './scalars.ts'
import { defaultState } from './state-line.ts'
import { storage } from './storage.ts'
import { findRenamed } from './renamed.ts'
import { type Inspected, inspectText, parseText } from './text.ts'
import { checkTogether, type Given, hasLists } from './together.ts'
import { upgrade } from './upgrade.ts'
import { machinesOf } from '../core/power/machines.ts'
import type { Schematic } from '../core/release/schematic.ts'
import { needOf } from '../core/power/shutdown.ts'

const cluster = z.strictObject({
  name: name.default('homelab').meta({ description: 'What the homelab is called in messages' }),
  talosconfig: z
    .string()
    .min(1)
    .optional()
    .meta({
      description:
        'Renewed before it expires: in place, or under state if the file is read-only. Without it no node is touched',
      examples: ['talosconfig'],
    }),
  context: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'The context in the talosconfig; default: its current one', examples: ['homelab'] }),
  kubeconfig: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'Renewed like the talosconfig; without it Caretaker requests one through Talos',
      examples: ['kubeconfig'],
    }),
})

/** Sections of the configuration that belong to services. */
export type Sections = Readonly<Record<string, z.ZodType>>

const own = {
  cluster: cluster
    .prefault({})
    .meta({ description: 'The cluster, and the credentials for it. Leave it out until you have one' }),
  nodes: z
    .array(node)
    .prefault([])
    .meta({ description: 'Every machine of the cluster. Leave it out until you have one' }),
  schematic: name.meta({
    description: 'The schematic of the nodes: a file in config/schematics, without .yaml',
    examples: ['homelab'],
  }),
  factory: factory.prefault({}).meta({ description: 'The Image Factory, which releases and images come from' }),
  share: share.meta({ description: 'Where images are staged for netboot: a directory that a TFTP server serves' }),
  images: z.array(image).prefault([]).meta({
    description:
      'The images that machines boot, where one does not fit all; default: one of schematic, share.image and share.architecture',
  }),
  upgrade: upgrade.prefault({}).meta({ description: 'Which Talos releases the nodes get, when, and how carefully' }),
  hosts: z.array(hostMachine).prefault([]).meta({ description: 'Machines on a UPS that are not nodes, such as a NAS' }),
  upses: z
    .array(ups)
    .prefault([])
    .meta({ description: 'The UPSes, as upsd serves them; without any the power is not guarded' }),
  power: power
    .prefault({})
    .meta({ description: 'What starts a shutdown, how it goes, and when machines are woken again' }),
  storage: storage
    .prefault({})
    .meta({ description: 'How the storage of the cluster (Longhorn, Ceph by Rook) counts for upgrades' }),
  netboot: netboot
    .prefault({})
    .meta({ description: 'Which machines boot from the network, where Caretaker answers them' }),
  state: z.string().min(1).default(defaultState).meta({ description: 'The state directory, with journal and queue' }),
}

/** Kept, because making one takes longer than using it. */
const schemas = new WeakMap<Sections, ReturnType<typeof createSchema>>()

function schemaWith(sections: Sections): ReturnType<typeof createSchema> {
  const schema = schemas.get(sections) ?? createSchema(sections)
  schemas.set(sections, schema)
  return schema
}

/** The whole configuration, with a section for each service that has one. */
function createSchema(sections: Sections) {
  const { state, ...first } = own
  // Only the services know their types.
  const shape = { ...first, ...sections, state }
  return z
    .strictObject(shape)
    .superRefine(checkTogether, { when: ({ value }) => hasLists(value) })
    .transform(complete)
}

/** Fills in what follows from other settings: feeds, the zone of times, and the runtime that a shutdown itself takes. */
function complete<
  Settings extends {
    nodes: readonly z.output<typeof node>[]
    hosts: readonly z.output<typeof hostMachine>[]
    upses: readonly { label: string }[]
    power: z.output<typeof power>
    upgrade: z.output<typeof upgrade>
  },
>(settings: Settings) {
  const [first, ...others] = settings.upses
  const only = first && others.length === 0 ? { powerValue: { [first.label]: 1 }, minSupplies: 1 } : undefined
  const fed = <One extends Given>(one: One): One => ({ ...one, feed: one.feed ?? settings.power.feed ?? only })
  const whole = { ...settings, nodes: settings.nodes.map(fed), hosts: settings.hosts.map(fed) }
  const { minimumRuntime, ...policy } = settings.power
  return {
    ...whole,
    power: { ...policy, minimumRuntime: minimumRuntime ?? needOf(machinesOf(whole), policy) },
    upgrade: { ...settings.upgrade, shownZone: settings.upgrade.timeZone },
  }
}

export type Config = z.output<ReturnType<typeof schemaWith>>

const schematicSchema = z.strictObject({
  owner: z.string().optional(),
  overlay: z
    .strictObject({
      image: z.string().min(1),
      name: z.string().min(1),
      options: z.record(z.string(), z.unknown()).optional(),
    })
    .optional(),
  customization: z
    .strictObject({
      embeddedMachineConfiguration: z.string().optional(),
      extraKernelArgs: z.array(z.string()).optional(),
      meta: z.array(z.strictObject({ key: z.int().min(0).max(255), value: z.string() })).optional(),
      systemExtensions: z.strictObject({ officialExtensions: z.array(z.string()).optional() }).optional(),
      bootloader: z.enum(['none', 'dual-boot', 'sd-boot', 'grub']).optional(),
      secureboot: z
        .strictObject({ enrollKeys: z.string().optional(), includeWellKnownCertificates: z.boolean().optional() })
        .optional(),
      diskImage: z.strictObject({ sectorSize: z.int().min(0).optional() }).optional(),
    })
    .optional(),
})

/**
 * Parses a configuration. `file` is the name that errors show.
 *
 * @throws AgentError `misconfigured`, with every error
 */
export function parseConfig(text: string, file: string, sections: Sections = {}): Config {
  return parseText(schemaWith(sections), text, file, findRenamed)
}

/** The same for whoever wants to see all faults, those of the files that it names as well. Never throws. */
export function inspectConfig(text: string, file: string, sections: Sections = {}): Inspected<Config> {
  // Nothing is in this directory, and it is never there.
  const assume = { schematic: 'homelab', share: { directory: '/dev/null/share' } }
  return inspectText(schemaWith(sections), text, { file, findRenamed, assume })
}

/** The text of a file of `config/schematics`. @throws AgentError `misconfigured`, with every error */
export function parseSchematic(text: string, file: string): Schematic {
  return parseText(schematicSchema, text, file)
}

/** JSON Schema (draft 7) of the configuration, for editors. */
export function configSchema(sections: Sections = {}): object {
  return z.toJSONSchema(schemaWith(sections), {
    io: 'input',
    target: 'draft-7',
    // It is for ourselves: editors warn of keywords that they don't know.
    override: ({ jsonSchema }) => void delete jsonSchema['kind'],
  })
}

/** All settings, with what may stand in each: for the page that lists them. */
export function settingsOf(sections: Sections = {}): Level {
  return levelOf(schemaWith(sections))
}
