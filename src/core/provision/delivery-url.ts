/**
 * How machines reach the door that hands out configurations: as it is set, else by where it listens.
 *
 * @param address the first one that it listens on
 */
export function deliveryUrl(
  section: { readonly url?: string | undefined; readonly port: number; readonly tls?: unknown },
  address: string,
): string {
  const host = address.includes(':') ? `[${address}]` : address
  const written = section.url ?? `${section.tls === undefined ? 'http' : 'https'}://${host}:${section.port}`
  return new URL(written).origin
}

/** The name or address that a URL leads to, without brackets. */
export function hostIn(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')
}
