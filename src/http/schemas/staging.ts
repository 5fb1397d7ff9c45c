import { z } from '@hono/zod-openapi'
import type { StagedImage } from '../../core/release/image.ts'
import { count, schemaOf, text, time } from './answer.ts'

export const stagedImage = schemaOf<StagedImage>()(
  'StagedImage',
  z.object({
    version: text,
    schematic: text,
    architecture: text,
    sha256: text,
    bytes: count,
    stagedAt: time,
    path: text,
    published: z.boolean(),
  }),
)
export const stagedImages = z.array(stagedImage)
