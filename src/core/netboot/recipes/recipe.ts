import { mikrotik, opnsense, synology, unifi, windows } from './appliances.ts'
import type { RecipeFacts, RecipeParts } from './facts.ts'
import { dnsmasq, isc, kea, openwrt } from './programs.ts'
import type { RouterKind } from './routers.ts'

/** What to enter somewhere. */
export interface Recipe extends RecipeParts {
  readonly router: RouterKind
}

const recipes: Readonly<Record<RouterKind, (facts: RecipeFacts) => RecipeParts>> = {
  dnsmasq,
  kea,
  isc,
  unifi,
  opnsense,
  mikrotik,
  openwrt,
  synology,
  windows,
}

/** What to enter in a router of this kind, so that machines boot what is published, without a proxy. */
export function recipeFor(router: RouterKind, facts: RecipeFacts): Recipe {
  return { router, ...recipes[router](facts) }
}
