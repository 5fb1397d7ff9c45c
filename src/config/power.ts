import { z } from 'zod'
import { duration, host, labelSelector, mac, name, namespace, percent, port, secret } from './scalars.ts'

/** The settings about power: UPSes, the machines that they supply, and the policy. */

const interval = duration.refine(
  (ms) => ms >= 50 && ms <= 30_000,
  'use 50ms to 30s: upsd disconnects clients that are silent for a minute',
)
const path = z.string().min(1)
const labels = z.array(name).min(1, 'name at least one UPS')

/** The UPSes that supply a machine. `any` and `all` become power values and a minimum. */
export const feed = z
  .union(
    [
      z.strictObject({ any: labels.meta({ description: 'Any one of these is enough' }) }),
      z.strictObject({ all: labels.meta({ description: 'It needs every one of these' }) }),
      z.strictObject({
        powerValue: z.record(name, z.int().min(1).max(1_000)),
        minSupplies: z
          .int()
          .min(1)
          .meta({ description: 'The sum of power values that it needs (upsmon: MINSUPPLIES)' }),
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
    .meta({ description: 'HTTP status codes of success; default: 200 to 299' }),
  ca: path.optional().meta({ description: 'Path of its CA' }),
})

const command = z.strictObject({
  command: z.array(z.string()).min(1).meta({ description: 'A program and its arguments; no shell' }),
  environment: z.record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/), z.union([z.string(), secret])).default({}),
})

/** How to wake one machine, if it differs from `power.wake`. */
const wakeOfMachine = z.strictObject({
  broadcast: z.union([z.ipv4(), z.array(z.ipv4()).min(1)]).optional(),
  port: port.optional(),
  interface: z.string().min(1).optional().meta({ description: 'The network interface that sends packets' }),
  secureOn: secret
    .optional()
    .meta({ description: 'The SecureOn password: six bytes written as a MAC address, or four as an IP address' }),
  powerOn: z
    .union([z.strictObject({ http: httpCall }), command], 'use {http: {url: …}} or {command: [PROGRAM, ARGUMENT, …]}')
    .optional()
    .meta({ description: 'Another way to switch it on: IPMI, a smart plug' }),
  powerOnAfter: duration.prefault('3m').meta({ description: 'How long to try Wake-on-LAN alone first' }),
})

/** What nodes and hosts have in common. */
export const machine = {
  mac: mac.optional().meta({ description: 'For Wake-on-LAN; without it someone has to press the power button' }),
  feed: feed.optional().meta({ description: 'The UPSes that supply it; required if there are several' }),
  wake: wakeOfMachine.optional(),
}

export const hostMachine = z.strictObject({
  name,
  address: host,
  nas: z.boolean().default(false).meta({ description: 'Shut down last and woken first' }),
  ...machine,
  shutdown: z.union(
    [
      z.strictObject({
        ssh: z.strictObject({
          user: z.string().regex(/^[A-Za-z_][-A-Za-z0-9_.]*$/, 'use a user name'),
          port: port.default(22),
          key: path.meta({ description: 'Path of the private key' }),
          knownHosts: path.meta({ description: 'Path of a file with its host key, from `ssh-keyscan`' }),
          command: z.string().min(1).default('sudo shutdown -h now'),
          rehearsal: z
            .string()
            .min(1)
            .optional()
            .meta({ description: 'A command that tests whether the shutdown would work: sudo -n -l shutdown' }),
        }),
      }),
      z.strictObject({ http: httpCall }),
    ],
    'use {ssh: {user: …, key: …, knownHosts: …}} or {http: {url: …}}',
  ),
  shutdownTimeout: duration.prefault('2m').meta({ description: 'How long it may take to shut down' }),
  port: port
    .optional()
    .meta({ description: 'A TCP port that is open while it is up; default: the port of its shutdown' }),
})

export const ups = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9._-]+$/, "use the UPS's name in upsd")
      .default('ups'),
    label: name.optional().meta({ description: 'Its name in Caretaker; default: its name in upsd' }),
    host,
    port: port.default(3493),
    user: z.string().min(1).optional().meta({
      description: 'With a password: log in as a secondary, which the primary waits for. Not needed to read',
    }),
    password: secret.optional(),
    login: z
      .boolean()
      .default(true)
      .meta({ description: 'false: use the user for commands only, and do not log in as a secondary' }),
    trust: z
      .strictObject({
        charge: z.boolean().default(true),
        runtime: z.boolean().default(true),
      })
      .optional()
      .meta({ description: 'false: this figure of the UPS starts no shutdown, and no plan counts on it' }),
    minimumCharge: percent.optional().meta({ description: 'As power.minimumCharge, for this UPS' }),
    minimumRuntime: duration.optional().meta({ description: 'As power.minimumRuntime, for this UPS' }),
    maxDischargeRate: z
      .number()
      .positive()
      .max(100)
      .optional()
      .meta({ description: 'As power.maxDischargeRate, for this UPS' }),
    ignoreLowBattery: z.boolean().optional().meta({ description: 'As power.ignoreLowBattery, for this UPS' }),
    tls: z.enum(['off', 'preferred', 'required']).default('off').meta({ description: 'STARTTLS' }),
    ca: path.optional().meta({ description: 'Path of the CA of upsd, or of its certificate' }),
    cutPower: z
      .strictObject({
        command: z.enum(['shutdown.return', 'shutdown.stayoff']).default('shutdown.return'),
        verified: z.literal(true, 'test it yourself first, with nothing of value connected; then set it to true'),
      })
      .optional()
      .meta({ description: 'Last of all, the UPS switches its outlets off until mains power is back' }),
  })
  .transform((given) => ({ ...given, label: given.label ?? given.name.toLowerCase().replaceAll('_', '-') }))

const wake = z.strictObject({
  stableAfter: duration.prefault('60s').meta({ description: 'How long mains power must have been back' }),
  minimumCharge: percent.default(25).meta({ description: 'The least charge to wake anything, in %' }),
  minimumRuntime: duration.optional().meta({
    description: 'The least runtime, unless the battery is full; default: 5 minutes more than a shutdown takes',
  }),
  unknownChargeAfter: duration
    .prefault('15m')
    .meta({ description: 'How long mains power must have been back where the UPS does not report its charge' }),
  reportAfter: duration
    .prefault('30m')
    .meta({ description: 'How long a battery may keep machines from being woken before an alert says so' }),
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
    onMainsAfter: duration.prefault('15s').meta({
      description: 'How long mains power must last to count: until then, time on battery and a low battery add up',
    }),
    onBatteryBelow: z
      .union([percent, z.literal('never').transform(() => undefined)], 'use a percentage, or never')
      .default(50)
      .meta({
        description: 'Below this charge, in %, a UPS that reports mains power while its charge falls is on battery',
      }),
    obeyForcedShutdown: z.boolean().default(false).meta({
      description: 'true: obey FSD on mains power at once; false: once the UPS or its server confirms it',
    }),
    lowBatteryAfter: duration.prefault('3s'),
    unconfirmedLowBatteryAfter: duration
      .prefault('15s')
      .meta({ description: 'How long LB must last while charge and runtime contradict it (upsmon: HOSTSYNC)' }),
    ignoreLowBattery: z
      .boolean()
      .default(false)
      .meta({ description: 'For a UPS that reports LB far too early; maxOnBattery then starts the shutdown' }),
    maxOnBattery: z
      .union([duration, z.literal('never').transform(() => undefined)], 'use a duration such as 15m, or never')
      .prefault('15m'),
    minimumCharge: percent.optional(),
    minimumRuntime: duration
      .optional()
      .meta({ description: 'Shut down below this runtime; default: what the shutdown itself takes' }),
    maxDischargeRate: z
      .union(
        [z.number().positive().max(100), z.literal('never').transform(() => undefined)],
        'use % a minute, or never',
      )
      .default(15)
      .meta({ description: 'Shut down if the charge falls faster, in %/min' }),
    deadTime: duration
      .prefault('30s')
      .meta({ description: 'Shut down if the UPS does not respond for this long on battery (upsmon: DEADTIME)' }),
    pollInterval: interval.prefault('5s').meta({ description: 'upsmon: POLLFREQ' }),
    pollIntervalOnBattery: interval.prefault('1s').meta({ description: 'upsmon: POLLFREQALERT' }),
    reserve: duration.prefault('60s').meta({ description: 'Runtime that no plan uses' }),
    assumedRuntime: duration.prefault('3m').meta({ description: 'Runtime of a UPS that does not report it' }),
    shed: z.array(selection).default([]).meta({ description: 'Workloads to scale to zero early' }),
    shedAfter: duration.prefault('30s').meta({ description: 'How long on battery before workloads are shed' }),
    storageFlags: z
      .boolean()
      .default(true)
      .meta({ description: 'Stop Longhorn and Ceph from rebuilding replicas meanwhile' }),
    drainTimeout: duration.prefault('90s').meta({ description: 'The longest that pods get to stop' }),
    shutdownTimeout: duration.prefault('60s').meta({ description: 'How long a node may take to shut down' }),
    feed: feed.optional().meta({ description: 'For all machines without a feed of their own' }),
    wake: wake.prefault({}),
  })
  .refine(({ ignoreLowBattery, maxOnBattery }) => !ignoreLowBattery || maxOnBattery !== undefined, {
    path: ['maxOnBattery'],
    message: 'needs a duration with ignoreLowBattery: nothing else is sure to start a shutdown',
  })
