import type { Scope } from '../core/access/token.ts'
import type { Requester } from '../core/requester.ts'

/** What a service serves on the port of the API, beside the API. */
export interface WebPart {
  /** `/metrics` is that path alone, `/` and `/files/` are everything below. The longest one that fits answers. */
  readonly path: string
  /**
   * `read`: nobody comes in who may not read. `open`: it is asked by strangers, too, and shows them what they may see,
   * such as a page to sign in. Requests that change something reach neither unless the caller has at least `operate`, and
   * no page of another site made the browser ask.
   */
  readonly access: 'read' | 'open'
  answer(visit: Visit): Response | Promise<Response>
}

/** One request to a part. */
export interface Visit {
  readonly request: Request
  /** Undefined: a stranger. */
  readonly caller: WebCaller | undefined
}

/** Who asks, as far as it is proven. */
export interface WebCaller {
  readonly requester: Requester
  readonly scope: Scope
  /** `session`: a browser that is signed in, and can sign out. */
  readonly via: 'token' | 'session' | 'proxy' | 'anonymous'
  /** Whether it would be let in again: tokens are revoked while an answer lasts. */
  isStill(): boolean
}

/** The parts that are served now, whether or not there is a port for them. */
export interface WebDoor {
  /** Serves it until it is disposed of. @throws Error where another part has its path */
  open(part: WebPart): Disposable
  /** The part that answers a path; undefined where none does. */
  at(path: string): WebPart | undefined
}

export function createWebDoor(): WebDoor {
  const parts = new Map<string, WebPart>()
  return {
    open: (part) => {
      const { path } = part
      if (parts.has(path)) throw new Error(`${path} is served already`)
      parts.set(path, part)
      return { [Symbol.dispose]: () => void parts.delete(path) }
    },
    at: (path) => {
      const fitting = [...parts.values()].filter((part) => isAt(part, path))
      return fitting.toSorted((a, b) => b.path.length - a.path.length)[0]
    },
  }
}

function isAt({ path: own }: WebPart, path: string): boolean {
  return path === own || (own.endsWith('/') && path.startsWith(own))
}
