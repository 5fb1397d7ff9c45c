import { z } from 'zod'

const day = /^\d{4}-\d{2}-\d{2}$/
const message = 'use the last day, such as 2026-12-31, or a time such as 2026-12-31T18:00:00+01:00'

/** The end of a day in UTC, or a time, in ms since the epoch; undefined for a day that does not exist. */
function readUntil(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text)) return undefined
  const start = Date.parse(text.slice(0, 10))
  if (Number.isNaN(start) || new Date(start).toISOString().slice(0, 10) !== text.slice(0, 10)) return undefined
  const at = day.test(text) ? start + 86_400_000 : Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}

/** A Ceph health code, a Longhorn volume, or a claim. */
const nameable = /^([A-Z][A-Z0-9_]*|[a-z0-9][a-z0-9.-]*(\/[a-z0-9][a-z0-9.-]*)?)$/
const naming = 'use a Ceph health code such as OSD_NEARFULL, a Longhorn volume, or its claim as namespace/name'

const accepted = z.strictObject({
  name: z
    .string(naming)
    .trim()
    .regex(nameable, naming)
    .refine(
      (name) => !/^HEALTH_(OK|WARN|ERR)$/.test(name),
      `this is the health of the whole cluster, not a warning: ${naming}`,
    )
    .meta({
      description: 'A Ceph health code (OSD_NEARFULL), a Longhorn volume, or its claim (media/films)',
      examples: ['OSD_NEARFULL'],
    }),
  until: z
    .string(message)
    .refine((text) => readUntil(text) !== undefined, message)
    .transform((text) => readUntil(text)!)
    .meta({ kind: 'date', description: 'The last day, in UTC, or a time' }),
  reason: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Shown beside the warning', examples: ['a disk is on its way'] }),
})

/** The section `storage`. */
export const storage = z.strictObject({
  accept: z
    .array(accepted)
    .superRefine((list, context) => {
      for (const [index, { name }] of list.entries())
        if (list.findIndex((other) => other.name === name) < index)
          context.addIssue({ code: 'custom', path: [index, 'name'], message: `${name} is accepted twice` })
    })
    .prefault([])
    .meta({
      description: 'Storage warnings that block no upgrade: about missing replicas, never about data at risk',
    }),
})
