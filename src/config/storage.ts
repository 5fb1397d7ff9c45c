import { z } from 'zod'

const day = /^\d{4}-\d{2}-\d{2}$/
const message = 'use a date such as 2026-12-31, which is the last day, or 2026-12-31T18:00:00+01:00'

/** A day to its end in UTC, or an instant; ms since the epoch. February has no 30th. */
function readUntil(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text)) return undefined
  const start = Date.parse(text.slice(0, 10))
  if (Number.isNaN(start) || new Date(start).toISOString().slice(0, 10) !== text.slice(0, 10)) return undefined
  const at = day.test(text) ? start + 86_400_000 : Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}

/** A code of Ceph's, a Longhorn volume, or a claim. */
const nameable = /^([A-Z][A-Z0-9_]*|[a-z0-9][a-z0-9.-]*(\/[a-z0-9][a-z0-9.-]*)?)$/
const naming = "use a code of Ceph's such as OSD_NEARFULL, a Longhorn volume, or its claim as namespace/name"

const accepted = z.strictObject({
  name: z
    .string()
    .trim()
    .regex(nameable, naming)
    .refine((name) => !/^HEALTH_(OK|WARN|ERR)$/.test(name), `this is a state of the whole cluster: ${naming}`)
    .meta({ description: "Ceph's code (OSD_NEARFULL), a Longhorn volume's name, or its claim (media/films)" }),
  until: z
    .string(message)
    .refine((text) => readUntil(text) !== undefined, message)
    .transform((text) => readUntil(text)!)
    .meta({ description: 'The last day (in UTC), or an instant' }),
  reason: z.string().min(1).optional().meta({ description: 'For people' }),
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
    .default([])
    .meta({
      description: 'Warnings that keep no node: of copies that are missing, never of data that are in danger',
    }),
})
