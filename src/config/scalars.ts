import { z } from 'zod'
import { parseDuration } from '../core/duration.ts'
import { parseLabelSelector } from '../core/cluster/label-selector.ts'
import { isTimeZone } from '../core/time.ts'
import { parseVersion } from '../core/version.ts'

/** The shapes of single values. */

export const duration = z
  .string('use a duration such as 30s, 10m, 2h or 7d')
  .refine((text) => parseDuration(text) !== undefined, 'use a duration such as 30s, 10m, 2h or 7d')
  .transform((text) => parseDuration(text)!)
  .meta({ description: 'A duration: 500ms, 30s, 10m, 2h, 7d' })

export const version = z
  .string()
  .refine((text) => text.startsWith('v') && parseVersion(text) !== undefined, 'use a Talos release such as v1.13.9')
export const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'use a time of day such as 02:00')
export const percent = z.number().min(0).max(100)
export const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'use lowercase letters, digits and hyphens')
export const timeZone = z.string().refine(isTimeZone, 'use a time zone such as Europe/Warsaw')

export const mac = z
  .string()
  .regex(/^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$/, 'use a MAC address such as 00:1b:21:3a:4f:5c')
export const host = z
  .string()
  .regex(/^[A-Za-z0-9]([-A-Za-z0-9.:]*[A-Za-z0-9])?$/, 'use a host name or an IP address, without a port')
  .refine((text) => !/^[^:]*:\d+$/.test(text), 'use a host name or an IP address, without a port')
export const port = z.int().min(1).max(65_535)
/** A host, with a port where it is not the usual one: `nas.lan`, `192.168.0.6:69`, `[fd00::6]:69`. */
export const server = z
  .string()
  .regex(
    /^[A-Za-z0-9[]([-A-Za-z0-9.:\]]*[A-Za-z0-9\]])?$/,
    'use an address such as 192.168.0.6, or 192.168.0.6:69 with its port',
  )

/** A label selector, checked as the API server does; one that matches everything is refused. */
export const labelSelector = z
  .string()
  .min(1, 'an empty selector would match everything')
  .superRefine((text, context) => {
    const parsed = parseLabelSelector(text)
    if (text === '' || ('requirements' in parsed && parsed.requirements.length > 0)) return
    const message =
      'fault' in parsed
        ? `is not a label selector: ${readable(parsed.fault)}`
        : 'an empty selector would match everything'
    context.addIssue({ code: 'custom', message })
  })
  .meta({ description: 'A label selector: app=db,tier!=cache' })

/** Without the regular expression that the API server quotes: the words before it say the same. */
function readable(fault: string): string {
  return fault.replaceAll(/ \(e\.g\. .*?regex used for validation is '[^']*'\)/g, '').replace('<nil>: ', '')
}

export const namespace = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'use a namespace: lowercase letters, digits and hyphens, 63 at most')

/** Where a secret is: the configuration never holds one. */
export const secret = z.union(
  [
    z.strictObject({ file: z.string().min(1).meta({ description: 'Path of a file that holds the secret' }) }),
    z.strictObject({ env: z.string().min(1).meta({ description: 'Environment variable that holds the secret' }) }),
  ],
  'refer to the secret as {file: PATH} or {env: NAME}; never write it here',
)
export type SecretSource = z.output<typeof secret>
