import { z } from 'zod'
import { duration, host, httpUrl, ipv4, mac, name, port, secret } from './scalars.ts'
import { rebootMode } from './upgrade.ts'

/** The settings of machines: nodes and other hosts, what supplies them, how they are shut down and woken. */

/** A path; where it is relative, to the file of the configuration. */
export const path = z.string().min(1)
const textOrSecret = z.union([z.string(), secret], 'write a text, or refer to a secret as {file: PATH} or {env: NAME}')
const labels = z.array(name).min(1, 'name at least one UPS')

/** The UPSes that supply a machine. `any` and `all` become power values and a minimum. */
export const feed = z
  .union(
    [
      z.strictObject({
        any: labels.meta({ description: 'Any one of these is enough', examples: [['rack', 'shelf']] }),
      }),
      z.strictObject({
        all: labels.meta({ description: 'It needs every one of these', examples: [['rack', 'shelf']] }),
      }),
      z.strictObject({
        powerValue: z.record(name, z.int().min(1).max(1_000)).meta({
          description: 'How much each UPS counts, by its name or label (upsmon: power value)',
          examples: [{ rack: 1, shelf: 1 }],
        }),
        minSupplies: z
          .int()
          .min(1)
          .meta({ description: 'The sum of power values that it needs (upsmon: MINSUPPLIES)', examples: [1] }),
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
  url: httpUrl.meta({ description: 'Where the request goes' }),
  method: z
    .enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
    .default('POST')
    .meta({ description: 'The method of the request' }),
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9-]+$/, 'use letters, digits and hyphens'), textOrSecret)
    .default({})
    .meta({
      description: 'Headers of the request: a text, or a secret as {file: PATH} or {env: NAME}',
      examples: [{ authorization: { file: 'token' } }],
    }),
  body: z
    .string()
    .optional()
    .meta({ description: 'The body of the request; default: none', examples: ['{"action": "off"}'] }),
  expect: z
    .array(z.int().min(100).max(599))
    .min(1)
    .optional()
    .meta({ description: 'HTTP status codes of success; default: 200 to 299', examples: [[200]] }),
  ca: path
    .optional()
    .meta({ description: 'Path of the CA that issued its certificate, if that is your own', examples: ['ca.pem'] }),
})

const command = z.strictObject({
  command: z
    .array(z.string())
    .min(1)
    .meta({
      description: 'A program and its arguments; no shell',
      examples: [['ipmitool', '-H', '192.168.1.3', '-U', 'admin', '-E', 'power', 'on']],
    }),
  environment: z
    .record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/, 'use capital letters, digits and _'), textOrSecret)
    .default({})
    .meta({
      description:
        'Variables of its environment: a text, or a secret as {file: PATH} or {env: NAME}; apart from these it has only PATH and LC_ALL',
      examples: [{ IPMI_PASSWORD: { file: 'ipmi-password' } }],
    }),
})

/** How to wake one machine, if it differs from `power.wake`. */
const wakeOfMachine = z.strictObject({
  broadcast: z
    .union([ipv4, z.array(ipv4).min(1)])
    .optional()
    .meta({ description: 'Where its magic packets go: an address, or a list; default: power.wake.broadcast' }),
  port: port
    .optional()
    .meta({ description: 'The UDP port of its magic packets; default: power.wake.port', examples: [7] }),
  interface: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'The network interface that sends packets; default: power.wake.interface',
      examples: ['eth0'],
    }),
  secureOn: secret
    .optional()
    .meta({ description: 'The SecureOn password: six bytes written as a MAC address, or four as an IP address' }),
  powerOn: z
    .union(
      [z.strictObject({ http: httpCall.meta({ description: 'A request that switches it on' }) }), command],
      'use {http: {url: …}} or {command: [PROGRAM, ARGUMENT, …]}',
    )
    .optional()
    .meta({ description: 'Another way to switch it on: IPMI, a smart plug' }),
  powerOnAfter: duration.prefault('3m').meta({ description: 'How long to try Wake-on-LAN alone first' }),
})

/** What nodes and hosts have in common. */
const machine = {
  mac: z
    .union([mac, z.array(mac).min(1)], 'use a MAC address such as 00:1b:21:3a:4f:5c, or a list of them')
    .optional()
    .meta({
      description: 'For Wake-on-LAN; without it someone has to press the power button',
      examples: ['00:1b:21:3a:4f:02'],
    }),
  feed: feed.optional().meta({ description: 'The UPSes that supply it; required if there are several' }),
  wake: wakeOfMachine.optional().meta({ description: 'How it is woken, where that differs from power.wake' }),
}

export const hostMachine = z.strictObject({
  name: name.meta({ description: 'What it is called in Caretaker', examples: ['nas'] }),
  address: host.meta({ description: 'Its IP address: name servers may be down in a power cut' }),
  nas: z.boolean().default(false).meta({ description: 'Shut down last and woken first' }),
  ...machine,
  shutdown: z
    .union(
      [
        z.strictObject({
          ssh: z
            .strictObject({
              user: z
                .string()
                .regex(/^[A-Za-z_][-A-Za-z0-9_.]*$/, 'use a user name')
                .meta({ description: 'The user that logs in', examples: ['caretaker'] }),
              port: port.default(22).meta({ description: 'The port of its SSH server' }),
              key: path.meta({ description: 'Path of the private key', examples: ['nas-key'] }),
              knownHosts: path.meta({
                description: 'Path of a file with its host key, from `ssh-keyscan`',
                examples: ['known_hosts'],
              }),
              command: z
                .string()
                .min(1)
                .default('sudo shutdown -h now')
                .meta({
                  description: 'The command that shuts it down; on a Synology: sudo -i synoshutdown -s',
                  examples: ['sudo -i synoshutdown -s'],
                }),
              rehearsal: z
                .string()
                .min(1)
                .optional()
                .meta({
                  description: 'A command that tests whether the shutdown would work: sudo -n -l shutdown',
                  examples: ['sudo -n -l shutdown'],
                }),
            })
            .meta({ description: 'Shut it down by a command over SSH' }),
        }),
        z.strictObject({ http: httpCall.meta({ description: 'Shut it down by a request' }) }),
      ],
      'use {ssh: {user: …, key: …, knownHosts: …}} or {http: {url: …}}',
    )
    .meta({ description: 'How it is shut down' }),
  shutdownTimeout: duration.prefault('2m').meta({ description: 'How long it may take to shut down' }),
  port: port
    .optional()
    .meta({ description: 'A TCP port that is open while it is up; default: the port of its shutdown', examples: [22] }),
})

export const node = z.strictObject({
  name: name.meta({ description: "The node's name in Kubernetes", examples: ['cp-1'] }),
  role: z.enum(['controlplane', 'worker']).meta({
    description: 'What the machine is in the cluster, as in its machine configuration; a mismatch holds every upgrade',
  }),
  address: host.meta({
    description: 'Address of its machine API (port 50000), never a virtual IP',
    examples: ['192.168.0.2'],
  }),
  ...machine,
  storage: z
    .boolean()
    .default(false)
    .meta({ description: 'Holds Longhorn or Ceph data: shut down after the other workers' }),
  schematic: name.optional().meta({ description: 'The schematic of this node, if it differs', examples: ['gpu'] }),
  rebootMode: rebootMode.optional().meta({ description: 'How this node reboots, if it differs' }),
})
