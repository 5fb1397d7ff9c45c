import { z } from 'zod'
import { duration, mac, name } from './scalars.ts'

/** How much an answer to a machine says, and when it is sent: for firmware that trips over two offers. */
export const offerForm = z.enum(['whole', 'port-4011'])

const machine = z.strictObject({
  machine: z
    .union([name, mac], 'use the name of a node or host, or a MAC address such as 00:1b:21:3a:4f:5c')
    .meta({ description: 'The name of a node or host, or a MAC address', examples: ['w-1', '00:1b:21:3a:4f:5c'] }),
  boot: z.enum(['always', 'once', 'never']).optional().meta({
    description:
      'How often it boots from the network: always (a machine without a disk), once, or never; default: until it is installed',
  }),
  offer: offerForm
    .optional()
    .meta({ description: 'How much the first answer to it says, where that differs from proxyDhcp.offer' }),
  delay: duration.optional().meta({
    description: 'How long the answer to it waits, where that differs from proxyDhcp.delay',
    examples: ['1s'],
  }),
})

/** The section `netboot`: who boots from the network, whoever answers them. */
export const netboot = z.strictObject({
  unknown: z.enum(['offer', 'ignore']).default('offer').meta({
    description: 'Whether machines that are not in the configuration are offered a boot',
  }),
  machines: z
    .array(machine)
    .prefault([])
    .meta({ description: 'Exceptions; nodes that are installed are left alone anyway' }),
})
