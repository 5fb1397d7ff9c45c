import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { begin, texts } from '../fakes/rollout.ts'
import { two } from '../fakes/stories.ts'

export type At = Awaited<ReturnType<typeof begin>> & { readonly homelab: FakeHomelab }

/** A homelab with a target release, at rest, after what came before. */
export async function open(after?: (at: At) => unknown): Promise<At> {
  const homelab = fakeHomelab(two, { versions: ['v1.12.8', 'v1.13.9', 'v1.14.0', 'v1.14.1'] })
  const at = { ...(await begin(homelab)), homelab }
  // What may be lost with an upgrade.
  homelab.machine('w-1').extensions = ['siderolabs/gvisor', 'siderolabs/i915']
  await after?.(at)
  await at.agent.idle()
  return at
}

/** What the journal says that somebody requested. */
export const signed = (homelab: FakeHomelab) =>
  [...texts(homelab, 'event'), ...texts(homelab, 'power')].filter((text) => text.includes('; by '))
