import { z } from 'zod'
import { usualUpsdPort } from '../core/setup/usual.ts'
import { feed, path } from './machine.ts'
import { duration, host, ipv4, labelSelector, name, namespace, percent, port, secret } from './scalars.ts'

/** The settings about power: UPSes, and the policy. */

const interval = duration
  .refine((ms) => ms >= 50 && ms <= 30_000, 'use 50ms to 30s: upsd disconnects clients that are silent for a minute')
  .meta({ kind: 'interval' })

export const ups = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9._-]+$/, "use the UPS's name in upsd: letters, digits, dots, hyphens and _")
      .default('ups')
      .meta({ description: 'Its name in upsd (`upsc -l HOST`); a Synology calls it ups', examples: ['ups'] }),
    label: name
      .optional()
      .meta({ description: 'Its name in Caretaker; default: its name in upsd', examples: ['rack'] }),
    host: host.meta({ description: 'Where upsd runs: an address, or a name that needs no name server' }),
    port: port.default(usualUpsdPort).meta({ description: 'The port of upsd' }),
    user: z
      .string()
      .min(1)
      .optional()
      .meta({
        description: 'With a password: log in as a secondary, which the primary waits for. Not needed to read',
        examples: ['monuser'],
      }),
    password: secret.optional().meta({ description: 'The password of that user' }),
    login: z
      .boolean()
      .default(true)
      .meta({ description: 'false: use the user for commands only, and do not log in as a secondary' }),
    trust: z
      .strictObject({
        charge: z.boolean().default(true).meta({ description: 'false: its charge (battery.charge) is wrong' }),
        runtime: z.boolean().default(true).meta({ description: 'false: its runtime (battery.runtime) is wrong' }),
      })
      .optional()
      .meta({ description: 'false: this figure of the UPS starts no shutdown, and no plan counts on it' }),
    minimumCharge: percent.optional().meta({ description: 'As power.minimumCharge, for this UPS' }),
    minimumRuntime: duration.optional().meta({ description: 'As power.minimumRuntime, for this UPS' }),
    maxDischargeRate: z
      .number()
      .positive()
      .max(100)
      .meta({ kind: 'percent' })
      .optional()
      .meta({ description: 'As power.maxDischargeRate, for this UPS' }),
    ignoreLowBattery: z.boolean().optional().meta({ description: 'As power.ignoreLowBattery, for this UPS' }),
    tls: z.enum(['off', 'preferred', 'required']).default('off').meta({
      description: 'Whether the connection to upsd is encrypted by STARTTLS: never, where upsd can, or else not at all',
    }),
    ca: path
      .optional()
      .meta({ description: 'Path of the CA of upsd, or of its certificate', examples: ['upsd-ca.pem'] }),
    pollInterval: interval.optional().meta({ description: 'How often it is read; default: power.pollInterval' }),
    pollIntervalOnBattery: interval
      .optional()
      .meta({ description: 'The same on battery; default: power.pollIntervalOnBattery' }),
    cutPower: z
      .strictObject({
        command: z
          .enum(['shutdown.return', 'shutdown.stayoff'])
          .default('shutdown.return')
          .meta({ description: "The UPS's command: back on with mains power, or off until somebody comes" }),
        verified: z
          .literal(true, 'test it yourself first, with nothing of value connected; then set it to true')
          .meta({ description: 'That you have tested the command with nothing of value connected' }),
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
  retryInterval: duration
    .prefault('30s')
    .meta({ description: 'How often magic packets are repeated until the machine is up' }),
  giveUpAfter: duration
    .prefault('15m')
    .meta({ description: 'How long a machine may take to come up before an alert names the button to press' }),
  storageTimeout: duration
    .prefault('30m')
    .meta({ description: 'How long storage flags wait for data to be whole; then they are removed, with an alert' }),
  stagger: duration.prefault('0s').meta({ description: 'How far apart machines are woken' }),
  broadcast: z
    .union([ipv4, z.array(ipv4).min(1)])
    .default('255.255.255.255')
    .meta({ description: "Where packets go; 255.255.255.255: by each interface in the machine's network" }),
  port: port.default(9).meta({ description: 'The UDP port of magic packets' }),
  interface: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'The network interface that sends magic packets; default: by routing', examples: ['eth0'] }),
})

const selection = z.strictObject({
  selector: labelSelector.meta({ description: 'A label selector: tier=batch' }),
  namespace: namespace.optional().meta({ description: 'Only in this namespace; default: in all', examples: ['batch'] }),
})

export const power = z
  .strictObject({
    onBatteryAfter: duration
      .prefault('5s')
      .meta({ description: 'How long a UPS must be on battery to count as such: shorter blips are ignored' }),
    onMainsAfter: duration.prefault('15s').meta({
      description: 'How long mains power must last to count: until then, time on battery and a low battery add up',
    }),
    onBatteryBelow: z
      .union([percent, z.literal('never').transform(() => undefined)], 'use a percentage, or never')
      .prefault(50)
      .meta({
        description: 'Below this charge, in %, a UPS that reports mains power while its charge falls is on battery',
      }),
    obeyForcedShutdown: z.boolean().default(false).meta({
      description: 'true: obey FSD on mains power at once; false: once the UPS or its server confirms it',
    }),
    lowBatteryAfter: duration
      .prefault('3s')
      .meta({ description: 'How long a UPS must report a low battery (LB) before a shutdown starts' }),
    unconfirmedLowBatteryAfter: duration
      .prefault('15s')
      .meta({ description: 'How long LB must last while charge and runtime contradict it (upsmon: HOSTSYNC)' }),
    ignoreLowBattery: z
      .boolean()
      .default(false)
      .meta({ description: 'For a UPS that reports LB far too early; maxOnBattery then starts the shutdown' }),
    maxOnBattery: z
      .union([duration, z.literal('never').transform(() => undefined)], 'use a duration such as 15m, or never')
      .prefault('15m')
      .meta({ description: 'Shut down after this long on battery, whatever the charge; or never' }),
    minimumCharge: percent.optional().meta({
      description:
        "Shut down below this charge, in %; default: the UPS's own mark for a low battery (battery.charge.low), or else 20; 0: never",
    }),
    minimumRuntime: duration
      .optional()
      .meta({ description: 'Shut down below this runtime; default: what the shutdown itself takes' }),
    maxDischargeRate: z
      .union(
        [z.number().positive().max(100).meta({ kind: 'percent' }), z.literal('never').transform(() => undefined)],
        'use % a minute, or never',
      )
      .prefault(15)
      .meta({ description: 'Shut down if the charge falls faster, in %/min' }),
    deadTime: duration
      .prefault('30s')
      .meta({ description: 'Shut down if the UPS does not respond for this long on battery (upsmon: DEADTIME)' }),
    pollInterval: interval.prefault('1s').meta({ description: 'How often UPSes are read (upsmon: POLLFREQ)' }),
    pollIntervalOnBattery: interval
      .prefault('250ms')
      .meta({ description: 'The same on battery (upsmon: POLLFREQALERT)' }),
    reserve: duration.prefault('60s').meta({ description: 'Runtime that no plan uses' }),
    assumedRuntime: duration.prefault('3m').meta({ description: 'Runtime of a UPS that does not report it' }),
    shed: z.array(selection).default([]).meta({ description: 'Workloads to scale to zero early' }),
    shedAfter: duration.prefault('30s').meta({ description: 'How long on battery before workloads are shed' }),
    storageFlags: z
      .boolean()
      .default(true)
      .meta({ description: 'Stop Longhorn and Ceph from rebuilding replicas meanwhile' }),
    drainTimeout: duration.prefault('90s').meta({ description: 'The most time that pods get to stop' }),
    shutdownTimeout: duration.prefault('60s').meta({ description: 'How long a node may take to shut down' }),
    feed: feed.optional().meta({ description: 'For all machines without a feed of their own' }),
    wake: wake.prefault({}).meta({ description: 'When and how machines are woken once mains power is back' }),
  })
  .refine(({ ignoreLowBattery, maxOnBattery }) => !ignoreLowBattery || maxOnBattery !== undefined, {
    path: ['maxOnBattery'],
    message: 'needs a duration with ignoreLowBattery: nothing else is sure to start a shutdown',
  })
