import type { Outcome } from '../../src/core/job.ts'
import { startAgent, type StartedAgent, type StartOptions } from './agent.ts'
import type { FakeHomelab, FakeOptions } from './homelab.ts'
import { personAt } from './person.ts'
import { online } from './stories.ts'

export const offered: FakeOptions = { versions: ['v1.13.9', 'v1.14.1'] }
export function sentence(outcome: Outcome): string {
  if (outcome.kind === 'later') return outcome.reason
  return outcome.kind === 'stuck' ? `stuck: ${outcome.summary}` : outcome.summary
}
export const texts = (homelab: FakeHomelab, kind: string) =>
  homelab.ports.journal.entries(1_000).flatMap((entry) => (entry.kind === kind ? [entry.text] : []))
export const soon = () => new AbortController().signal

/** An agent on mains, with the release known and staged, and a person who can speak to it. */
export async function begin(homelab: FakeHomelab, options: StartOptions = {}) {
  const it = startAgent(homelab, options)
  await it.reads(online)
  await it.agent.idle()
  await it.run('watch-releases')
  await it.run('stage-image')
  return {
    ...it,
    control: personAt(homelab, it),
    next: async () => sentence(await it.run('upgrade-node')),
    [Symbol.asyncDispose]: () => it[Symbol.asyncDispose](),
  }
}

/** Runs until nothing is left to do, and answers with what was said last. */
export async function finish(it: Pick<StartedAgent, 'run'>): Promise<string> {
  let outcome = await it.run('upgrade-node')
  for (let run = 0; run < 30 && outcome.kind === 'later'; run++) outcome = await it.run('upgrade-node')
  return sentence(outcome)
}

/** Until nothing is left to do, with the watching, staging and rolling out of every day. */
export async function days(it: Awaited<ReturnType<typeof begin>>): Promise<string> {
  let said = ''
  for (let day = 0; day < 4; day++) {
    await it.run('watch-releases')
    await it.run('stage-image')
    said = await finish(it)
  }
  return said
}

/** What each machine runs, by its name. */
export const versionsOf = (homelab: FakeHomelab) =>
  Object.fromEntries([...homelab.machines.values()].map(({ name, version }) => [name, version]))
