import { z } from 'zod'
import { host, name, port, secret } from '../../config/scalars.ts'

// `host` takes no address that begins with a colon, such as ::1.
const place = z.union([host, z.ipv6()], 'use a host name or an IP address, without a port')
const scope = z.enum(['read', 'operate', 'admin'])

/** The section `api` of the configuration. Without it nothing listens. */
export const section = z
  .strictObject({
    address: place.default('127.0.0.1').meta({ description: 'Where it listens; 0.0.0.0 or :: for every interface' }),
    port: port.default(8420),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({
        description: 'How phones and browsers reach it: https://nas.lan:8420; buttons of messages need it',
      }),
    hosts: z
      .array(place)
      .default([])
      .meta({ description: 'Other names by which it may be asked; any other Host is refused' }),
    anonymous: z
      .enum(['loopback', 'never'])
      .default('loopback')
      .meta({ description: 'Who may read without a token: whoever is on this machine, or nobody' }),
    tls: z
      .strictObject({ certificate: z.string().min(1), key: z.string().min(1) })
      .optional()
      .meta({ description: 'PEM files, read again when they are renewed' }),
    tokens: z
      .array(z.strictObject({ name, scope, token: secret }))
      .default([])
      .meta({ description: 'Tokens from files, beside those of `caretaker token create`' }),
    proxy: z
      .strictObject({
        from: z
          .array(z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()]))
          .min(1)
          .meta({ description: 'Addresses of the reverse proxy' }),
        header: z
          .string()
          .regex(/^[A-Za-z][-A-Za-z0-9]*$/)
          .default('Remote-User'),
        scope: scope.default('read').meta({ description: 'What whoever it has signed in may do' }),
      })
      .optional()
      .meta({ description: 'A reverse proxy that signs people in and says who they are' }),
  })
  .optional()
export type ApiSection = NonNullable<z.output<typeof section>>
