import { zstdDecompressSync } from 'node:zlib'

/** What the command line of a machine's kernel says of its configuration (siderolabs/talos pkg/machinery/constants). */
export interface ConfigArguments {
  /** `talos.config`. */
  readonly url: string | undefined
  /** The text in `talos.config.early`. */
  readonly early: string | undefined
  readonly oauth: OAuthArguments | undefined
}

export interface OAuthArguments {
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly audience: string | undefined
  readonly scopes: readonly string[]
  readonly extraVariables: readonly string[]
  readonly deviceAuthUrl: string | undefined
  readonly tokenUrl: string | undefined
}

/** `kernel`: the command line's words. */
export function configArgumentsOf(kernel: readonly string[]): ConfigArguments {
  const all = (name: string) =>
    kernel.filter((word) => word.startsWith(`${name}=`)).map((word) => word.slice(name.length + 1))
  const oauth = (name: string) => all(`talos.config.oauth.${name}`)
  const [url] = all('talos.config')
  const early = all('talos.config.early').join('')
  const [clientId] = oauth('client_id')
  return {
    url: url === 'none' ? undefined : url,
    early: early === '' ? undefined : zstdDecompressSync(Buffer.from(early, 'base64')).toString('utf8'),
    oauth:
      clientId === undefined
        ? undefined
        : {
            clientId,
            clientSecret: oauth('client_secret')[0],
            audience: oauth('audience')[0],
            scopes: oauth('scope'),
            extraVariables: oauth('extra_variable'),
            deviceAuthUrl: oauth('device_auth_url')[0],
            tokenUrl: oauth('token_url')[0],
          },
  }
}
