import type { NamesAnswer } from '../core/names.ts'
import { compareVersions } from '../core/version.ts'
import { remembered } from './facts.ts'
import type { MachineMeans } from './provision/requests.ts'

/** What a person can name, without asking anybody: completion waits for it. */
export function readNames({ agent, config, desk, ports: { journal } }: MachineMeans): NamesAnswer {
  const { nodes, hosts, upses } = config()
  const withdrawn = new Set(remembered.withdrawn.recall(journal))
  const offered = (remembered.versions.recall(journal) ?? []).filter((version) => !withdrawn.has(version))
  return {
    nodes: nodes.map(({ name }) => name),
    hosts: hosts.map(({ name }) => name),
    upses: upses.map(({ label }) => label),
    jobs: agent.jobs.map(({ name }) => name),
    machines: desk.machines().map(desk.nameOf),
    releases: offered.toSorted(compareVersions).toReversed(),
  }
}
