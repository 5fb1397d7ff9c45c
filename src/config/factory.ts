import { z } from 'zod'
import { usualFactory } from '../core/setup/usual.ts'
import { secret, serverUrl } from './scalars.ts'

const auth = z.union(
  [
    z.strictObject({
      username: z
        .string()
        .min(1)
        .meta({ description: 'Name of the user', examples: ['homelab'] }),
      password: secret.meta({ description: 'Password of the user', examples: [{ file: 'factory-password' }] }),
    }),
    z.strictObject({
      token: secret.meta({
        description: 'A token, instead of a user and a password',
        examples: [{ file: 'factory-token' }],
      }),
      sentAs: z.enum(['bearer', 'query']).default('bearer').meta({
        description:
          'How the token is sent: `bearer` in the header Authorization with every request, `query` as ?token= with those for images (a download token of Image Factory Enterprise)',
      }),
    }),
  ],
  'give username and password, or a token',
)

const one = {
  auth: auth
    .optional()
    .meta({ description: 'What the Factory asks of its users; sent to nobody that it redirects to' }),
  ca: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'File with the CA of its certificate, PEM; nobody else vouches for it then',
      examples: ['factory-ca.pem'],
    }),
}

/** Where releases and images come from. */
export const factory = z.strictObject({
  url: serverUrl.default(usualFactory).meta({
    description:
      'URL of the Image Factory, with the path of a reverse proxy, if any; installer images come from its host',
    examples: ['https://mirror.example/factory'],
  }),
  ...one,
  fallbacks: z
    .array(
      z.strictObject({
        url: serverUrl.meta({ description: 'URL of another Image Factory', examples: ['https://factory.lan'] }),
        ...one,
      }),
    )
    .default([])
    .meta({
      description:
        'Factories that are asked for releases and images where those before them do not answer. Nodes pull their installers from the host of factory.url all the same, and none is upgraded before that one has been told its schematic',
    }),
  signedBy: z
    .array(z.string().min(1))
    .default([])
    .meta({
      description:
        'Files with certificates, PEM. A signed image is taken only with a SecureBoot signature by one of them; without any, signatures are not verified',
      examples: [['secureboot-signing-cert.pem']],
    }),
})

export type FactorySettings = z.output<typeof factory>
