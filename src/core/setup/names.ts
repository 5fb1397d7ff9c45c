/** What the configuration takes as the name of a node, a schematic, a cluster. */
export function isName(text: string): boolean {
  return /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text)
}

/** The nearest name to a text: `My Lab` → `my-lab`. Undefined where nothing is left of it. */
export function nearestName(text: string): string | undefined {
  const words = text.toLowerCase().split(/[^a-z0-9.]/)
  const name = words
    .map((word) => word.split('.').filter(Boolean).join('.'))
    .filter(Boolean)
    .join('-')
  return isName(name) ? name : undefined
}

/** A server with its port: `192.168.0.6`, `nas.lan:3493`, `[fd00::6]:3493`. Undefined where it is none. */
export function parsePlace(text: string, usual: number): { readonly host: string; readonly port: number } | undefined {
  const found = /^(?:\[([0-9a-f:]+)\]|([a-z0-9](?:[-a-z0-9.]*[a-z0-9])?))(?::(\d{1,5}))?$/i.exec(text.trim())
  const bare = /^[0-9a-f]*:[0-9a-f]*:[0-9a-f:]*$/i.test(text.trim()) ? text.trim() : undefined
  const host = bare ?? found?.[1] ?? found?.[2]
  const port = bare === undefined && found?.[3] !== undefined ? Number(found[3]) : usual
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port }
}
