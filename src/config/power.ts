import { z } from 'zod'
import { duration, host, labelSelector, mac, name, namespace, percent, port, secret } from './scalars.ts'

/** What guards the power: UPSes, the machines that hang on them, and how both are gone about. */

const interval = duration.refine(
  (ms) => ms >= 50 && ms <= 30_000,
  'use 50ms to 30s: upsd drops who is silent for a minute',
)
const path = z.string().min(1)
const labels = z.array(name).min(1, 'name at least one UPS')

/** By which UPSes a machine lives; in the end weights of which so much must be left. */
export const feed = z
  .union(
    [
      z.strictObject({ any: labels.meta({ description: 'Any one of these carries it' }) }),
      z.strictObject({ all: labels.meta({ description: 'It needs every one of these' }) }),
      z.strictObject({
        powerValue: z.record(name, z.int().min(1).max(1_000)),
        minSupplies: z.int().min(1).meta({ description: 'So much power value must be left, as MINSUPPLIES in upsmon' }),
      }),
    ],
    'use {any: [UPS, …]}, {all: [UPS, …]} or {powerValue: {UPS: N, …}, minSupplies: N}',
  )
  .transform((given) => {
    if ('powerValue' in given) return given
    const upses = 'any' in given ? given.any : given.all
    const powerValue = Object.fromEntries(upses.map((ups) => [ups, 1]))
    return { powerValue, minSupplies: 'any' in given ? 1 : Object.keys(powerValue).length }
  })

const httpCall = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/), z.union([z.string(), secret])).default({}),
  body: z.string().optional(),
  expect: z
    .array(z.int().min(100).max(599))
    .min(1)
    .optional()
    .meta({ description: 'Answers that count; by default 200 to 299' }),
  ca: path.optional().meta({ description: 'Path of the CA that vouches for it' }),
})

const command = z.strictObject({
  command: z.array(z.string()).min(1).meta({ description: 'A program and its arguments; no shell' }),
  environment: z.record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/), z.union([z.string(), secret])).default({}),
})

/** What brings one machine up, where it differs from `power.wake`. */
const wakeOfMachine = z.strictObject({
  broadcast: z.union([z.ipv4(), z.array(z.ipv4()).min(1)]).optional(),
  port: port.optional(),
  interface: z.string().min(1).optional().meta({ description: 'The network interface that packets leave by' }),
  secureOn: secret
    .optional()
    .meta({ description: 'Where the SecureOn password is: six bytes as a MAC address, or four as an IP' }),
  powerOn: z
    .union([z.strictObject({ http: httpCall }), command], 'use {http: {url: …}} or {command: [PROGRAM, ARGUMENT, …]}')
    .optional()
    .meta({ description: 'What else switches it on: IPMI, a smart plug' }),
  powerOnAfter: duration.prefault('3m').meta({ description: 'How long packets alone are tried' }),
})

/** What nodes and hosts have in common. */
export const machine = {
  mac: mac.optional().meta({ description: 'For Wake-on-LAN; without it somebody has to press the button' }),
  feed: feed.optional().meta({ description: 'The UPSes that carry it; needed where there are several' }),
  wake: wakeOfMachine.optional(),
}

export const hostMachine = z.strictObject({
  name,
  address: host,
  nas: z.boolean().default(false).meta({ description: 'Goes down after all others, and is waited for before them' }),
  ...machine,
  shutdown: z.union(
    [
      z.strictObject({
        ssh: z.strictObject({
          user: z.string().regex(/^[A-Za-z_][-A-Za-z0-9_.]*$/, 'use a user name'),
          port: port.default(22),
          key: path.meta({ description: 'Path of the private key' }),
          knownHosts: path.meta({ description: 'Path of a file in which `ssh-keyscan` left its host key' }),
          command: z.string().min(1).default('sudo shutdown -h now'),
          rehearsal: z
            .string()
            .min(1)
            .optional()
            .meta({ description: 'A command that shows whether the other would work: sudo -n -l shutdown' }),
        }),
      }),
      z.strictObject({ http: httpCall }),
    ],
    'use {ssh: {user: …, key: …, knownHosts: …}} or {http: {url: …}}',
  ),
  shutdownTimeout: duration.prefault('2m').meta({ description: 'How long it may take to be off' }),
  port: port
    .optional()
    .meta({ description: 'The TCP port by which it is known to be up; by default that of its shutdown' }),
})

export const ups = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9._-]+$/, "use the UPS's name in upsd")
      .default('ups'),
    label: name.optional().meta({ description: 'What it is called here; by default its name' }),
    host,
    port: port.default(3493),
    user: z.string().min(1).optional().meta({
      description: 'With a password: log in as a secondary, for which the primary waits. Reading needs neither',
    }),
    password: secret.optional(),
    login: z
      .boolean()
      .default(true)
      .meta({ description: 'false: use the user for commands only, and never count as a secondary' }),
    tls: z.enum(['off', 'preferred', 'required']).default('off').meta({ description: 'STARTTLS' }),
    ca: path.optional().meta({ description: 'Path of the CA, or of the certificate itself, that vouches for upsd' }),
    cutPower: z
      .strictObject({
        command: z.enum(['shutdown.return', 'shutdown.stayoff']).default('shutdown.return'),
        verified: z.literal(true, 'try it by hand first, with nothing of value connected; then write true here'),
      })
      .optional()
      .meta({ description: 'The very last act: the UPS switches its outlets off until mains is back' }),
  })
  .transform((given) => ({ ...given, label: given.label ?? given.name.toLowerCase().replaceAll('_', '-') }))

const wake = z.strictObject({
  stableAfter: duration.prefault('60s'),
  minimumCharge: percent.default(25),
  retryInterval: duration.prefault('30s'),
  giveUpAfter: duration.prefault('15m'),
  broadcast: z.union([z.ipv4(), z.array(z.ipv4()).min(1)]).default('255.255.255.255'),
  port: port.default(9),
  interface: z.string().min(1).optional(),
})

const selection = z.strictObject({
  selector: labelSelector.meta({ description: 'A label selector: tier=batch' }),
  namespace: namespace.optional(),
})

export const power = z
  .strictObject({
    onBatteryAfter: duration.prefault('5s'),
    lowBatteryAfter: duration.prefault('3s'),
    unconfirmedLowBatteryAfter: duration
      .prefault('15s')
      .meta({ description: "The same where charge and runtime contradict the UPS's low battery" }),
    ignoreLowBattery: z
      .boolean()
      .default(false)
      .meta({ description: 'For a UPS that says LB far too early; time on battery then guards' }),
    maxOnBattery: z
      .union([duration, z.literal('never').transform(() => undefined)], 'use a duration such as 15m, or never')
      .prefault('15m'),
    minimumCharge: percent.optional(),
    minimumRuntime: duration
      .optional()
      .meta({ description: 'Shut down when less than this is left; by default what the shutdown itself takes' }),
    maxDischargeRate: z
      .union(
        [z.number().positive().max(100), z.literal('never').transform(() => undefined)],
        'use % a minute, or never',
      )
      .default(15)
      .meta({ description: 'Shut down when the charge falls by more % a minute than this' }),
    deadTime: duration
      .prefault('30s')
      .meta({ description: 'Silence of the UPS on battery for so long starts the shutdown' }),
    pollInterval: interval.prefault('5s'),
    pollIntervalOnBattery: interval.prefault('1s'),
    reserve: duration.prefault('60s'),
    assumedRuntime: duration
      .prefault('3m')
      .meta({ description: 'What the battery is taken to have left where the UPS does not say' }),
    shed: z.array(selection).default([]).meta({ description: 'Workloads that are scaled to nothing early' }),
    shedAfter: duration.prefault('30s').meta({ description: 'How long on battery before that' }),
    storageFlags: z
      .boolean()
      .default(true)
      .meta({ description: 'Keep Longhorn and Ceph from copying data about meanwhile' }),
    drainTimeout: duration.prefault('90s'),
    shutdownTimeout: duration.prefault('60s'),
    feed: feed.optional().meta({ description: 'Of all machines that name no feed of their own' }),
    wake: wake.prefault({}),
  })
  .refine(({ ignoreLowBattery, maxOnBattery }) => !ignoreLowBattery || maxOnBattery !== undefined, {
    path: ['maxOnBattery'],
    message: 'with ignoreLowBattery nothing else is sure to end the wait: give a time',
  })
