import { z } from '@hono/zod-openapi'
import { imageKinds, type ImageStatus, type StagedImage } from '../../core/release/image.ts'
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
