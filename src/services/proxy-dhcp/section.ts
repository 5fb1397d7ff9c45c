import { z } from 'zod'
import { duration, ipv4, serverUrl } from '../../config/scalars.ts'

const place = z
  .string()
  .regex(
    /^[A-Za-z0-9][-A-Za-z0-9._:]{0,63}$/,
    'use the name of an interface such as eth0, or an IPv4 address of this machine',
  )

/** The section `proxyDhcp` of the configuration. Without it no machine is answered. */
export const section = z
  .strictObject({
    listen: z
      .array(place)
      .min(1, 'name an interface or an address of this machine')
      .meta({
        description: 'The networks whose machines are answered: interfaces by name, or IPv4 addresses of this machine',
        examples: [['eth0'], ['192.168.0.10']],
      }),
    tftp: ipv4.optional().meta({
      description:
        'IPv4 address of the TFTP server that machines are told; default: share.server, else the address of Caretaker in their network',
      examples: ['192.168.0.6'],
    }),
    http: serverUrl.optional().meta({
      description: 'Base URL of the server that has the same files by HTTP: for HTTP boot, and for iPXE',
      examples: ['http://192.168.0.10:8070'],
    }),
    offer: z.enum(['whole', 'port-4011']).default('whole').meta({
      description:
        'How much the first answer says: all that is needed to boot, or only that firmware is to ask again at port 4011',
    }),
    delay: duration.prefault('0s').meta({
      description:
        "How long an answer waits, for firmware that takes the first offer alone, which must be the router's",
      examples: ['1s'],
    }),
  })
  .optional()
  .meta({
    description:
      'Tells machines what to boot, beside the DHCP server that gives them addresses (ProxyDHCP); without it none is answered',
  })
export type ProxyDhcpSection = NonNullable<z.output<typeof section>>
