import { withoutEnd } from './text-end.ts'

/**
 * The URL of a path below a base, which may have a path of its own. Not as links are resolved: there `//api` names
 * another host, and a base such as `https://10.0.0.1:6443//` would send our credentials to it.
 *
 * @param path from `/` on, with its query
 */
export function below(base: URL, path: string): URL {
  const [place = '', ...query] = path.split('?')
  const url = new URL(base)
  url.hash = ''
  url.search = query.join('?')
  url.pathname = withoutEnd(base.pathname, '/') + place
  return url
}
