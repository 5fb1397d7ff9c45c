import { z } from '@hono/zod-openapi'
import type { RenderAnswer } from '../../core/provision/config-requests.ts'
import { schemaOf, text, texts } from './answer.ts'

export const rendered = schemaOf<RenderAnswer>()(
  'RenderedMachineConfig',
  z.object({
    name: text,
    role: z.enum(['controlplane', 'worker']),
    masked: texts.meta({ description: 'The documents in YAML, line by line; each secret is `(secret)`' }),
    diff: texts.meta({ description: 'What the patches change of what is generated, as a unified diff' }),
    contract: text.meta({ description: 'In the words of which release of Talos it is written' }),
    installs: z.object({ version: text, schematic: text }),
    patches: texts.meta({ description: 'The files of patches that it is made with, in their order' }),
    warnings: texts,
  }),
)
