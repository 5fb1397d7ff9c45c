import { proxyFor } from '../core/web-proxy.ts'
import { readText } from '../main/file-gate.ts'
import { certificatesOf } from '../main/factories.ts'
import type { Settings } from '../main/settings.ts'
import { attempt, type Findings } from './findings.ts'

/** What the Factory's section names beside secrets: certificates of signers, and the proxy that the environment names. */
export async function checkFactory({ config, path, environment }: Settings): Promise<Findings> {
  const { signedBy, url, fallbacks } = config.factory
  const signers = signedBy.map((file, index) =>
    attempt(['factory', 'signedBy', index], async () => certificatesOf(await readText(path(file)), path(file))),
  )
  const proxies = [url, ...fallbacks.map((one) => one.url)].map((one, index) =>
    attempt(index === 0 ? ['factory', 'url'] : ['factory', 'fallbacks', index - 1, 'url'], async () =>
      proxyFor(new URL(one), environment),
    ),
  )
  return (await Promise.all([...signers, ...proxies])).flat()
}
