import { z } from 'zod'
import { listenPlaces, port } from '../../config/scalars.ts'

/** The section `bootFiles` of the configuration. Without it nothing is served. */
export const section = z
  .strictObject({
    listen: listenPlaces,
    tftp: z
      .union(
        [z.literal(false), z.strictObject({ port: port.default(69).meta({ description: 'The port of TFTP' }) })],
        'use false, or settings such as {port: 69}',
      )
      .prefault({})
      .meta({ description: 'TFTP, by which firmware boots (PXE); false to serve HTTP alone' }),
    http: z
      .strictObject({
        port: port.default(8421).meta({ description: 'The port of HTTP' }),
        tls: z
          .strictObject({
            certificate: z
              .string()
              .min(1)
              .meta({ description: 'Path of the certificate, with those that signed it', examples: ['boot.crt'] }),
            key: z
              .string()
              .min(1)
              .meta({ description: 'Path of its private key', examples: ['boot.key'] }),
          })
          .optional()
          .meta({ description: 'PEM files; firmware must know the authority that signed the certificate' }),
      })
      .optional()
      .meta({
        description: "HTTP, for UEFI's HTTP boot and for iPXE (/ipxe is its script); without it none is served",
      }),
  })
  .optional()
  .meta({
    description: 'Serves the share to machines that boot, by TFTP and HTTP; without it something else has to',
  })
export type BootFilesSection = NonNullable<z.output<typeof section>>
