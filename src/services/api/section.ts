import { z } from 'zod'
import { host, httpUrl, name, network, port, secret } from '../../config/scalars.ts'

// `host` takes no address that begins with a colon, such as ::1.
const place = z.union([host, z.ipv6()], 'use a host name or an IP address, without a port')
const scope = z.enum(['read', 'operate', 'admin'])

/** The section `api` of the configuration. Without it nothing listens. */
export const section = z
  .strictObject({
    address: place
      .default('127.0.0.1')
      .meta({ description: 'Where it listens; 0.0.0.0 or :: for every interface', examples: ['0.0.0.0'] }),
    port: port.default(8420).meta({ description: 'The port where it listens' }),
    url: httpUrl.optional().meta({
      description: 'How phones and browsers reach it: https://nas.lan:8420; buttons of messages need it',
    }),
    hosts: z
      .array(place)
      .default([])
      .meta({
        description: 'Other names by which it may be asked; any other Host is refused',
        examples: [['nas.home.arpa']],
      }),
    anonymous: z
      .enum(['loopback', 'never'])
      .default('loopback')
      .meta({ description: 'Who may read without a token: whoever is on this machine, or nobody' }),
    tls: z
      .strictObject({
        certificate: z
          .string()
          .min(1)
          .meta({ description: 'Path of the certificate, with those that signed it', examples: ['tls.crt'] }),
        key: z
          .string()
          .min(1)
          .meta({ description: 'Path of its private key', examples: ['tls.key'] }),
      })
      .optional()
      .meta({ description: 'PEM files, read again when they are renewed' }),
    tokens: z
      .array(
        z.strictObject({
          name: name.meta({ description: 'What the token is called in the journal', examples: ['panel'] }),
          scope: scope.meta({
            description: 'What whoever has it may do: read, request (operate), or everything (admin)',
          }),
          token: secret.meta({ description: 'Where the token itself is' }),
        }),
      )
      .default([])
      .meta({ description: 'Tokens from files, in addition to those of `caretaker token create`' }),
    proxy: z
      .strictObject({
        from: z
          .array(network)
          .min(1)
          .meta({ description: 'Addresses of the reverse proxy', examples: [['192.168.0.8']] }),
        header: z
          .string()
          .regex(/^[A-Za-z][-A-Za-z0-9]*$/, 'use the name of a header')
          .default('Remote-User')
          .meta({ description: 'The header in which it says who was signed in' }),
        scope: scope.default('read').meta({ description: 'What whoever it has signed in may do' }),
      })
      .optional()
      .meta({ description: 'A reverse proxy that signs people in and says who they are' }),
  })
  .optional()
  .meta({ description: 'The HTTP API, for other machines, phones and browsers; without it nothing listens' })
export type ApiSection = NonNullable<z.output<typeof section>>
