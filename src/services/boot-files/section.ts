import { z } from 'zod'
import { port } from '../../config/scalars.ts'

const placeWords = 'use the name of an interface such as eth0, or an address of this machine'
const place = z
  .string(placeWords)
  .regex(/^[A-Za-z0-9:][-A-Za-z0-9_.:]{0,44}$/, placeWords)
  .refine(
    (text) => text !== '0.0.0.0' && text !== '::',
    'name interfaces or addresses one by one: firmware drops an answer that comes from another address than it asked',
  )

/** The section `bootFiles` of the configuration. Without it nothing is served. */
export const section = z
  .strictObject({
    listen: z
      .array(place)
      .min(1)
      .meta({
        description: 'Where it listens: interfaces, each with its IPv4 addresses, and addresses of this machine',
        examples: [['eth0'], ['192.168.0.10']],
      }),
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
