import type { OAuthArguments } from './arguments.ts'
import type { MachineConsole } from './console.ts'
import { type GoAnswer, type GoMeans, type GoUrl, goRequest, parseGoUrl } from './go-http.ts'
import type { Pace } from './pace.ts'
import { escape } from './variables.ts'

interface DeviceCode {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete?: string
  readonly expires_in?: number
  readonly interval?: number
}

export interface DeviceFlow {
  readonly oauth: OAuthArguments
  /** `talos.config`, without its variables filled in: the default URLs take its query over as it is. */
  readonly configUrl: string
  /** The values of the extra variables, empty where there is none. */
  readonly variables: ReadonlyMap<string, string>
  readonly console: MachineConsole
  readonly pace: Pace
  readonly means: GoMeans
}

const grant = 'urn:ietf:params:oauth:grant-type:device_code'

/**
 * The device authorization flow of a node, as golang.org/x/oauth2 does it: every poll is two POSTs, since it tries both
 * styles of authentication until one has succeeded (siderolabs/talos metal/oauth2). Answers the header that the request
 * for the configuration carries.
 *
 * @throws Error with the server's `error`, or where it does not answer: the flow ends with it
 */
export async function authorizeDevice(flow: DeviceFlow): Promise<string> {
  const { oauth, console, pace, means, variables } = flow
  const device = await askForCode(flow)
  const { user_code: code, verification_uri: at, verification_uri_complete: whole, interval = 5 } = device
  console.print(`[OAuth] please visit the URL ${at} and enter the code ${code}`)
  if (whole !== undefined) console.print(`[OAuth] or scan the following QR code:\n${whole}`)
  console.print('[OAuth] waiting for the device to be authorized')
  const form = formOf([
    ['client_id', oauth.clientId],
    ['grant_type', grant],
    ['device_code', device.device_code],
    ...(oauth.audience === undefined ? [] : [['audience', oauth.audience] as const]),
    ...variables,
    ...(oauth.clientSecret === undefined ? [] : [['client_secret', oauth.clientSecret] as const]),
  ])
  const url = urlOf(flow, oauth.tokenUrl, '/token')
  // The secret of the header is empty, even where one is set.
  const basic = `Basic ${Buffer.from(`${escape(oauth.clientId)}:`).toString('base64')}`
  let every = interval
  for (let waited = 0; device.expires_in === undefined || waited < device.expires_in; waited += every) {
    await pace.seconds(every, means.signal)
    const first = tokenIn(await post(url, form, means, [['Authorization', basic]]))
    const answer = 'token' in first ? first : tokenIn(await post(url, form, means))
    if ('token' in answer) {
      console.print('[OAuth] device authorized successfully')
      return answer.token
    }
    if (answer.error === 'slow_down') every += 5
    else if (answer.error !== 'authorization_pending')
      throw new Error(`failed to get device access token: oauth2: ${answer.error}`)
  }
  throw new Error('failed to get device access token: context deadline exceeded')
}

async function askForCode(flow: DeviceFlow): Promise<DeviceCode> {
  const { oauth, means, variables } = flow
  const form = formOf([
    ['client_id', oauth.clientId],
    ...(oauth.scopes.length === 0 ? [] : [['scope', oauth.scopes.join(' ')] as const]),
    ...(oauth.audience === undefined ? [] : [['audience', oauth.audience] as const]),
    ...variables,
  ])
  const { status, body } = await post(urlOf(flow, oauth.deviceAuthUrl, '/device/code'), form, means, [
    ['Accept', 'application/json'],
  ])
  if (status !== 200)
    throw new Error(
      `failed to get device auth response: oauth2: cannot fetch token: ${status}\nResponse: ${body.toString()}`,
    )
  return JSON.parse(body.toString('utf8')) as DeviceCode
}

/** The default takes the place of the configuration's path, and its query stays as it is, variables and all. */
function urlOf({ configUrl }: DeviceFlow, given: string | undefined, path: string): GoUrl {
  return given === undefined ? { ...parseGoUrl(configUrl), path } : parseGoUrl(given)
}

function post(
  url: GoUrl,
  body: string,
  means: GoMeans,
  headers: readonly (readonly [string, string])[] = [],
): Promise<GoAnswer> {
  const type = ['Content-Type', 'application/x-www-form-urlencoded'] as const
  return goRequest({ method: 'POST', url, body, headers: [...headers, type] }, means)
}

function tokenIn({ status, body }: GoAnswer): { readonly token: string } | { readonly error: string } {
  const answer = readJson(body)
  const { access_token: token, token_type: type, error } = answer
  if (status >= 200 && status < 300 && typeof token === 'string' && token !== '')
    return {
      token: `${typeof type === 'string' && type !== '' ? `${type[0]?.toUpperCase()}${type.slice(1)}` : 'Bearer'} ${token}`,
    }
  return { error: typeof error === 'string' ? error : `cannot fetch token: ${status}` }
}

function readJson(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(body.toString('utf8')) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** As Go writes a form: sorted. */
function formOf(fields: readonly (readonly [string, string])[]): string {
  return fields
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => `${escape(name)}=${escape(value)}`)
    .join('&')
}
