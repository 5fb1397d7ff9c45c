import { z } from 'zod'
import { serverUrl } from '../../../config/scalars.ts'

/** The base URL of a server; a path of a reverse proxy may be part of it. Secrets have settings of their own. */
export const server = serverUrl.meta({ description: 'URL of the server, with the path of a reverse proxy, if any' })

/** The path of a file with certificates, PEM. */
export const ca = z
  .string()
  .min(1)
  .meta({
    description: 'A file with the CA of the server, where it is your own: no other vouches for it then',
    examples: ['ca.pem'],
  })

/** The URL of a path below a server's base URL, whether or not that ends with a slash. */
export function below(base: string, path: string): URL {
  return new URL(path, base.endsWith('/') ? base : `${base}/`)
}
