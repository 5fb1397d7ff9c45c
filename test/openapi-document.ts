import type { Operator } from '../src/core/operator.ts'
import { basePath } from '../src/http/base-path.ts'
import { socketLimits } from '../src/http/limits.ts'
import { createServed } from '../src/http/served.ts'
import { silentLog } from './fakes/log.ts'

/** The OpenAPI document as the daemon serves it, laid out to be read. */
export async function openApiText(): Promise<string> {
  // The routes are described without anybody behind them.
  const operator = {} as Operator
  const access = { admit: () => ({ name: 'nobody', verified: false }) }
  const served = createServed(operator, { limits: socketLimits, access, log: silentLog })
  const answer = await served.request(`${basePath}/openapi.json`)
  return `${JSON.stringify(await answer.json(), null, 2)}\n`
}
