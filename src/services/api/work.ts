import type { RunningService } from '../../core/service.ts'
import type { ServiceContext } from '../../operations/service.ts'
import type { ApiSection } from './section.ts'

/** Serves the API until it is disposed of. */
export async function startApi({ section }: ServiceContext<ApiSection | undefined>): Promise<RunningService> {
  return {
    status: () => (section === undefined ? 'off: set `api` to serve it' : undefined),
    [Symbol.asyncDispose]: async () => {},
  }
}
