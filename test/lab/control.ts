import { basePath } from '../../src/http/base-path.ts'
import type { Page } from '../../src/core/page.ts'
import { fetchAt } from '../../src/http/client.ts'

/** The control socket by its paths below the API's own, as any client sees it. Rejects as the CLI's own client does. */
export interface RawControl {
  get<T>(path: string): Promise<T>
  /** The first page of a list. */
  list<T>(path: string): Promise<readonly T[]>
  post<T>(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<T>
}

export function rawControl(socketPath: string): RawControl {
  const fetch = fetchAt({ socketPath })
  const get = async <T>(path: string): Promise<T> => (await fetch(url(path))).json() as never
  const url = (path: string) => `http://caretaker${basePath}${path}`
  return {
    get,
    list: async <T>(path: string) => (await get<Page<T>>(path)).items,
    post: async (path, body, headers = {}) => {
      const json = body === undefined ? {} : { body: JSON.stringify(body) }
      const type = body === undefined ? {} : { 'content-type': 'application/json' }
      const answer = await fetch(url(path), { method: 'POST', headers: { ...type, ...headers }, ...json })
      return answer.json() as never
    },
  }
}
