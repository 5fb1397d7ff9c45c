import { basePath } from '../../src/http/base-path.ts'
import type { Page } from '../../src/core/page.ts'
import { askJson } from '../../src/http/client.ts'

/** The control socket by its paths below the API's own, as any client sees it. Rejects as the CLI's own client does. */
export interface RawControl {
  get<T>(path: string): Promise<T>
  /** The first page of a list. */
  list<T>(path: string): Promise<readonly T[]>
  post<T>(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<T>
}

export function rawControl(socketPath: string): RawControl {
  const ask = (method: string, path: string, headers: Readonly<Record<string, string>>, body?: unknown) =>
    askJson({ socketPath }, { method, path: `${basePath}${path}`, headers }, body)
  const get = async <T>(path: string): Promise<T> => (await ask('GET', path, {})) as never
  return {
    get,
    list: async <T>(path: string) => (await get<Page<T>>(path)).items,
    post: async (path, body, headers = {}) => (await ask('POST', path, headers, body)) as never,
  }
}
