import { z } from '@hono/zod-openapi'
import { imageKinds, type ImageStatus, type StagedImage } from '../../core/release/image.ts'
import type { Proofs } from '../../core/release/proofs.ts'
import type { VerificationAnswer } from '../../core/release/verification.ts'
import { count, schemaOf, text, texts, time } from './answer.ts'

export const stagedImage = schemaOf<StagedImage>()(
  'StagedImage',
  z.object({
    version: text,
    schematic: text,
    architecture: text,
    secureBoot: z.boolean(),
    kind: z.enum(imageKinds),
    sha256: text,
    bytes: count,
    stagedAt: time,
    path: text,
    publishedAs: texts,
    published: z.boolean(),
  }),
)
export const imageStatus = schemaOf<ImageStatus>()(
  'ImageStatus',
  z.object({ name: text, file: text, published: stagedImage.optional(), note: text.optional() }),
)
export const stagedImages = z.array(stagedImage)

const proofs = schemaOf<Proofs>()('Proofs', z.object({ sha256: text.optional(), hasSignature: z.boolean() }))

export const verification = schemaOf<VerificationAnswer>()(
  'Verification',
  z.object({
    isWhole: z.boolean(),
    files: z.array(
      z.object({
        path: text,
        version: text,
        bytes: count,
        sha256: text,
        fault: text.optional(),
        proofs: proofs.optional(),
      }),
    ),
    served: z.array(z.object({ file: text, server: text, fault: text.optional(), action: text.optional() })),
  }),
)
