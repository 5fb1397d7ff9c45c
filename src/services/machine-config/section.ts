import { z } from 'zod'
import { listenPlaces, network, port, serverUrl } from '../../config/scalars.ts'
import { ways } from '../../core/provision/question.ts'

const filesOfTls = z.strictObject({
  certificate: z
    .string()
    .min(1)
    .meta({ description: 'Path of the certificate, with those that signed it', examples: ['machines.crt'] }),
  key: z
    .string()
    .min(1)
    .meta({ description: 'Path of its private key', examples: ['machines.key'] }),
})
const ownAuthority = z.strictObject({
  ca: z
    .literal('own', 'use own, or give certificate and key')
    .meta({ description: "own: Caretaker's own authority, which Talos trusts by talos.config.early" }),
})

/** The section `machineConfig` of the configuration. Without it no machine gets its configuration from Caretaker. */
export const section = z
  .strictObject({
    listen: listenPlaces,
    port: port.default(8424).meta({ description: 'The port where machines ask' }),
    url: serverUrl
      .refine(
        (url) => !URL.canParse(url) || new URL(url).pathname === '/',
        'leave out the path: machines ask at the root',
      )
      .optional()
      .meta({
        description:
          'How machines reach it; a name goes on working when the address changes. Default: where it listens',
        examples: ['https://caretaker.home.arpa:8424'],
      }),
    tls: z
      .union([filesOfTls, ownAuthority], 'use {ca: own}, or {certificate: FILE, key: FILE}')
      .optional()
      .meta({ description: 'Serves it by HTTPS; without it everybody on the way can read what machines get' }),
    allow: z
      .array(network)
      .min(1)
      .optional()
      .meta({
        description: 'Who may ask at all: networks and addresses. Default: the networks that it listens in',
        examples: [['192.168.0.0/24']],
      }),
    way: z.enum(ways).default('device-flow').meta({
      description:
        'How machines get their configuration, where machines.yaml does not say: once their code was compared (device-flow), by asking until they may have it (plain), or pushed to them (maintenance)',
    }),
    endpoint: serverUrl
      .refine((url) => url.toLowerCase().startsWith('https://'), 'use a URL such as https://192.168.0.20:6443')
      .optional()
      .meta({
        description: "The cluster's endpoint in what machines get; default: that of the cluster as it is",
        examples: ['https://192.168.0.20:6443'],
      }),
    kubernetes: z
      .string()
      .regex(/^v?\d{1,3}\.\d{1,3}\.\d{1,3}$/, 'use a version of Kubernetes such as v1.36.3')
      .optional()
      .meta({
        description: 'The Kubernetes version of new machines; default: what the cluster runs',
        examples: ['v1.36.3'],
      }),
    discovery: z
      .boolean()
      .default(true)
      .meta({ description: "Whether members find each other by Talos' discovery service" }),
  })
  .optional()
  .meta({
    description: 'Hands new machines their configuration, once a person has approved them; without it nothing listens',
  })
export type MachineConfigSection = NonNullable<z.output<typeof section>>
