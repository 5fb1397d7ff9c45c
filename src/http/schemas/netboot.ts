import { z } from '@hono/zod-openapi'
import type { BootFinding, ChosenBoot } from '../../core/netboot/check.ts'
import type { SeenOffer } from '../../core/netboot/dhcp/question.ts'
import type { Recipe } from '../../core/netboot/recipes/recipe.ts'
import { routerKinds } from '../../core/netboot/recipes/routers.ts'
import type {
  BootChange,
  BootTry,
  NetbootCheck,
  NetbootMachine,
  NetbootMachineDetails,
} from '../../core/netboot/requests.ts'
import { count, ms, schemaOf, text, texts, time } from './answer.ts'

/** Machines that boot from the network. */

const phase = z.enum(['asked', 'offered', 'taken', 'probed', 'loading', 'loaded', 'started', 'configuring', 'running'])

export const bootChange = schemaOf<BootChange>()('BootChange', z.object({ machine: text, phase }))

const bootTry = schemaOf<BootTry>()(
  'BootTry',
  z.object({
    startedAt: time,
    lastAt: time,
    machine: text,
    mac: text.optional(),
    uuid: text.optional(),
    address: text.optional(),
    kind: z.enum(['pxe', 'http', 'ipxe']).optional(),
    firmware: text.optional(),
    architecture: text.optional(),
    classId: text.optional(),
    asked: count.meta({ description: 'How often it asked' }),
    phase,
    why: text.optional(),
    file: text.optional(),
    isServedHere: z.boolean().optional(),
    blockSize: count.optional(),
    windowSize: count.optional(),
    bytes: count.optional(),
    version: text.optional(),
    arrived: count.optional(),
    loadingSince: time.optional(),
    took: ms.optional(),
    resent: count.optional(),
    configuration: z.enum(['pending', 'delivered', 'refused']).optional(),
    trouble: text.optional(),
    hasChanged: z.boolean().optional(),
    said: text.meta({ description: 'What it came to, as a clause after the name of the machine' }),
    next: text.optional().meta({ description: 'What to do about it' }),
    rate: z.number().optional().meta({ description: 'Bytes in a second' }),
  }),
)

const machine = {
  machine: text.meta({ description: 'Its name in the configuration, else its MAC address, else its address' }),
  isKnown: z.boolean().meta({ description: 'It is in the configuration' }),
  mac: text.optional(),
  uuid: text.optional(),
  maker: text.optional(),
  boots: z.boolean().meta({ description: 'Whether it is offered a boot the next time' }),
  why: text,
  armedUntil: time.optional(),
  last: bootTry.optional(),
}

export const netbootMachines = z.array(schemaOf<NetbootMachine>()('NetbootMachine', z.object(machine)))

export const netbootMachine = schemaOf<NetbootMachineDetails>()(
  'NetbootMachineDetails',
  z.object({ ...machine, tries: z.array(bootTry) }),
)

const offer = schemaOf<SeenOffer>()(
  'SeenOffer',
  z.object({
    server: text,
    address: text.optional(),
    classId: text.optional(),
    bootServer: text.optional(),
    file: text.optional(),
    sizeInBlocks: count.optional(),
    hasPxeOptions: z.boolean(),
  }),
)

const finding = schemaOf<BootFinding>()(
  'BootFinding',
  z.object({ verdict: z.enum(['ok', 'warning', 'failed']), text, next: text.optional() }),
)

const chosen = schemaOf<ChosenBoot>()(
  'ChosenBoot',
  z.object({ by: z.enum(['tftp', 'http']), told: text, server: text, file: text }),
)

export const netbootCheck = schemaOf<NetbootCheck>()(
  'NetbootCheck',
  z.object({
    architecture: z.enum(['amd64', 'arm64']),
    loads: z.enum(['tftp', 'http']),
    mac: text,
    offers: z.array(offer),
    chosen: chosen.optional(),
    findings: z.array(finding),
  }),
)

export const recipe = schemaOf<Recipe>()(
  'Recipe',
  z.object({ router: z.enum(routerKinds), title: text, where: text, lines: texts, notes: texts }),
)
