import { z } from 'zod'
import { parseDuration } from '../core/duration.ts'
import { parseLabelSelector } from '../core/cluster/label-selector.ts'
import { isTimeZone } from '../core/time.ts'
import { parseVersion } from '../core/version.ts'

/**
 * The shapes of single values. `pattern` is for editors, and accepts what the shape accepts. `kind` says how what is
 * nearly right is put right (`meant.ts`); it is no part of the schema for editors.
 */

export const duration = z
  .string('use a duration such as 30s, 10m, 2h or 7d')
  .refine((text) => parseDuration(text) !== undefined, 'use a duration such as 30s, 10m, 2h or 7d')
  .transform((text) => parseDuration(text)!)
  .meta({
    kind: 'duration',
    pattern: String.raw`^\s*\d+(\.\d+)?(ms|s|m|h|d)\s*$`,
  })

export const version = z
  .string('use a Talos release such as v1.13.9')
  .refine((text) => text.startsWith('v') && parseVersion(text) !== undefined, 'use a Talos release such as v1.13.9')
  .meta({
    kind: 'version',
    examples: ['v1.13.9'],
    pattern: String.raw`^v(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(-(alpha|beta|rc)\.(0|[1-9]\d{0,8}))?$`,
  })

export const time = z
  .string('use a time of day such as 02:00')
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'use a time of day such as 02:00')
  .meta({ kind: 'time', examples: ['02:00'] })

export const percent = z.number().min(0).max(100).meta({ kind: 'percent' })

export const name = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'use lowercase letters, digits and hyphens')
  .meta({ kind: 'name' })

export const timeZone = z
  .string('use a time zone such as Europe/Warsaw')
  .refine(isTimeZone, 'use a time zone such as Europe/Warsaw')
  .meta({
    kind: 'timeZone',
    examples: ['Europe/Warsaw'],
    pattern: String.raw`^([A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*|[+-]\d{2}(:?\d{2})?)$`,
  })

export const mac = z
  .string('use a MAC address such as 00:1b:21:3a:4f:5c')
  .regex(/^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$/, 'use a MAC address such as 00:1b:21:3a:4f:5c')
  .meta({ kind: 'mac', examples: ['00:1b:21:3a:4f:5c'] })

const hostWords = 'use a host name or an IP address, without a port'
export const host = z
  .string(hostWords)
  .regex(/^[A-Za-z0-9]([-A-Za-z0-9.:]*[A-Za-z0-9])?$/, hostWords)
  .refine((text) => !/^[^:]*:\d+$/.test(text), hostWords)
  .meta({ kind: 'host', pattern: String.raw`^(?![^:]*:\d+$)[A-Za-z0-9]([-A-Za-z0-9.:]*[A-Za-z0-9])?$` })

export const ipv4 = z
  .ipv4('use an IPv4 address such as 192.168.0.255')
  .meta({ kind: 'ipv4', examples: ['192.168.0.255'] })

const placeWords = 'use the name of an interface such as eth0, or an address of this machine'
/** Where a server listens that has to answer from the address that it was asked at. */
const listenPlace = z
  .string(placeWords)
  .regex(/^[A-Za-z0-9:][-A-Za-z0-9_.:]{0,44}$/, placeWords)
  .refine(
    (text) => text !== '0.0.0.0' && text !== '::',
    'name interfaces or addresses one by one: firmware drops an answer that comes from another address than it asked',
  )
/** Where a server of ours listens: its setting `listen`. */
export const listenPlaces = z
  .array(listenPlace)
  .min(1)
  .meta({
    description: 'Where it listens: interfaces, each with its IPv4 addresses, and addresses of this machine',
    examples: [['eth0'], ['192.168.0.10']],
  })

export const port = z.int().min(1).max(65_535)

/** A host, with a port where it is not the usual one: `nas.lan`, `192.168.0.6:69`, `[fd00::6]:69`. */
export const server = z
  .string()
  .regex(
    /^[A-Za-z0-9[]([-A-Za-z0-9.:\]]*[A-Za-z0-9\]])?$/,
    'use an address such as 192.168.0.6, or 192.168.0.6:69 with its port',
  )
  .meta({ examples: ['192.168.0.6', '[fd00::6]:1069'] })

/** A URL by HTTP, with whatever stands behind the host. */
export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'use a URL such as https://nas.lan:8420/path' })
  .meta({ kind: 'url', pattern: '^[Hh][Tt][Tt][Pp][Ss]?://' })

/** The base URL of a server, to which paths are appended; it is shown and logged. */
export const serverUrl = httpUrl
  .refine((url) => !/[?#]/.test(url), 'leave out ? and everything after it: Caretaker appends paths to this URL')
  .refine(
    (url) => !URL.canParse(url) || (new URL(url).username === '' && new URL(url).password === ''),
    'keep the user name and password out of the URL: it is shown and logged',
  )

/** An address or a network, `192.168.0.0/24`. */
export const network = z.union(
  [z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()],
  'use an IP address such as 192.168.0.8, or a network such as 192.168.0.0/24',
)

/** A label selector, checked as the API server does; one that matches everything is refused. */
export const labelSelector = z
  .string('use a label selector such as app=db,tier!=cache')
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
  .meta({ kind: 'labelSelector', examples: ['app=db,tier!=cache'] })

/** Without the regular expression and the value that the API server quotes: the words beside them say the same. */
function readable(fault: string): string {
  return fault
    .replaceAll(/ \(e\.g\. .*?regex used for validation is '[^']*'\)/g, '')
    .replace('<nil>: ', '')
    .replace(/^unable to parse requirement: /, '')
    .replace(/^(?:[^:"]*: )?Invalid value: "(?:[^"\\]|\\.)*": /, '')
}

const namespaceWords = 'use a namespace: lowercase letters, digits and hyphens, 63 at most'
export const namespace = z
  .string(namespaceWords)
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, namespaceWords)
  .meta({ kind: 'name' })

/** Where a secret is: the configuration never holds one. */
export const secret = z.union(
  [
    z.strictObject({ file: z.string().min(1).meta({ description: 'Path of a file that holds the secret' }) }),
    z.strictObject({ env: z.string().min(1).meta({ description: 'Environment variable that holds the secret' }) }),
  ],
  'refer to the secret as {file: PATH} or {env: NAME}; never write it here',
)
export type SecretSource = z.output<typeof secret>
