import { listUpses } from '../../adapters/nut/discover.ts'
import { createNutUps } from '../../adapters/nut/ups.ts'
import { AgentError } from '../../core/errors.ts'
import type { SeenUps, UpsFigure } from '../../core/setup/seen.ts'
import { within } from './means.ts'

export interface UpsServer {
  readonly host: string
  readonly port: number
}

export interface UpsLogin {
  readonly user: string
  readonly password: string
}

/** By the variables that tell them. */
const figures: Readonly<Record<UpsFigure, string>> = {
  charge: 'battery.charge',
  runtime: 'battery.runtime',
  load: 'ups.load',
}

/**
 * The UPSes of a server, what each reports, and whether it takes the login. A login that is taken is given back at once.
 *
 * @throws AgentError `unreachable`; `rejected` where the server has none
 */
export async function lookAtUpses(
  server: UpsServer,
  login: UpsLogin | undefined,
  signal: AbortSignal,
): Promise<readonly SeenUps[]> {
  const listed = await listUpses(server, within(signal))
  const at = `${server.host}:${server.port}`
  if (listed.length === 0) throw new AgentError('rejected', `upsd at ${at} lists no UPS: add it to ups.conf there`)
  return Promise.all(listed.map((one) => lookAtUps(server, one, { login, signal })))
}

async function lookAtUps(
  server: UpsServer,
  { name, description }: { readonly name: string; readonly description: string | undefined },
  { login, signal }: { readonly login: UpsLogin | undefined; readonly signal: AbortSignal },
): Promise<SeenUps> {
  let loginRefused: string | undefined
  const onLoginRefused = (why: string) => void (loginRefused = why)
  await using ups = createNutUps({ ...server, name, credentials: login, onLoginRefused })
  const told = await ups.details(within(signal)).catch((error: unknown) => {
    signal.throwIfAborted()
    // Its driver may be down at the moment: the UPS is there all the same.
    if (error instanceof AgentError) return undefined
    throw error
  })
  const variables = told?.variables ?? {}
  const model = [variables['device.mfr'] ?? variables['ups.mfr'], variables['device.model'] ?? variables['ups.model']]
  const tells = (Object.keys(figures) as UpsFigure[]).filter((figure) => Number(variables[figures[figure]]) > 0)
  return {
    name,
    description,
    ...server,
    model: model.filter((part) => part !== undefined && part !== '').join(' ') || undefined,
    status: variables['ups.status'],
    tells,
    loginRefused,
    isUserTried: login !== undefined,
  }
}
